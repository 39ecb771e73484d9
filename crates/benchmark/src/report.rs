//! The result as a table, and as JSON: every client's numbers, and how many times those of the best jottad
//! they are.

use std::fmt::{self, Write as _};

use serde::Serialize;

use crate::line::{Line, Sample};
use crate::machine;
use crate::tree::Shape;

/// Everything that was measured, and on what.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    schema: u32,
    machine: String,
    programs: Vec<String>,
    latency: String,
    shape: Shape,
    samples: Vec<Sample>,
}

const HEADER: [&str; 9] = ["", "wall", "", "CPU", "", "memory", "", "requests", ""];

impl Report {
    pub(crate) fn new(latency: &str, shape: Shape, programs: Vec<String>, samples: Vec<Sample>) -> Self {
        Self {
            schema: 1,
            machine: machine::describe(),
            programs,
            latency: latency.to_owned(),
            shape,
            samples,
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shape { files, directories, size } = self.shape;
        writeln!(
            formatter,
            "{files} files of {size} bytes in {directories} directories, latency {}",
            self.latency
        )?;
        writeln!(formatter, "{}", self.programs.join(", "))?;
        writeln!(formatter, "{}", self.machine)?;
        for line in Line::ALL {
            let samples: Vec<_> = self.samples.iter().filter(|sample| sample.line == line).collect();
            let Some(first) = samples.first() else { continue };
            writeln!(formatter, "\n{}", line.title())?;
            let mut rows = vec![HEADER.map(str::to_owned)];
            rows.extend(samples.iter().map(|sample| row(sample, first)));
            write_rows(formatter, &rows)?;
        }
        if !self.samples.is_empty() {
            writeln!(formatter, "\nThe factors are relative to the first row of each table.")?;
        }
        Ok(())
    }
}

#[allow(clippy::cast_precision_loss)]
fn row(sample: &Sample, first: &Sample) -> [String; 9] {
    let unknown = || "?".to_owned();
    let memory = |sample: &Sample| sample.peak_memory_bytes.map(|bytes| bytes as f64);
    [
        sample.client.to_owned(),
        format_seconds(sample.wall_seconds),
        factor(Some(sample.wall_seconds), Some(first.wall_seconds)),
        sample.cpu_seconds.map_or_else(unknown, format_seconds),
        factor(sample.cpu_seconds, first.cpu_seconds),
        sample.peak_memory_bytes.map_or_else(unknown, format_memory),
        factor(memory(sample), memory(first)),
        sample.requests.to_string(),
        factor(Some(sample.requests as f64), Some(first.requests as f64)),
    ]
}

/// How many times the first; two significant digits.
fn factor(value: Option<f64>, first: Option<f64>) -> String {
    match value.zip(first) {
        Some((value, first)) if first > 0.0 => {
            let factor = value / first;
            let digits = if factor < 0.1 { 2 } else { usize::from(factor < 10.0) };
            format!("×{factor:.digits$}")
        }
        _ => String::new(),
    }
}

/// `12.3 s`, `456 ms`.
pub(crate) fn format_seconds(seconds: f64) -> String {
    if seconds < 0.9995 { format!("{:.0} ms", seconds * 1000.0) } else { format!("{seconds:.1} s") }
}

/// `12.3 MiB`.
#[allow(clippy::cast_precision_loss)]
pub(crate) fn format_memory(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}

/// Names to the left, numbers to the right.
fn write_rows(formatter: &mut fmt::Formatter<'_>, rows: &[[String; 9]]) -> fmt::Result {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<_> = (0..HEADER.len()).map(width).collect();
    for row in rows {
        let mut text = format!("  {:<1$}", row[0], widths[0]);
        for (cell, width) in row.iter().zip(&widths).skip(1) {
            // A factor stands close to its number.
            let gap = if cell.starts_with('×') || cell.is_empty() { " " } else { "  " };
            write!(text, "{gap}{cell:>width$}")?;
        }
        writeln!(formatter, "{}", text.trim_end())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::*;
    use crate::line::Cost;

    fn sample(client: &'static str, milliseconds: u64, requests: u64) -> Sample {
        let cost = Cost {
            wall: Duration::from_millis(milliseconds),
            cpu: Some(Duration::from_millis(milliseconds / 10)),
            peak_memory: Some(milliseconds << 10),
        };
        Sample::new(Line::Unchanged, client, cost, BTreeMap::from([("liststream".to_owned(), requests)]))
    }

    #[test]
    fn numbers_are_short() {
        for (seconds, text) in [(0.0004, "0 ms"), (0.0456, "46 ms"), (0.9999, "1.0 s"), (212.34, "212.3 s")] {
            assert_eq!(format_seconds(seconds), text);
        }
        assert_eq!(format_memory(3 << 19), "1.5 MiB");
        for (value, first, text) in
            [(30.0, 2.0, "×15"), (3.0, 2.0, "×1.5"), (1.0, 20.0, "×0.05"), (1.0, 0.0, "")]
        {
            assert_eq!(factor(Some(value), Some(first)), text);
        }
        assert_eq!(factor(None, Some(1.0)), "");
    }

    #[test]
    fn the_table_shows_every_sample_beside_the_first() {
        let samples = vec![sample("jottad", 1000, 3), sample("rclone", 12_000, 303)];
        let shape = Shape::new(100, 10, 4096).unwrap();
        let text = Report::new("20ms", shape, vec!["a 1".to_owned()], samples).to_string();
        let rows: Vec<_> = text.lines().filter(|line| line.starts_with("  ")).collect();
        assert_eq!(rows.len(), 3, "{text}");
        assert!(rows[2].starts_with("  rclone"), "{text}");
        for part in ["12.0 s", "×12", "1.2 s", "11.7 MiB", "303", "×101"] {
            assert!(rows[2].contains(part), "{part}: {text}");
        }
        assert!(!text.contains(Line::FirstUpload.title()), "a line without samples has no table: {text}");
    }
}
