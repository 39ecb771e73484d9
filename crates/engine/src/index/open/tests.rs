//! Every kind of damage is noticed, set aside and said, and what comes after is an empty index.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use rustix::io::Errno;

use super::*;
use crate::index::Fact;

/// An index with something in it, closed in good order.
fn filled(directory: &Path) -> PathBuf {
    let file = directory.join("i.sqlite");
    let (mut index, aside) = Index::open(&file).unwrap();
    assert_eq!(aside, None);
    for number in 0..2000 {
        index.set_fact(Fact::ProvenAt, Some(&number.to_string())).unwrap();
        let line = crate::status::LogLine {
            id: 0,
            at: jottad_core::Timestamp::from_seconds(number),
            kind: "upload".to_owned(),
            path: jottad_core::RelativePath::parse(format!("directory/file {number}").as_bytes()).unwrap(),
            to: None,
            bytes: None,
            error: None,
        };
        index.record(line).unwrap();
    }
    index.commit().unwrap();
    file
}

fn proven_at(index: &Index) -> Option<i64> {
    index.number(Fact::ProvenAt).unwrap()
}

#[test]
fn the_page_cache_follows_the_rows() {
    let (_place, mut index) = crate::builders::new_index();
    for (rows, kibibytes) in
        [(1, 8192), (100_000, 8192), (320_000, 20_000), (1_000_000, 62_500), (9_000_000, 65_536)]
    {
        index.last_id = rows;
        index.fit_page_cache().unwrap();
        let size: i64 = index.connection.query_row("PRAGMA cache_size", [], |row| row.get(0)).unwrap();
        assert_eq!(size, -kibibytes, "{rows} rows");
    }
}

#[test]
fn an_index_that_is_whole_is_kept() {
    let directory = tempfile::tempdir().unwrap();
    let (index, aside) = Index::open(&filled(directory.path())).unwrap();
    assert_eq!((proven_at(&index), aside), (Some(1999), None));
}

/// What is done to an index, what is said of it, and how it is done.
type Damage = (&'static str, &'static str, fn(&Path));

#[test]
fn damage_is_set_aside_with_a_word_that_stays_as_long_as_the_file() {
    let cases: [Damage; 8] = [
        ("cut off", "was damaged", |file| {
            let bytes = fs::read(file).unwrap();
            fs::write(file, &bytes[..bytes.len() / 2 + 100]).unwrap();
        }),
        ("zeroed pages", "was damaged", |file| {
            let mut bytes = fs::read(file).unwrap();
            bytes[8192..32768].fill(0);
            fs::write(file, bytes).unwrap();
        }),
        ("garbage", "was damaged", |file| fs::write(file, "no index at all ".repeat(1000)).unwrap()),
        ("garbage in the middle", "was damaged", |file| {
            let mut bytes = fs::read(file).unwrap();
            bytes[4096..40_960].fill(0xA5);
            fs::write(file, bytes).unwrap();
        }),
        ("a lost table", "was damaged", |file| {
            Connection::open(file).unwrap().execute_batch("DROP TABLE parked").unwrap();
        }),
        ("a lost index", "was damaged", |file| {
            Connection::open(file).unwrap().execute_batch("DROP INDEX node_arrived").unwrap();
        }),
        ("a lost column", "was damaged", |file| {
            Connection::open(file).unwrap().execute_batch("ALTER TABLE problem DROP COLUMN remedy").unwrap();
        }),
        ("a newer version", "was written by a newer jottad", |file| {
            Connection::open(file).unwrap().pragma_update(None, "user_version", 999).unwrap();
        }),
    ];
    for (what, reason, damage) in cases {
        let directory = tempfile::tempdir().unwrap();
        let file = filled(directory.path());
        damage(&file);
        let damaged = fs::read(&file).unwrap();
        let (index, aside) = Index::open(&file).unwrap();
        assert_eq!(proven_at(&index), None, "{what}");
        let aside = aside.unwrap_or_else(|| panic!("{what}: nothing was set aside"));
        assert_eq!(fs::read(&aside).unwrap(), damaged, "{what}: what was set aside is not what was there");
        let said = Index::describe_asides(&file).unwrap_or_default();
        assert!(said.contains(reason) && said.contains(aside.to_str().unwrap()), "{what}: {said}");
        fs::remove_file(aside).unwrap();
        assert_eq!(Index::describe_asides(&file), None, "{what}");
    }
}

#[test]
fn an_earlier_damaged_index_is_not_overwritten() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("i.sqlite");
    for number in 1..=3 {
        fs::write(&file, format!("garbage {number} ").repeat(1000)).unwrap();
        let (_, aside) = Index::open(&file).unwrap();
        assert_eq!(aside, Some(directory.path().join(format!("i.sqlite.damaged-{number}"))));
    }
}

