//! `jottad problems`: what cannot be synced, why, and what mends it.

use crate::answering;
use crate::documents::{ProblemDocument, ProblemsDocument};
use crate::failure::{Exit, Failure};
use crate::invocation::Invocation;
use crate::output::{Escaped, age, count, local_time, now};

/// Asks the daemon and prints.
pub(crate) fn run(invocation: &Invocation) -> Result<Exit, Failure> {
    invocation.wait(async {
        let found: ProblemsDocument = answering::get(invocation, "/v1/problems").await?;
        invocation.output.either(&found, || {
            if found.problems.is_empty() {
                return invocation.output.line("no problems");
            }
            found.problems.iter().try_for_each(|problem| describe(problem, invocation))
        })?;
        Ok(if found.problems.is_empty() { Exit::Done } else { Exit::Problems })
    })
}

fn describe(problem: &ProblemDocument, invocation: &Invocation) -> Result<(), Failure> {
    let output = invocation.output;
    output.line(format_args!("{}: {}", Escaped(&problem.folder), Escaped(&problem.path)))?;
    let since = age(Some(problem.since.0), now());
    let tries = count(problem.tries.into(), "try", "tries");
    output.line(format_args!("  {} (since {since}, {tries})", Escaped(&problem.reason)))?;
    match problem.next_try {
        Some(time) => output.line(format_args!("  tried again at {}", local_time(time.0)))?,
        None => output.line("  tried again when it changes")?,
    }
    output.line(format_args!("  {}", Escaped(&problem.remedy)))
}
