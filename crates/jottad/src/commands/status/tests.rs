use super::*;
use crate::api::documents::{HeldStatus, PendingDocument, TransferDocument, VerdictWord};

fn places() -> Places {
    Places { home: "/home/kari".into(), config_file: "/c".into(), state_dir: "/state".into() }
}

fn folder(name: &str, verdict: Verdict) -> FolderDocument {
    let local = "/home/kari/Documents/a directory with a long name".to_owned();
    FolderDocument {
        proven_at: Some(Time(Timestamp::from_seconds(760))),
        heard: Some("events".to_owned()),
        files: Some(41_203),
        bytes: Some(94_938_291_022),
        problems: Some(0),
        ..FolderDocument::new(name, local, "Jotta/Archive/Documents".to_owned(), "backup", verdict)
    }
}

/// One folder of each kind that there is something to say of.
fn folders() -> Vec<FolderDocument> {
    let pending = PendingDocument {
        uploads: 1_200,
        downloads: 0,
        moves: 0,
        deletes: 3,
        directories: 0,
        times: 0,
        bytes: 5 << 30,
        done_files: 17,
        done_bytes: 1 << 30,
        bytes_per_second: Some(3 << 20),
        seconds_left: Some(1_707),
    };
    let transfer = TransferDocument {
        path: "a/film with a long name that goes on and on.mkv".to_owned(),
        direction: "up".to_owned(),
        bytes: Some(1 << 20),
        total_bytes: 5 << 30,
        bytes_per_second: Some(3 << 20),
    };
    let held = HeldStatus {
        kind: "root".to_owned(),
        reason: "the folder's root is not where it was: bring it back, or say where it is".to_owned(),
        choices: Vec::new(),
    };
    vec![
        folder("docs", Verdict::InSync),
        folder("日本語の書類", Verdict::Offline),
        FolderDocument {
            pending: Some(pending),
            transfers: vec![transfer],
            problems: Some(1),
            ..folder("films", Verdict::Working)
        },
        FolderDocument {
            paused: Some(PausedDocument { until: None }),
            problems: Some(2),
            ..folder("photographs-of-forty-years-in-many-places", Verdict::Problems)
        },
        FolderDocument { held: Some(held), ..folder("music", Verdict::Held) },
    ]
}

/// All that is said, however high it is.
fn described(document: &StatusDocument, now: Timestamp, columns: Option<usize>) -> Vec<String> {
    describe(document, &places(), now, columns).all()
}

#[test]
fn a_status_fits_on_its_terminal_with_each_verdict_in_sight() {
    let now = Timestamp::from_seconds(1_000);
    for columns in [40, 80, 132] {
        for document in folders()
            .into_iter()
            .map(|folder| StatusDocument::of(vec![folder]))
            .chain([StatusDocument::of(folders())])
        {
            let lines = described(&document, now, Some(columns));
            for line in &lines {
                // What cannot be folded is a path or a command.
                assert!(line.width() <= columns || !line.trim().contains(' '), "{columns}: {line}");
            }
            let text = lines.join("\n");
            assert!(lines[0].contains(&overall_in_words(&document, now)), "{columns}:\n{text}");
            for (line, folder) in lines[1..].iter().zip(&document.folders) {
                let verdict = verdict_in_words(folder, now);
                let verdict = verdict.split(" · ").next().unwrap_or_default();
                assert!(line.contains(verdict), "{columns}: {line}");
            }
            let mut reason = text.split_whitespace();
            let is_held = document.folders.iter().any(|folder| folder.held.is_some());
            assert!(!is_held || reason.any(|word| word == "bring"), "{columns}:\n{text}");
        }
    }
}

#[test]
fn without_a_terminal_nothing_is_cut() {
    let now = Timestamp::from_seconds(1_000);
    let document = StatusDocument::of(folders());
    let lines = described(&document, now, None);
    assert!(!lines.iter().any(|line| line.contains('…')), "{lines:?}");
    assert_eq!(lines, described(&document, now, Some(1_000)));
    assert!(
        lines[1].contains("in sync as of 4 min ago · others' changes are heard of at once"),
        "{}",
        lines[1]
    );
    assert!(lines[3].contains("1200 uploads, 3 deletes"), "{}", lines[3]);
}

#[test]
fn what_the_last_run_left_is_told_with_its_age_and_that_nothing_runs() {
    let now = Timestamp::from_seconds(760 + 3 * 86_400);
    for (verdict, settled, says) in [
        (Verdict::InSync, true, "in sync as of 3 d ago"),
        (Verdict::Working, true, "all done, last compared 3 d ago"),
        (Verdict::Working, false, "not finished"),
    ] {
        let left = FolderDocument { settled: Some(settled), ..folder("docs", verdict) };
        let document = StatusDocument { daemon: false, pid: None, ..StatusDocument::of(vec![left]) };
        let line = only_line(&document, &places(), now, None);
        assert!(line.contains("3 d ago") || verdict == Verdict::Working, "{line}");
        assert!(line.ends_with(" · no daemon is running"), "{line}");
        let running = StatusDocument { daemon: true, pid: Some(1), ..document.clone() };
        let line = only_line(&running, &places(), now, None);
        assert!(!line.contains("no daemon is running"), "{line}");
        for columns in [40, 80, 132] {
            let lines = described(&document, now, Some(columns));
            assert!(lines[1].contains(says), "{columns}: {lines:?}");
            let text = lines[2..].join(" ").replace("  ", " ").replace("  ", " ");
            assert!(
                text.starts_with("no daemon is running: this is as of the last run"),
                "{columns}: {lines:?}"
            );
        }
    }
}

