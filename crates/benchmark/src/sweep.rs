//! What `auto` finds out, beside the fixed numbers of transfers at one time.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use clap::{Args, ValueEnum};

use crate::clients::jottad::jottad;
use crate::line::Cost;
use crate::machine;
use crate::measuring::measure;
use crate::programs::Programs;
use crate::remark;
use crate::stage::{REMOTE, Stage};
use crate::tree::{Shape, TOP};

/// When all files were last changed, seconds since 1970.
const MODIFIED: u64 = 1_700_000_000;
const FIXED: [usize; 6] = [1, 2, 4, 8, 16, 32];
const CSV_HEADER: &str = "work,latency,files,bytes,transfers,wall_seconds,cpu_seconds,requests";

/// `sweep`
#[derive(Debug, Args)]
pub(crate) struct Sweep {
    /// How long the service takes to begin each answer (several are possible)
    #[arg(long = "latency", value_name = "TIME", default_values = ["0ms", "20ms", "100ms"])]
    latencies: Vec<String>,
    /// How many files of how many bytes each (several are possible)
    #[arg(long = "files", value_name = "FILESxBYTES", value_parser = shape,
        default_values = ["2000x4096", "200x1048576", "8x104857600"])]
    shapes: Vec<Shape>,
    /// Only this work
    #[arg(long = "work", value_name = "NAME", default_values = ["fetch", "upload"])]
    works: Vec<Work>,
    /// Only these fixed numbers
    #[arg(long = "fixed", value_name = "NUMBER", default_values_t = FIXED)]
    fixed: Vec<usize>,
    /// Also write the numbers into this file
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
}

/// What is done with the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Work {
    /// `jottad run --once` in a folder that pulls
    Fetch,
    /// `jottad run --once` in a folder that backs up
    Upload,
}

/// Reads `2000x4096`.
fn shape(text: &str) -> Result<Shape, String> {
    let refuse = || format!("{text:?} is not a number of files and their bytes, such as 2000x4096");
    let (files, size) = text.split_once('x').ok_or_else(refuse)?;
    let (files, size) = (files.parse().map_err(|_| refuse())?, size.parse().map_err(|_| refuse())?);
    Shape::new(files, 1 + files / 100, size).map_err(|error| error.to_string())
}

/// Measures all of it and prints a line for each kind of files.
pub(crate) fn run(sweep: &Sweep) -> anyhow::Result<()> {
    let programs = Programs::find()?;
    let mut out = std::io::stdout();
    writeln!(out, "{}", programs.versions().first().map_or("", String::as_str))?;
    writeln!(out, "{}", machine::describe())?;
    if let Some(csv) = &sweep.csv {
        fs::write(csv, format!("{CSV_HEADER}\n")).with_context(|| format!("writing {}", csv.display()))?;
    }
    let numbers: Vec<_> = sweep.fixed.iter().map(|number| format!("{number:>8}")).collect();
    let numbers = numbers.concat();
    writeln!(
        out,
        "\n{:<8}{:<9}{:<16}{:>8}{numbers}  auto against the best",
        "work", "latency", "files", "auto"
    )?;
    for &work in &sweep.works {
        for latency in &sweep.latencies {
            for &shape in &sweep.shapes {
                let auto = measured(sweep, &programs, work, latency, shape, None)?;
                let mut fixed = Vec::new();
                for &number in &sweep.fixed {
                    fixed.push(measured(sweep, &programs, work, latency, shape, Some(number))?);
                }
                let best = fixed.iter().copied().fold(f64::INFINITY, f64::min);
                let numbers: Vec<_> = fixed.iter().map(|seconds| format!("{seconds:>8.2}")).collect();
                let numbers = numbers.concat();
                let (name, files) = (name_of(work), format!("{} x {}", shape.files, shape.size));
                let than_best = (auto / best - 1.0) * 100.0;
                writeln!(out, "{name:<8}{latency:<9}{files:<16}{auto:>8.2}{numbers}  {than_best:+.0} %")?;
            }
        }
    }
    Ok(())
}

fn name_of(work: Work) -> String {
    work.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
}

/// Does the work once, with a service and a home that nobody used before; returns the seconds that it took.
fn measured(
    sweep: &Sweep,
    programs: &Programs,
    work: Work,
    latency: &str,
    shape: Shape,
    number: Option<usize>,
) -> anyhow::Result<f64> {
    let stage = Stage::empty(programs, shape, latency)?;
    let mode = match work {
        Work::Fetch => {
            fs::create_dir(stage.folder()).context("making the folder")?;
            stage.service.act(&serde_json::json!({
                "act": "populate", "path": format!("{REMOTE}/{TOP}"), "files": shape.files, "per_folder": 100,
                "size": shape.size, "modified": MODIFIED,
            }))?;
            "pull"
        }
        Work::Upload => {
            shape.make(&stage.folder())?;
            "backup"
        }
    };
    Stage::prepare(jottad(&stage, &["login", "--token-stdin"]), &stage.service.login_token)?;
    let folder = stage.folder().display().to_string();
    let add = ["folder", "add", &folder, REMOTE, "--name", "folder", "--mode", mode];
    Stage::prepare(jottad(&stage, &add), "")?;
    if let Some(number) = number {
        let file = stage.place().join("home/.config/jottad/config.toml");
        let config = OpenOptions::new().append(true).open(&file);
        let mut config = config.with_context(|| format!("opening {}", file.display()))?;
        write!(config, "\n[transfer]\nuploads = {number}\ndownloads = {number}\n")?;
    }
    stage.service.reset()?;
    let cost = measure(&jottad(&stage, &["run", "--once"]), stage.place())?;
    let requests: u64 = stage.service.requests()?.values().sum();
    let there = match work {
        Work::Fetch => count_files(&stage.folder().join(TOP))?,
        Work::Upload => stage.service.live_files(REMOTE)?.len(),
    };
    ensure!(there == shape.files, "{there} of {} files have arrived", shape.files);
    let Cost { wall, cpu, .. } = cost;
    let transfers = number.map_or_else(|| "auto".to_owned(), |number| number.to_string());
    let cpu = cpu.map_or_else(String::new, |cpu| format!("{:.3}", cpu.as_secs_f64()));
    let line = format!(
        "{},{latency},{},{},{transfers},{:.3},{cpu},{requests}",
        name_of(work),
        shape.files,
        shape.size,
        wall.as_secs_f64()
    );
    remark(&line);
    if let Some(csv) = &sweep.csv {
        let file = OpenOptions::new().append(true).open(csv);
        writeln!(file.with_context(|| format!("opening {}", csv.display()))?, "{line}")?;
    }
    Ok(wall.as_secs_f64())
}

/// The files in the directories of a directory.
fn count_files(top: &std::path::Path) -> anyhow::Result<usize> {
    let mut files = 0;
    for directory in fs::read_dir(top).with_context(|| format!("reading {}", top.display()))? {
        files += fs::read_dir(directory?.path())?.count();
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_given_as_a_number_and_their_bytes() {
        let read = shape("200x1048576").unwrap();
        assert_eq!((read.files, read.size), (200, 1 << 20));
        for wrong in ["", "200", "x", "200x", "0x100", "200x1"] {
            assert!(shape(wrong).is_err(), "{wrong:?}");
        }
    }
}