#[test]
fn a_value_that_this_program_never_writes_is_damage() {
    let directory = tempfile::tempdir().unwrap();
    let (mut index, _) = Index::open(&filled(directory.path())).unwrap();
    index.set_fact(Fact::ProvenAt, Some("soon")).unwrap();
    assert!(index.number(Fact::ProvenAt).unwrap_err().is_damage());
}

#[test]
fn a_full_disk_is_no_damage_and_what_was_committed_stays() {
    let directory = tempfile::tempdir().unwrap();
    let file = filled(directory.path());
    let (mut index, _) = Index::open(&file).unwrap();
    // The index may not grow by a page more, as on a disk without room.
    index.connection.execute_batch("PRAGMA max_page_count = 1").unwrap();
    let long = "x".repeat(1 << 20);
    let failure = index.set_fact(Fact::RemoteStamp, Some(&long)).and_then(|()| index.commit()).unwrap_err();
    assert!(
        matches!(&failure, IndexError::Sqlite(error) if error.sqlite_error_code() == Some(ErrorCode::DiskFull))
    );
    assert!(!failure.is_damage() && failure.to_string().contains("free some space"), "{failure}");
    drop(index);
    let (index, aside) = Index::open(&file).unwrap();
    assert_eq!((proven_at(&index), index.fact(Fact::RemoteStamp).unwrap(), aside), (Some(1999), None, None));
}

/// Nothing is forbidden to root, so then this is run again as nobody. True if that is done and there is
/// nothing left to do.
fn done_as_nobody(test: &str) -> bool {
    const MARK: &str = "JOTTAD_TEST_AS_NOBODY";
    if !rustix::process::geteuid().is_root() {
        return false;
    }
    assert!(std::env::var_os(MARK).is_none(), "still root");
    let nobody = ["--reuid", "65534", "--regid", "65534", "--clear-groups", "--"];
    let output = std::process::Command::new("setpriv")
        .args(nobody)
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", &format!("index::open::tests::{test}")])
        .env(MARK, "1")
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && printed.contains("1 passed"), "{output:?}");
    true
}

fn allow(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn an_index_that_cannot_be_written_is_set_aside_whole_and_said() {
    if done_as_nobody("an_index_that_cannot_be_written_is_set_aside_whole_and_said") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let file = filled(directory.path());
    allow(&file, 0o444);
    let before = fs::read(&file).unwrap();
    let (mut index, aside) = Index::open(&file).unwrap();
    assert_eq!(fs::read(aside.unwrap()).unwrap(), before);
    assert!(Index::describe_asides(&file).unwrap().contains("could not be written"));
    index.set_fact(Fact::ProvenAt, Some("7")).unwrap();
    index.commit().unwrap();
    assert_eq!(proven_at(&index), Some(7));
}

#[test]
fn an_index_that_can_neither_be_written_nor_set_aside_says_both_and_stays_as_it_is() {
    if done_as_nobody("an_index_that_can_neither_be_written_nor_set_aside_says_both_and_stays_as_it_is") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let file = filled(directory.path());
    let before = fs::read(&file).unwrap();
    allow(&file, 0o444);
    allow(directory.path(), 0o555);
    let failure = Index::open(&file).map(drop).unwrap_err();
    allow(directory.path(), 0o755);
    assert!(!failure.is_damage(), "it would be set aside again and again");
    let said = failure.to_string();
    assert!(said.contains("may not be written") && said.contains("setting it aside"), "{said}");
    assert_eq!(fs::read(&file).unwrap(), before);
    allow(&file, 0o644);
    let (index, aside) = Index::open(&file).unwrap();
    assert_eq!((proven_at(&index), aside), (Some(1999), None));
}

#[test]
fn what_may_pass_is_told_from_what_a_person_must_mend() {
    let file = |errno: Errno| IndexError::File { path: "/i".into(), source: errno.into() };
    let sqlite =
        |code| IndexError::Sqlite(rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None));
    for (error, expected) in [
        (file(Errno::MFILE), true),
        (file(Errno::NFILE), true),
        (file(Errno::NOSPC), true),
        (file(Errno::DQUOT), true),
        (file(Errno::ACCESS), false),
        (file(Errno::NOTDIR), false),
        (file(Errno::IO), false),
        (sqlite(rusqlite::ffi::SQLITE_FULL), true),
        (sqlite(rusqlite::ffi::SQLITE_BUSY), true),
        (sqlite(rusqlite::ffi::SQLITE_CANTOPEN), false),
        (sqlite(rusqlite::ffi::SQLITE_IOERR), false),
        (IndexError::NotWritable("/i".into()), false),
        (IndexError::Damaged("what".into()), false),
    ] {
        assert_eq!(error.may_pass(), expected, "{error}");
    }
}
