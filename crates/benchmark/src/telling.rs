//! What is told of a measurement, a line for each.

use std::io::Write as _;

use crate::line::Cost;
use crate::report::{format_memory, format_seconds};
use crate::stage::Stage;

/// Says what something has cost, with the requests since they were last counted from nothing.
pub(crate) fn say_cost(stage: &Stage, title: &str, cost: Cost) -> anyhow::Result<()> {
    let requests: u64 = stage.service.requests()?.values().sum();
    let cpu = cost.cpu.map_or_else(|| "?".to_owned(), |cpu| format_seconds(cpu.as_secs_f64()));
    let memory = cost.peak_memory.map_or_else(|| "?".to_owned(), format_memory);
    let wall = format_seconds(cost.wall.as_secs_f64());
    say(&format!("{title:<40} wall {wall:>9}  CPU {cpu:>9}  memory {memory:>10}  requests {requests:>4}"))
}

pub(crate) fn say(text: &str) -> anyhow::Result<()> {
    Ok(writeln!(std::io::stdout(), "{text}")?)
}
