//! The tables of `docs/errors.md`, and what holds for each of their rows.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::*;
use crate::remote::MissingPlace;

/// What each kind of error means when the service was asked for an entry, a directory, everything, or the
/// stamp.
fn remote_table() -> String {
    let mut table = String::from(
        "| error | of an entry | of a directory | of the whole listing | of the stamp |\n| --- | --- | --- | --- | --- |\n",
    );
    for kind in RemoteErrorKind::ALL {
        for asks_for_pause in [false, true] {
            if asks_for_pause && kind != RemoteErrorKind::Unavailable {
                continue;
            }
            let pause = if asks_for_pause { ", with a pause asked for" } else { "" };
            write!(table, "| {}{pause} |", words(kind)).unwrap();
            for asked in Asked::ALL {
                match of_remote(asked, kind, asks_for_pause) {
                    Blame::Known(scope) => write!(table, " {} |", scope.as_str()).unwrap(),
                    Blame::Unless(scope) => {
                        write!(table, " {} if the service answers |", scope.as_str()).unwrap();
                    }
                }
            }
            table.push('\n');
        }
    }
    table
}

fn words(kind: RemoteErrorKind) -> &'static str {
    match kind {
        RemoteErrorKind::NotFound => "nothing is there",
        RemoteErrorKind::PlaceMissing(MissingPlace::Device) => "the device of the remote root is not there",
        RemoteErrorKind::PlaceMissing(MissingPlace::Mountpoint) => {
            "the mountpoint of the remote root is not there"
        }
        RemoteErrorKind::Conflict => "something else is there",
        RemoteErrorKind::Refused => "refused",
        RemoteErrorKind::TooLarge => "too large",
        RemoteErrorKind::SourceChanged => "the local file changed meanwhile",
        RemoteErrorKind::SourceUnreadable => "the local file cannot be read",
        RemoteErrorKind::StagingFailed => "the fetched content cannot be written",
        RemoteErrorKind::Incomplete => "the answer is incomplete",
        RemoteErrorKind::QuotaExceeded => "the account is full",
        RemoteErrorKind::AccountLocked => "the account is locked",
        RemoteErrorKind::NotAllowed => "not allowed",
        RemoteErrorKind::LoginNeeded => "a login is needed",
        RemoteErrorKind::Offline => "no answer",
        RemoteErrorKind::Unavailable => "the service fails",
    }
}

/// What each kind of failure of the local disk is about, how it is told and when it is tried again.
fn disk_table() -> String {
    let mut table = String::from(
        "| error of the local disk | about | problem | tried again after | remedy |\n| --- | --- | --- | --- | --- |\n",
    );
    for kind in disk_kinds() {
        let scope = of_disk(&kind);
        let is_looked_at =
            matches!(kind, DiskErrorKind::NotFound | DiskErrorKind::Changed | DiskErrorKind::Occupied);
        if scope != Scope::Entry || is_looked_at {
            let told = match kind {
                DiskErrorKind::RootLost => "the folder is held",
                DiskErrorKind::Locked => "the folder is held: another jottad works on it",
                DiskErrorKind::TooManyFiles => "none: it waits for files to be closed",
                DiskErrorKind::MountChanged => "`mount_changed`",
                _ => "none: it is looked at again",
            };
            writeln!(table, "| {kind} | {} | {told} | | |", scope.as_str()).unwrap();
            continue;
        }
        let failure = disk_failure(&kind);
        writeln!(
            table,
            "| {kind} | {} | `{}` | {} | {} |",
            scope.as_str(),
            failure.kind.as_str(),
            pause(failure.pause),
            failure.remedy
        )
        .unwrap();
    }
    table
}

fn disk_kinds() -> Vec<DiskErrorKind> {
    vec![
        DiskErrorKind::RootLost,
        DiskErrorKind::Locked,
        DiskErrorKind::MountChanged,
        DiskErrorKind::TooManyFiles,
        DiskErrorKind::NotFound,
        DiskErrorKind::Changed,
        DiskErrorKind::Occupied,
        DiskErrorKind::PermissionDenied,
        DiskErrorKind::NoSpace,
        DiskErrorKind::ImpossibleName,
        DiskErrorKind::Other(std::io::Error::other("anything else")),
    ]
}

/// How a failure of one entry on the service is told.
fn failure_table() -> String {
    let mut table = String::from(
        "| error of an entry | problem | tried again after | remedy |\n| --- | --- | --- | --- |\n",
    );
    for kind in RemoteErrorKind::ALL {
        let failure = remote_failure(&RemoteError::new(kind, String::new()));
        writeln!(
            table,
            "| {} | `{}` | {} | {} |",
            words(kind),
            failure.kind.as_str(),
            pause(failure.pause),
            failure.remedy
        )
        .unwrap();
    }
    table
}

/// How what is found out about an entry is told.
fn findings_table() -> String {
    let mut table =
        String::from("| what is found | problem | tried again after | remedy |\n| --- | --- | --- | --- |\n");
    for finding in FINDINGS {
        let failure = found(finding);
        writeln!(
            table,
            "| {} | `{}` | {} | {} |",
            finding_words(finding),
            failure.kind.as_str(),
            pause(failure.pause),
            failure.remedy
        )
        .unwrap();
    }
    table
}

