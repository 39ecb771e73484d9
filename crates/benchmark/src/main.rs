//! jottad and rclone side by side, doing the same work against the same emulator: wall time, CPU, memory,
//! requests.
//!
//! It is a measurement, not a test: it judges nothing but that the work was really done. What it uses are the
//! programs themselves, as users have them.

mod clients;
mod large;
mod line;
mod listing;
mod machine;
mod measuring;
mod moves;
mod process;
mod programs;
mod report;
mod scale;
mod service;
mod stage;
mod sweep;
mod telling;
mod tree;
mod twins;

use std::io::Write as _;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use clients::Client;
use line::{Line, Sample};
use programs::Programs;
use report::Report;
use stage::Stage;
use tree::Shape;

/// jottad and rclone side by side, against an emulated Jottacloud
#[derive(Debug, Parser)]
#[command(version)]
struct Options {
    /// How long the service takes to begin each answer
    #[arg(long, default_value = "20ms")]
    latency: String,
    /// How many files
    #[arg(long, default_value_t = 10_000)]
    files: usize,
    /// Into how many directories they are divided
    #[arg(long, default_value_t = 100)]
    directories: usize,
    /// Bytes of each file
    #[arg(long, default_value_t = 4096)]
    size: usize,
    /// Only these lines (what must come before them is done, but not measured)
    #[arg(long = "line", value_name = "NAME")]
    lines: Vec<Line>,
    /// Only these clients
    #[arg(long = "client", value_name = "NAME")]
    clients: Vec<Client>,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
    #[command(subcommand)]
    command: Option<Inner>,
}

#[derive(Debug, Subcommand)]
enum Inner {
    /// Runs one command and writes what it cost into a file
    #[command(hide = true)]
    Observe(measuring::Observe),
    /// What a folder of very many files costs jottad
    Scale(scale::Scale),
    /// What many directories that are moved into another one cost jottad
    Moves(moves::Moves),
    /// What one large file costs jottad and rclone, and md5sum, which only reads it
    Large(large::Large),
    /// What a listing of very many entries costs jottad and rclone, and curl, which only takes it
    List(listing::Listing),
    /// How many transfers at one time `auto` comes to, beside fixed numbers
    Sweep(sweep::Sweep),
}

fn main() -> ExitCode {
    let options = Options::parse();
    if let Some(Inner::Observe(observe)) = &options.command {
        return measuring::observe(observe);
    }
    let done = match &options.command {
        Some(Inner::Scale(scale)) => scale::run(scale),
        Some(Inner::Large(large)) => large::run(large),
        Some(Inner::List(listing)) => listing::run(listing),
        Some(Inner::Sweep(sweep)) => sweep::run(sweep),
        Some(Inner::Moves(moves)) => moves::run(moves),
        _ => run(&options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            remark(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> anyhow::Result<()> {
    let shape = Shape::new(options.files, options.directories, options.size)?;
    let programs = Programs::find()?;
    let mut samples = Vec::new();
    for client in Client::ALL {
        if !options.clients.is_empty() && !options.clients.contains(&client) {
            continue;
        }
        if client.is_rclone() && programs.rclone_version.is_none() {
            remark(&format!("{client}: left out, there is no rclone on the path"));
            continue;
        }
        let stage = Stage::set(&programs, shape, &options.latency)?;
        client.run(&stage, &mut |sample: Sample| {
            if options.lines.is_empty() || options.lines.contains(&sample.line) {
                remark(&sample.to_string());
                samples.push(sample);
            }
        })?;
    }
    let report = Report::new(&options.latency, shape, programs.versions(), samples);
    let mut out = std::io::stdout();
    if options.json {
        serde_json::to_writer(&mut out, &report)?;
        writeln!(out)?;
    } else {
        write!(out, "{report}")?;
    }
    Ok(())
}

/// Says something beside the result.
fn remark(text: &str) {
    // Without a standard error there is nobody to tell.
    let _ = writeln!(std::io::stderr(), "{text}");
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_options_are_consistent() {
        Options::command().debug_assert();
    }

    #[test]
    fn lines_and_clients_are_named_as_they_are_printed() {
        let options =
            Options::try_parse_from(["", "--line", "one-changed", "--client", "rclone-default"]).unwrap();
        assert_eq!(options.lines, [Line::OneChanged]);
        assert_eq!(options.clients, [Client::RcloneDefault]);
        assert_eq!(Client::RcloneDefault.to_string(), "rclone-default");
        assert!(Options::try_parse_from(["", "--line", "none"]).is_err());
    }
}
