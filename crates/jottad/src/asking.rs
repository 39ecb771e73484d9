//! Asking a person on the terminal.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use crate::failure::Failure;

/// How often an empty answer is asked about again.
const TRIES: u32 = 3;

/// Refuses to ask where nobody can answer.
pub(crate) fn need_terminal(what: &str, remedy: &str) -> Result<(), Failure> {
    if io::stdin().is_terminal() {
        return Ok(());
    }
    Err(Failure::usage(format!("there is no terminal to ask for {what} on")).hint(remedy))
}

/// Asks for a line, which is seen as it is typed. Never empty.
pub(crate) fn ask(question: &str) -> Result<String, Failure> {
    until_answered(question, || {
        let mut terminal = io::stderr().lock();
        write!(terminal, "{question}").and_then(|()| terminal.flush())?;
        let mut answer = String::new();
        match io::stdin().lock().read_line(&mut answer)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(answer.trim().to_owned()),
        }
    })
}

/// Asks for a line; an empty one means the default.
pub(crate) fn ask_or(question: &str, default: &str) -> Result<String, Failure> {
    let mut terminal = io::stderr().lock();
    let mut answer = String::new();
    let asked = write!(terminal, "{question} [{default}] ")
        .and_then(|()| terminal.flush())
        .and_then(|()| io::stdin().lock().read_line(&mut answer));
    match asked {
        Ok(0) => {
            Err(Failure::failed("called off").hint("what was done so far stays; go on with: jottad setup"))
        }
        Ok(_) if answer.trim().is_empty() => Ok(default.to_owned()),
        Ok(_) => Ok(answer.trim().to_owned()),
        Err(error) => Err(Failure::failed(format!("asking on the terminal: {error}"))),
    }
}

/// Asks for a line, which is not seen. Never empty.
pub(crate) fn ask_hidden(question: &str) -> Result<String, Failure> {
    until_answered(question, || rpassword::prompt_password(question))
}

fn until_answered(question: &str, mut ask: impl FnMut() -> io::Result<String>) -> Result<String, Failure> {
    for _ in 0..TRIES {
        let answer = ask().map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::Interrupted => Failure::failed("called off"),
            _ => Failure::failed(format!("asking on the terminal: {error}")),
        })?;
        if !answer.trim().is_empty() {
            return Ok(answer);
        }
    }
    let question = question.trim().trim_end_matches(':');
    Err(Failure::usage(format!("no answer to the question {question:?}")).hint("run the command again"))
}
