//! Asking before something is destroyed for good.

use std::io::{self, IsTerminal as _, Write as _};

use crate::cli::asking::question_text;
use crate::cli::failure::Failure;
use crate::cli::output::{Escaped, Output};
use crate::cli::terminal::leave_line;

/// Whether to go on: yes by `--yes`, or because the person on the terminal says so. Without a terminal there
/// is nobody to ask, and the command is refused.
pub(crate) async fn confirm(question: &str, yes: bool, output: Output) -> Result<bool, Failure> {
    if yes {
        return Ok(true);
    }
    if output.json || !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Err(Failure::usage(format!("not without a yes: {question}"))
            .hint("there is no terminal to ask on; add --yes if it is meant"));
    }
    let question = question_text(&format!("{} [y/N] ", Escaped(question)));
    let mut terminal = io::stderr();
    let asked = write!(terminal, "{question}").and_then(|()| terminal.flush());
    asked.map_err(|error| Failure::from_output(&error))?;
    // Beside, so that the person can also answer with Ctrl-C.
    let reading = tokio::task::spawn_blocking(|| {
        let mut answer = String::new();
        io::stdin().read_line(&mut answer).map(|_| answer)
    });
    let answer = reading.await.map_err(io::Error::other).flatten();
    let answer = answer.map_err(|error| Failure::failed(format!("reading the answer: {error}")))?;
    if answer.is_empty() {
        // The end of input leaves the question's line as it is.
        leave_line();
    }
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

/// A person has said no, so that nothing was removed.
pub(crate) fn nothing_removed() -> Failure {
    Failure::failed("called off: nothing was removed").hint("to remove it, answer y, or add --yes")
}
