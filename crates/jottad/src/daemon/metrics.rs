//! The status as `OpenMetrics` text. What is unknown is left out.

use std::fmt::Write as _;

use jottad_core::Timestamp;

use crate::documents::{FolderDocument, PendingDocument, StatusDocument, Time};

/// The content type that goes with it.
pub(super) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// A number of one folder, if it is known.
type Number = fn(&FolderDocument) -> Option<i64>;

/// Name, help, and the number.
const GAUGES: [(&str, &str, Number); 16] = [
    ("in_sync", "1 if both sides were compared and agreed, and no change was heard of since.", |folder| {
        Some((folder.verdict.0 == jottad_engine::Verdict::InSync).into())
    }),
    ("proven_timestamp_seconds", "When both sides were last compared and agreed.", |folder| {
        seconds(folder.proven_at)
    }),
    ("local_checked_timestamp_seconds", "When the last full scan ended.", |folder| {
        seconds(folder.local_checked_at)
    }),
    ("remote_checked_timestamp_seconds", "When the last complete listing ended.", |folder| {
        seconds(folder.remote_checked_at)
    }),
    ("polled_timestamp_seconds", "When the service last said whether anything changed.", |folder| {
        seconds(folder.polled_at)
    }),
    ("restarts", "How often it died and was started anew.", |folder| {
        Some(folder.restarts.as_ref().map_or(0, |restarts| restarts.times.into()))
    }),
    ("files", "Local files.", |folder| number(folder.files)),
    ("directories", "Local directories.", |folder| number(folder.directories)),
    ("bytes", "Bytes of the local files.", |folder| number(folder.bytes)),
    ("pending_uploads", "Files to send.", |folder| pending(folder, |pending| pending.uploads)),
    ("pending_downloads", "Files to fetch.", |folder| pending(folder, |pending| pending.downloads)),
    ("pending_deletes", "Entries to put into a trash.", |folder| pending(folder, |pending| pending.deletes)),
    ("pending_bytes", "Bytes to send and fetch.", |folder| pending(folder, |pending| pending.bytes)),
    ("problems", "Entries that cannot be synced now.", |folder| number(folder.problems)),
    ("held", "1 if a person must decide.", |folder| Some(folder.held.is_some().into())),
    ("polled_directories", "Directories that are polled instead of watched.", |folder| {
        folder.watching.as_ref().and_then(|watching| i64::try_from(watching.polled_directories).ok())
    }),
];

/// Writes the text.
pub(super) fn text(status: &StatusDocument) -> String {
    let mut text = String::new();
    let version = escaped(&status.version);
    let _ = writeln!(
        text,
        "# TYPE jottad info\n# HELP jottad The running daemon.\njottad_info{{version=\"{version}\"}} 1"
    );
    let listening = i64::from(status.noticing.events == "listening");
    let noticing = [
        ("events_listening", "1 if changes are told by events.", Some(listening)),
        (
            "heard_timestamp_seconds",
            "When the service was last heard of, in any way.",
            seconds(status.noticing.heard_at),
        ),
    ];
    for (name, help, value) in noticing {
        let _ = writeln!(text, "# TYPE jottad_{name} gauge\n# HELP jottad_{name} {help}");
        if let Some(value) = value {
            let _ = writeln!(text, "jottad_{name} {value}");
        }
    }
    for (name, help, number) in GAUGES {
        let _ = writeln!(text, "# TYPE jottad_folder_{name} gauge\n# HELP jottad_folder_{name} {help}");
        for folder in &status.folders {
            if let Some(value) = number(folder) {
                let label = escaped(&folder.name);
                let _ = writeln!(text, "jottad_folder_{name}{{folder=\"{label}\"}} {value}");
            }
        }
    }
    let _ =
        writeln!(text, "# TYPE jottad_folder_verdict stateset\n# HELP jottad_folder_verdict The verdict.");
    for folder in &status.folders {
        let (label, verdict) = (escaped(&folder.name), folder.verdict.0.as_str());
        let _ = writeln!(
            text,
            "jottad_folder_verdict{{folder=\"{label}\",jottad_folder_verdict=\"{verdict}\"}} 1"
        );
    }
    text.push_str("# EOF\n");
    text
}

fn seconds(time: Option<Time>) -> Option<i64> {
    time.map(|Time(time)| Timestamp::seconds(time))
}

fn number(number: Option<u64>) -> Option<i64> {
    number.and_then(|number| i64::try_from(number).ok())
}

fn pending(folder: &FolderDocument, pick: fn(&PendingDocument) -> u64) -> Option<i64> {
    number(folder.pending.as_ref().map(pick))
}

fn escaped(label: &str) -> String {
    label.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