#[test]
fn what_is_done_and_not_proven_is_told_with_the_age_of_the_proof() {
    let now = Timestamp::from_seconds(1_000);
    let done = FolderDocument { settled: Some(true), ..folder("docs", Verdict::Working) };
    let document = StatusDocument::of(vec![done]);
    for columns in [40, 80, 132] {
        let lines = described(&document, now, Some(columns));
        assert!(lines[0].contains("working"), "{columns}: {lines:?}");
        assert!(lines[1].contains("all done, last compared 4 min ago"), "{columns}: {lines:?}");
    }
    let lines = described(&document, now, None);
    let both = "all done, last compared 4 min ago · others' changes are heard of at once";
    assert!(lines[1].contains(both), "{lines:?}");
}

#[test]
fn on_a_narrow_terminal_what_matters_comes_first() {
    let now = Timestamp::from_seconds(1_000);
    let lines = described(&StatusDocument::of(folders()), now, Some(40));
    let expected = [
        "jottad  held  3 problems",
        "docs  in sync as of 4 min ago · 41203 f…",
        "日本語の書類  offline · ~/Documents/a d…",
    ];
    assert_eq!(&lines[..3], expected);
}

#[test]
fn a_status_is_no_higher_than_its_terminal_and_shows_what_needs_a_person() {
    let now = Timestamp::from_seconds(1_000);
    let mut document =
        StatusDocument::of((0..30).map(|number| folder(&format!("f{number:02}"), Verdict::InSync)).collect());
    let held =
        HeldStatus { kind: "deletes".to_owned(), reason: "31 deletes".to_owned(), choices: Vec::new() };
    document.folders[25].held = Some(held);
    document.folders[25].verdict = VerdictWord(Verdict::Held);
    document.folders[28].verdict = VerdictWord(Verdict::Problems);
    document.verdict = VerdictWord(Verdict::Held);
    for rows in [2, 3, 5, 10, 24, 40] {
        let lines = lines_within(&document, &places(), now, Some(Extent { columns: 80, rows }));
        let text = lines.join("\n");
        assert!(lines.len() < rows, "{rows}:\n{text}");
        assert!(lines[0].starts_with("jottad  held"), "{rows}:\n{text}");
        assert!(rows < 5 || text.contains("31 deletes; see `jottad held f25`"), "{rows}:\n{text}");
        assert!(
            !(10..40).contains(&rows) || lines[1].starts_with("f25") && lines[2].starts_with("f28"),
            "{rows}:\n{text}"
        );
        assert!(rows != 24 || text.contains("… 10 more folders, in sync: jottad status | less"), "{text}");
    }
    let lines = lines_within(&document, &places(), now, Some(Extent { columns: 80, rows: 40 }));
    // Where there is room they stand as they are configured.
    assert!(lines[1].starts_with("f00") && !lines.iter().any(|line| line.contains("more")), "{lines:?}");
    assert!(lines_within(&document, &places(), now, None).len() > 30);
}

#[test]
fn where_nothing_runs_nothing_is_said_to_happen() {
    let now = Timestamp::from_seconds(1_000);
    let mut document = StatusDocument::of(vec![folder("docs", Verdict::Working)]);
    (document.daemon, document.pid) = (false, None);
    document.noticing.heard_at = Some(Time(now));
    for (proven, expected) in [(None, "not compared yet"), (Some(760), "not finished")] {
        document.folders[0].proven_at = proven.map(|seconds| Time(Timestamp::from_seconds(seconds)));
        let text = described(&document, now, None).join("\n");
        assert!(text.starts_with(&format!("jottad  {expected}")), "{text}");
        for untrue in ["working", "looking at", "polled", "noticed", "heard of"] {
            assert!(!text.contains(untrue), "{untrue}: {text}");
        }
        assert_eq!(text.contains("as of the last run"), proven.is_some(), "{text}");
    }
}

#[test]
fn what_is_skipped_on_purpose_is_told_by_kind() {
    let skipped_as = |rules, max_size, links, special| {
        let skipped = SkippedDocument { rules, max_size, links, special };
        super::skipped(&FolderDocument { skipped: Some(skipped), ..folder("docs", Verdict::InSync) })
    };
    assert_eq!(skipped_as(0, 0, 0, 0), None);
    assert_eq!(skipped_as(2, 0, 1, 0).as_deref(), Some("skipped: 2 ignored, 1 link"));
    let told = skipped_as(0, 1, 0, 3);
    assert_eq!(told.as_deref(), Some("skipped: 1 too large, 3 pipes, sockets and devices"));
    assert_eq!(super::skipped(&folder("docs", Verdict::InSync)), None);
}

#[test]
fn a_pause_is_told_with_what_waits() {
    for (unseen, expected) in [
        (None, "paused until `jottad resume`, nothing is looked at until then"),
        (Some(0), "paused until `jottad resume`"),
        (Some(2), "paused until `jottad resume`, changes in 2 directories wait"),
    ] {
        let folder = FolderDocument {
            paused: Some(PausedDocument { until: None }),
            unseen_directories: unseen,
            ..folder("docs", Verdict::Paused)
        };
        assert_eq!(paused(&folder), expected);
    }
}
