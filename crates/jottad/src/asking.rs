//! Asking a person on the terminal.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::sync::mpsc;
use std::thread;

use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::terminal::{extent_of, fold, leave_line};

/// How often an empty answer is asked about again.
const TRIES: u32 = 3;
/// Columns for an answer.
const ROOM: usize = 6;

/// Refuses to ask where nobody can answer.
pub(crate) fn need_terminal(what: &str, remedy: &str) -> Result<(), Failure> {
    if io::stdin().is_terminal() {
        return Ok(());
    }
    Err(Failure::usage(format!("there is no terminal to ask for {what} on")).hint(remedy))
}

/// Asks for a line, which is seen as it is typed. Never empty.
pub(crate) fn ask(question: &str, invocation: &Invocation) -> Result<String, Failure> {
    until_answered(question, || read_line(question, invocation))
}

/// Asks for a line; an empty one means the default.
pub(crate) fn ask_or(question: &str, default: &str, invocation: &Invocation) -> Result<String, Failure> {
    let answer = read_line(&format!("{question} [{default}] "), invocation)?;
    Ok(if answer.is_empty() { default.to_owned() } else { answer })
}

/// Asks for a line, which is not seen. Never empty.
pub(crate) fn ask_hidden(question: &str, invocation: &Invocation) -> Result<String, Failure> {
    until_answered(question, || {
        let question = question_text(question);
        while_listening(invocation, true, move || rpassword::prompt_password(question))
    })
}

/// A question, folded so that there is room for an answer behind it.
pub(crate) fn question_text(question: &str) -> String {
    match extent_of(&io::stderr()) {
        Some(extent) => fold(question, extent.columns.saturating_sub(ROOM)).join("\n"),
        None => question.to_owned(),
    }
}

/// Shows a question and reads the line that follows it.
fn read_line(question: &str, invocation: &Invocation) -> Result<String, Failure> {
    let question = question_text(question);
    while_listening(invocation, false, move || {
        // Not locked: others may have to say something before there is an answer.
        let mut terminal = io::stderr();
        write!(terminal, "{question}").and_then(|()| terminal.flush())?;
        let mut answer = String::new();
        match io::stdin().lock().read_line(&mut answer)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(answer.trim().to_owned()),
        }
    })
}

/// Reads an answer on a thread of its own, so that a signal is heard meanwhile. Whatever happens, the
/// terminal is left as it was: what is typed would not be seen any more otherwise.
fn while_listening(
    invocation: &Invocation,
    is_hidden: bool,
    read: impl FnOnce() -> io::Result<String> + Send + 'static,
) -> Result<String, Failure> {
    let mut signals = invocation.signals()?;
    let settings = rustix::termios::tcgetattr(io::stdin()).ok();
    let (sender, answered) = mpsc::channel();
    let interrupting = sender.clone();
    // A question outlives its command only where the program ends at once.
    thread::spawn(move || sender.send(Some(read())));
    thread::spawn(move || {
        if signals.blocking_recv().is_some() {
            let _ = interrupting.send(None);
        }
    });
    match answered.recv().ok().flatten() {
        Some(Ok(answer)) => Ok(answer),
        Some(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
            leave_line();
            Err(Failure::called_off().hint("run the command again: nothing was changed"))
        }
        Some(Err(error)) if error.kind() != io::ErrorKind::Interrupted => {
            Err(Failure::failed(format!("asking on the terminal: {error}")))
        }
        _ => {
            if let Some(settings) = settings {
                let _ =
                    rustix::termios::tcsetattr(io::stdin(), rustix::termios::OptionalActions::Now, &settings);
            }
            // What reads unseen has left the line.
            if !is_hidden {
                leave_line();
            }
            Err(Failure::interrupted().hint("run the command again: nothing was changed"))
        }
    }
}

fn until_answered(
    question: &str,
    mut ask: impl FnMut() -> Result<String, Failure>,
) -> Result<String, Failure> {
    for _ in 0..TRIES {
        let answer = ask()?;
        if !answer.trim().is_empty() {
            return Ok(answer);
        }
    }
    let question = question.trim().trim_end_matches(':');
    Err(Failure::usage(format!("no answer to the question {question:?}")).hint("run the command again"))
}
