//! `jottad problems`: what cannot be synced, why, and what mends it.

use jottad_core::shown_text;

use crate::api::answering;
use crate::api::documents::{LeftOutFolder, ProblemDocument, ProblemsDocument};
use crate::cli::failure::{Exit, Failure};
use crate::cli::invocation::Invocation;
use crate::cli::output::{Escaped, age, count, local_time, now};
use crate::commands::status::words;

/// Asks the daemon and prints.
pub(crate) fn run(invocation: &Invocation) -> Result<Exit, Failure> {
    invocation.wait(async {
        let (found, is_at_rest): (ProblemsDocument, _) = answering::tell(invocation, "/v1/problems").await?;
        invocation.output.either(&found, || {
            if found.problems.is_empty() && found.left_out.is_empty() {
                return invocation.output.prose("no problems");
            }
            found.problems.iter().try_for_each(|problem| describe(problem, is_at_rest, invocation))?;
            describe_left_out(&found.left_out, invocation)
        })?;
        Ok(match (found.problems.is_empty(), found.left_out.is_empty()) {
            (false, _) => Exit::Problems,
            (true, false) => Exit::Working,
            (true, true) => Exit::Done,
        })
    })
}

fn describe(problem: &ProblemDocument, is_at_rest: bool, invocation: &Invocation) -> Result<(), Failure> {
    let output = invocation.output;
    output.prose(format_args!("{}: {}", Escaped(&problem.folder), shown_text(&problem.path)))?;
    let since = age(Some(problem.since.0), now());
    let tries = count(problem.tries.into(), "try", "tries");
    output.prose(format_args!("  {} (since {since}, {tries})", Escaped(&problem.reason)))?;
    match problem.next_try {
        // Nothing runs that could.
        _ if is_at_rest => output.prose("  tried again by the next run")?,
        Some(time) => output.prose(format_args!("  tried again at {}", local_time(time.0)))?,
        None if problem.being_tried => output.prose("  being tried now")?,
        None => output.prose("  tried again when it changes")?,
    }
    output.advice(format_args!("  {}", Escaped(&problem.remedy)))
}

/// Says of which folders nothing is known.
pub(crate) fn describe_left_out(folders: &[LeftOutFolder], invocation: &Invocation) -> Result<(), Failure> {
    folders.iter().try_for_each(|folder| {
        let why = folder.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
        let text =
            format!("{}: not known, as it does not run ({}){why}", folder.name, words(folder.verdict.0));
        invocation.output.prose(Escaped(&text))
    })
}