const FINDINGS: [Finding; 17] = [
    Finding::UnreadableFile,
    Finding::UnreadableDirectory,
    Finding::UnreadableRules,
    Finding::WrongRules,
    Finding::KeepsChanging,
    Finding::Damaged,
    Finding::WrongKind,
    Finding::NameTaken,
    Finding::NamesAlike,
    Finding::NameTooLong,
    Finding::TooDeep,
    Finding::MountChanged,
    Finding::Unnameable,
    Finding::HoldsUnnameable,
    Finding::DoesNotSettle,
    Finding::CannotBeRemoved,
    Finding::NotShown,
];

/// A finding that is not told of here does not compile, and one that is not in the list has no row.
fn finding_words(finding: Finding) -> &'static str {
    match finding {
        Finding::UnreadableFile => "the local file cannot be read",
        Finding::UnreadableDirectory => "the local directory cannot be read",
        Finding::UnreadableRules => "the `.jottaignore` of a directory cannot be read",
        Finding::WrongRules => "a `.jottaignore` has lines that are no rules",
        Finding::KeepsChanging => "the file changes whenever it is read",
        Finding::Damaged => "the content changed although nobody wrote the file (`jottad verify`)",
        Finding::WrongKind => "a link, pipe, socket or device stands where a file or directory was",
        Finding::NameTaken => "one of these has the name that an entry beside it is to get",
        Finding::NamesAlike => "the service may take the names of two entries for the same",
        Finding::NameTooLong => "the name is too long for the service",
        Finding::TooDeep => "it is deeper than anything that is synced",
        Finding::MountChanged => "the disk that was mounted there is not there as it was",
        Finding::Unnameable => "the service has it under a name that no local file can have",
        Finding::HoldsUnnameable => "it is to be removed, with such an entry in it",
        Finding::DoesNotSettle => "it is worked on again and again without settling",
        Finding::CannotBeRemoved => "it was to be removed again and again and is still there",
        Finding::NotShown => "the service accepted it and does not show it",
    }
}

fn pause(pause: Option<Duration>) -> String {
    match pause.map(|pause| pause.as_secs()) {
        None => "a change of the entry".to_owned(),
        Some(seconds) if seconds < 60 => format!("{seconds} s"),
        Some(seconds) => format!("{} min", seconds / 60),
    }
}

#[test]
fn the_documented_tables_are_these() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/errors.md");
    let document = std::fs::read_to_string(path).unwrap();
    let mut wanted = document.clone();
    for (name, table) in [
        ("remote", remote_table()),
        ("failures", failure_table()),
        ("disk", disk_table()),
        ("findings", findings_table()),
    ] {
        let (begin, end) = (format!("<!-- table: {name} -->\n"), "<!-- end -->");
        let start = wanted.find(&begin).unwrap_or_else(|| panic!("no table {name} in {path}")) + begin.len();
        let stop = start + wanted[start..].find(end).unwrap();
        wanted.replace_range(start..stop, &table);
    }
    if std::env::var_os("JOTTAD_WRITE_DOCS").is_some() {
        std::fs::write(path, &wanted).unwrap();
    } else {
        assert_eq!(document, wanted, "print it anew: JOTTAD_WRITE_DOCS=1 cargo test -p jottad-engine scope");
    }
}

#[test]
fn only_what_everything_waits_for_stops_the_folder_without_a_question() {
    for kind in RemoteErrorKind::ALL {
        let is_about_all = matches!(
            kind,
            RemoteErrorKind::LoginNeeded
                | RemoteErrorKind::QuotaExceeded
                | RemoteErrorKind::AccountLocked
                | RemoteErrorKind::PlaceMissing(_)
        );
        for asked in [Asked::Entry, Asked::Directory] {
            let blame = of_remote(asked, kind, false);
            let stops = matches!(blame, Blame::Known(Scope::Folder | Scope::Account | Scope::Network));
            assert_eq!(stops, is_about_all, "{kind:?} of {asked:?}");
        }
    }
}

#[test]
fn every_failure_has_a_remedy_and_a_pause_or_waits_for_a_change() {
    for kind in RemoteErrorKind::ALL {
        let failure = remote_failure(&RemoteError::new(kind, String::new()));
        assert!(!failure.remedy.is_empty(), "{kind:?}");
        assert!(failure.pause.is_some_and(|pause| pause >= Duration::from_secs(5)), "{kind:?}");
    }
    let waiting: BTreeSet<&str> = disk_kinds()
        .iter()
        .filter(|kind| disk_failure(kind).pause.is_none())
        .map(|kind| disk_failure(kind).kind.as_str())
        .collect();
    assert_eq!(waiting, BTreeSet::from(["impossible_name"]));
}

#[test]
fn every_kind_of_problem_comes_from_a_row_of_the_tables_and_every_row_has_a_remedy() {
    let remote = RemoteErrorKind::ALL.map(|kind| remote_failure(&RemoteError::new(kind, String::new())));
    let of_entries = disk_kinds().into_iter().filter(|kind| of_disk(kind) == Scope::Entry);
    let disk: Vec<Failure> = of_entries.map(|kind| disk_failure(&kind)).collect();
    let rows: Vec<Failure> = remote.into_iter().chain(disk).chain(FINDINGS.map(found)).collect();
    for row in &rows {
        assert!(!row.remedy.is_empty(), "{row:?}");
    }
    let told: BTreeSet<&str> = rows.iter().map(|row| row.kind.as_str()).collect();
    assert_eq!(told, ProblemKind::ALL.map(ProblemKind::as_str).into_iter().collect());
    let listed: BTreeSet<&str> = FINDINGS.map(finding_words).into_iter().collect();
    assert_eq!(listed.len(), FINDINGS.len(), "each is listed once");
}
