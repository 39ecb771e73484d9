//! Which lines of the history are shown.

use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::PossibleValuesParser;
use jottad_core::{RelativePath, Timestamp, shown_path};

use crate::api::documents::LogDocument;
use crate::cli::failure::Failure;
use crate::cli::invocation::Invocation;
use crate::cli::moment::moment_argument;
use crate::cli::output::path_text;

/// What may be asked for: each word stands for the operations that begin with it or hold it.
const KINDS: [&str; 6] = ["upload", "download", "move", "trash", "directory", "time"];

#[derive(Debug, Args)]
pub(super) struct FilterArguments {
    /// Only what was done at this local path, or below it
    #[arg(long, value_name = "PATH")]
    path: Option<PathBuf>,
    /// Only since then, for example yesterday, "2h ago" or 2026-01-31
    #[arg(long, value_name = "TIME", value_parser = moment_argument)]
    since: Option<Timestamp>,
    /// Only until then
    #[arg(long, value_name = "TIME", value_parser = moment_argument)]
    until: Option<Timestamp>,
    /// Only these kinds of operations; may be given several times
    #[arg(long, value_name = "KIND", value_parser = PossibleValuesParser::new(KINDS))]
    kind: Vec<String>,
    /// Only what failed
    #[arg(long)]
    failed: bool,
}

/// Which lines are shown.
#[derive(Debug, Default)]
pub(super) struct Filter {
    places: Option<Vec<Place>>,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    kinds: Vec<String>,
    failed: bool,
}

/// A path that is asked for.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    /// Its folder; `None` if it may be in any.
    folder: Option<String>,
    path: RelativePath,
}

impl Filter {
    pub(super) fn new(arguments: &FilterArguments, invocation: &Invocation) -> Result<Self, Failure> {
        let places = match &arguments.path {
            None => None,
            Some(path) => Some(places(path, invocation)?),
        };
        Ok(Self {
            places,
            since: arguments.since,
            until: arguments.until,
            kinds: arguments.kind.clone(),
            failed: arguments.failed,
        })
    }

    /// Whether it lets everything through.
    pub(super) fn is_open(&self) -> bool {
        let Self { places, since, until, kinds, failed } = self;
        places.is_none() && since.is_none() && until.is_none() && kinds.is_empty() && !failed
    }

    pub(super) fn lets_through(&self, line: &LogDocument) -> bool {
        let is_kind = |kind: &String| line.kind.split('_').any(|word| word == kind);
        let is_at = |place: &Place| {
            place.folder.as_ref().is_none_or(|folder| *folder == line.folder)
                && [Some(&line.path), line.to.as_ref()]
                    .into_iter()
                    .flatten()
                    .any(|path| is_below(path, &place.path))
        };
        self.since.is_none_or(|since| line.at.0 >= since)
            && self.until.is_none_or(|until| line.at.0 <= until)
            && (self.kinds.is_empty() || self.kinds.iter().any(is_kind))
            && (!self.failed || line.error.is_some())
            && self.places.as_ref().is_none_or(|places| places.iter().any(is_at))
    }
}

fn is_below(path: &str, above: &RelativePath) -> bool {
    let above_text = path_text(above);
    above.is_root()
        || path.strip_prefix(&above_text).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// What a path may mean: a place in a folder, as it is on this machine; or as the history writes it, in any
/// folder.
fn places(path: &Path, invocation: &Invocation) -> Result<Vec<Place>, Failure> {
    use std::os::unix::ffi::OsStrExt as _;
    let shown = shown_path(path).to_string();
    let absolute = std::path::absolute(invocation.places.expand(path))
        .map_err(|error| Failure::usage(format!("{shown}: {error}")).path(shown.clone()))?;
    let relative = |path: &Path| RelativePath::parse(path.as_os_str().as_bytes()).ok();
    let mut places = Vec::new();
    let config = invocation.tolerant_config()?;
    if let Some((folder, path)) = config.place_of(&absolute) {
        places.push(Place { folder: Some(folder.name.clone()), path });
    }
    if places.is_empty() && path.is_relative() {
        places.extend(relative(path).map(|path| Place { folder: None, path }));
    }
    if places.is_empty() {
        return Err(Failure::usage(format!("{shown} is in no folder"))
            .path(shown)
            .hint("`jottad folder list` shows the folders"));
    }
    Ok(places)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::documents::Time;

    fn line(folder: &str, kind: &str, path: &str, to: Option<&str>, at: i64) -> LogDocument {
        LogDocument {
            folder: folder.to_owned(),
            id: 1,
            at: Time(Timestamp::from_seconds(at)),
            kind: kind.to_owned(),
            path: path.to_owned(),
            to: to.map(str::to_owned),
            bytes: None,
            error: (kind == "upload").then(|| "refused".to_owned()),
        }
    }

    #[test]
    fn a_filter_lets_through_what_was_asked_for() {
        let time = |seconds| Some(Timestamp::from_seconds(seconds));
        let place = |folder: Option<&str>, path: &str| {
            let path = RelativePath::parse(path.as_bytes()).unwrap();
            Some(vec![Place { folder: folder.map(str::to_owned), path }])
        };
        let kinds = |kinds: &[&str]| kinds.iter().map(|kind| (*kind).to_owned()).collect();
        let lines = [
            line("docs", "upload", "a/b.txt", None, 100),
            line("docs", "move_remote", "a/b.txt", Some("c/b.txt"), 200),
            line("pics", "make_local_directory", "a", None, 300),
            line("docs", "trash_remote", "ab.txt", None, 400),
        ];
        let all = Filter::default;
        for (name, filter, expected) in [
            ("nothing", all(), vec![0, 1, 2, 3]),
            ("since", Filter { since: time(200), ..all() }, vec![1, 2, 3]),
            ("until", Filter { until: time(200), ..all() }, vec![0, 1]),
            ("between", Filter { since: time(150), until: time(350), ..all() }, vec![1, 2]),
            ("failed", Filter { failed: true, ..all() }, vec![0]),
            ("uploads", Filter { kinds: kinds(&["upload"]), ..all() }, vec![0]),
            ("moves and trash", Filter { kinds: kinds(&["move", "trash"]), ..all() }, vec![1, 3]),
            ("directories", Filter { kinds: kinds(&["directory"]), ..all() }, vec![2]),
            ("below a", Filter { places: place(None, "a"), ..all() }, vec![0, 1, 2]),
            ("below a of docs", Filter { places: place(Some("docs"), "a"), ..all() }, vec![0, 1]),
            ("where it went", Filter { places: place(Some("docs"), "c/b.txt"), ..all() }, vec![1]),
            ("all of docs", Filter { places: place(Some("docs"), ""), ..all() }, vec![0, 1, 3]),
            ("no such", Filter { places: place(None, "b.txt"), ..all() }, vec![]),
        ] {
            let shown: Vec<usize> = (0..lines.len()).filter(|at| filter.lets_through(&lines[*at])).collect();
            assert_eq!(shown, expected, "{name}");
            assert_eq!(filter.is_open(), name == "nothing", "{name}");
        }
    }
}
