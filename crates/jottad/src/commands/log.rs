//! `jottad log`: the history of operations.

mod filter;

use std::collections::HashMap;
use std::ffi::OsString;
use std::time::{Duration, SystemTime};

use clap::Args;
use jottad_core::shown_text;

use crate::api::answering;
use crate::api::documents::{EventDocument, LogDocument};
use crate::cli::failure::{Exit, Failure};
use crate::cli::invocation::Invocation;
use crate::cli::output::{Escaped, Output, local_time, remark};
use crate::config::units::format_size;

use filter::{Filter, FilterArguments};

/// How often it is looked whether something runs again.
const LOOK_AROUND: Duration = Duration::from_secs(1);

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

/// Asks what runs, or the indexes, and prints, oldest first.
pub(crate) fn run(arguments: &LogArguments, invocation: &Invocation) -> Result<Exit, Failure> {
    let filter = Filter::new(&arguments.filter, invocation)?;
    if arguments.follow {
        // Nobody ends it in another way.
        let follow = follow(arguments.lines, &filter, invocation);
        return invocation.wait_unless(follow, || Ok(Exit::Interrupted));
    }
    invocation.wait(async {
        let lines = newest(arguments.lines, &filter, invocation).await?;
        if lines.is_empty() && !invocation.output.json {
            remark(match arguments.lines {
                0 => "no line was asked for",
                _ if filter.is_open() => "nothing was done yet",
                _ => "nothing of that kind was done",
            });
        }
        for line in lines {
            print(&line, invocation.output)?;
        }
        Ok(Exit::Done)
    })
}

/// Prints lines as they come, whatever runs, and whenever.
async fn follow(count: u32, filter: &Filter, invocation: &Invocation) -> Result<Exit, Failure> {
    // Listening begins before asking, so that no line falls between the two.
    let mut events = answering::listen(invocation).await?;
    let mut written = indexes_written(invocation);
    let mut lines = fetch(u32::MAX, invocation).await?;
    let mut printed = Printed::default();
    printed.leave_out_printed(&mut lines);
    lines.retain(|line| filter.lets_through(line));
    let surplus = lines.len().saturating_sub(usize::try_from(count).unwrap_or(usize::MAX));
    let mut lines = lines.split_off(surplus);
    loop {
        for line in lines {
            print(&line, invocation.output)?;
        }
        lines = if let Some(listening) = &mut events {
            match listening.next().await? {
                Some(EventDocument::Ended(line)) => vec![line],
                // As far back as the history goes: what was printed before is left out.
                Some(EventDocument::Missed) => fetch(u32::MAX, invocation).await?,
                Some(_) => Vec::new(),
                None => {
                    // Its last words are in the indexes.
                    events = None;
                    fetch(u32::MAX, invocation).await?
                }
            }
        } else {
            tokio::time::sleep(LOOK_AROUND).await;
            events = answering::listen(invocation).await?;
            let found = indexes_written(invocation);
            // A pass may have come and gone between two looks.
            if events.is_some() || found != written {
                written = found;
                fetch(u32::MAX, invocation).await?
            } else {
                Vec::new()
            }
        };
        printed.leave_out_printed(&mut lines);
        lines.retain(|line| filter.lets_through(line));
    }
}

/// The newest line of each folder that was dealt with.
#[derive(Debug, Default)]
struct Printed(HashMap<String, i64>);

impl Printed {
    /// Leaves out what was dealt with before; the rest is from now on.
    fn leave_out_printed(&mut self, lines: &mut Vec<LogDocument>) {
        lines.retain(|line| {
            let newest = self.0.entry(line.folder.clone()).or_insert(0);
            let is_new = line.id > *newest;
            *newest = line.id.max(*newest);
            is_new
        });
    }
}

/// When each of the indexes was written last.
fn indexes_written(invocation: &Invocation) -> Vec<(OsString, SystemTime)> {
    let Ok(files) = std::fs::read_dir(invocation.places.indexes()) else { return Vec::new() };
    let written = |file: std::fs::DirEntry| Some((file.file_name(), file.metadata().ok()?.modified().ok()?));
    let mut all: Vec<_> = files.filter_map(|file| written(file.ok()?)).collect();
    all.sort();
    all
}

/// The newest lines that a filter lets through, oldest first. What it leaves out does not count.
async fn newest(count: u32, filter: &Filter, invocation: &Invocation) -> Result<Vec<LogDocument>, Failure> {
    let count_asked = if filter.is_open() { count } else { u32::MAX };
    let path = format!("/v1/log?limit={count_asked}");
    let (mut lines, _): (Vec<LogDocument>, bool) = answering::tell(invocation, &path).await?;
    lines.retain(|line| filter.lets_through(line));
    let surplus = lines.len().saturating_sub(usize::try_from(count).unwrap_or(usize::MAX));
    Ok(lines.split_off(surplus))
}

async fn fetch(count: u32, invocation: &Invocation) -> Result<Vec<LogDocument>, Failure> {
    answering::get(invocation, &format!("/v1/log?limit={count}")).await
}

fn print(line: &LogDocument, output: Output) -> Result<(), Failure> {
    // Nothing more is to be told as soon as nobody reads.
    if output.json {
        return output.document(line);
    }
    output.prose(format_args!("{}  {}", local_time(line.at.0), describe(line)))
}

/// An operation that ended, in one line.
pub(crate) fn describe(line: &LogDocument) -> String {
    let to = line.to.as_deref().map(|to| format!(" → {}", shown_text(to))).unwrap_or_default();
    let bytes = line.bytes.map(|bytes| format!(" ({})", format_size(bytes))).unwrap_or_default();
    let error =
        line.error.as_deref().map(|error| format!(": failed: {}", Escaped(error))).unwrap_or_default();
    let kind = line.kind.replace('_', " ");
    format!("{}: {kind} {}{to}{bytes}{error}", Escaped(&line.folder), shown_text(&line.path))
}
