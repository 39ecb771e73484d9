//! `jottad log`: the history of operations.

mod filter;

use std::collections::HashMap;

use clap::Args;

use crate::answering;
use crate::config::units::format_size;
use crate::documents::{EventDocument, LogDocument};
use crate::exchange::{EventStream, daemon_ended};
use crate::failure::{Exit, Failure};
use crate::invocation::Invocation;
use crate::output::{Escaped, Output, local_time};

use filter::{Filter, FilterArguments};

#[derive(Debug, Args)]
pub(crate) struct LogArguments {
    /// Keep showing new lines as they come
    #[arg(short, long)]
    follow: bool,
    /// How many of the newest lines to begin with
    #[arg(short = 'n', long, default_value_t = 50, value_name = "COUNT")]
    lines: u32,
    #[command(flatten)]
    filter: FilterArguments,
}

/// Asks the daemon and prints, oldest first.
pub(crate) fn run(arguments: &LogArguments, invocation: &Invocation) -> Result<Exit, Failure> {
    let filter = Filter::new(&arguments.filter, invocation)?;
    let show = async {
        // Listening begins before asking, so that no line falls between the two.
        let events = if arguments.follow { Some(EventStream::open(&invocation.places).await?) } else { None };
        let mut printed: HashMap<String, i64> = HashMap::new();
        for line in newest(arguments.lines, &filter, invocation).await? {
            printed.insert(line.folder.clone(), line.id);
            print(&line, invocation.output)?;
        }
        let Some(mut events) = events else { return Ok(Exit::Done) };
        while let Some(event) = events.next().await? {
            let lines = match event {
                EventDocument::Ended(line) => vec![line],
                // As far back as the history goes: what was printed before is left out.
                EventDocument::Missed => fetch(u32::MAX, invocation).await?,
                _ => continue,
            };
            for line in lines {
                let newest = printed.entry(line.folder.clone()).or_insert(0);
                if line.id > *newest {
                    *newest = line.id;
                    if filter.lets_through(&line) {
                        print(&line, invocation.output)?;
                    }
                }
            }
        }
        Err(daemon_ended())
    };
    if arguments.follow {
        // Nobody ends it in another way.
        return invocation.wait_unless(show, || Ok(Exit::Interrupted));
    }
    invocation.wait(show)
}

/// The newest lines that a filter lets through, oldest first. What it leaves out does not count.
async fn newest(count: u32, filter: &Filter, invocation: &Invocation) -> Result<Vec<LogDocument>, Failure> {
    if filter.is_open() {
        return fetch(count, invocation).await;
    }
    let mut lines = fetch(u32::MAX, invocation).await?;
    lines.retain(|line| filter.lets_through(line));
    let surplus = lines.len().saturating_sub(usize::try_from(count).unwrap_or(usize::MAX));
    Ok(lines.split_off(surplus))
}

async fn fetch(count: u32, invocation: &Invocation) -> Result<Vec<LogDocument>, Failure> {
    answering::get(invocation, &format!("/v1/log?limit={count}")).await
}

fn print(line: &LogDocument, output: Output) -> Result<(), Failure> {
    output.either(line, || output.prose(format_args!("{}  {}", local_time(line.at.0), describe(line))))
}

/// An operation that ended, in one line.
pub(crate) fn describe(line: &LogDocument) -> String {
    let to = line.to.as_deref().map(|to| format!(" → {}", Escaped(to))).unwrap_or_default();
    let bytes = line.bytes.map(|bytes| format!(" ({})", format_size(bytes))).unwrap_or_default();
    let error =
        line.error.as_deref().map(|error| format!(": failed: {}", Escaped(error))).unwrap_or_default();
    let kind = line.kind.replace('_', " ");
    format!("{}: {kind} {}{to}{bytes}{error}", Escaped(&line.folder), Escaped(&line.path))
}
