//! The rules of settling, with times instead of clocks.

use super::*;

const MS: Duration = Duration::from_millis(1);
const SETTLE: Duration = Duration::from_millis(500);

fn path(text: &str) -> RelativePath {
    RelativePath::try_from(text).unwrap()
}

/// Hints as short words: `d:a/b` for a directory, `s:a` for a subtree.
fn words(hints: &[Hint]) -> Vec<String> {
    hints
        .iter()
        .map(|hint| match hint {
            Hint::Directory { path } => format!("d:{path}"),
            Hint::Subtree { path, .. } => format!("s:{path}"),
            Hint::RootLost => "lost".to_owned(),
        })
        .collect()
}

/// A `Pending` with a clock that only moves when told to.
struct Bench {
    pending: Pending,
    start: Instant,
    now: Instant,
}

impl Bench {
    fn new() -> Self {
        let start = Instant::now();
        Self { pending: Pending::new(SETTLE), start, now: start }
    }

    fn at(&mut self, millis: u32) -> &mut Self {
        self.now = self.start + millis * MS;
        self
    }

    fn note(&mut self, directory: &str, change: Change<'_>) -> &mut Self {
        self.pending.note(&path(directory), change, self.now);
        self
    }

    fn rescan(&mut self, top: &str, cause: RescanCause) -> &mut Self {
        self.pending.rescan(&path(top), cause, self.now);
        self
    }

    /// Everything that comes out from now on, with the milliseconds since the start.
    fn drain(&mut self) -> Vec<(u128, Vec<String>)> {
        let mut out = Vec::new();
        while let Some(deadline) = self.pending.next_deadline() {
            self.now = self.now.max(deadline);
            let hints = words(&self.pending.release(self.now));
            if !hints.is_empty() {
                out.push(((self.now - self.start).as_millis(), hints));
            }
        }
        out
    }
}

fn out(expected: &[(u128, &[&str])]) -> Vec<(u128, Vec<String>)> {
    expected.iter().map(|(at, hints)| (*at, hints.iter().map(|hint| (*hint).to_owned()).collect())).collect()
}

#[test]
fn a_saved_file_is_hinted_once_and_at_once() {
    let mut bench = Bench::new();
    bench.note("a", Change::Writing(b"f")).at(10).note("a", Change::Done(b"f"));
    assert_eq!(bench.drain(), out(&[(35, &["d:a"])]));
}

#[test]
fn a_file_held_open_is_hinted_when_it_is_quiet() {
    let mut bench = Bench::new();
    bench.note("a", Change::Writing(b"f")).at(300).note("a", Change::Writing(b"f"));
    assert_eq!(bench.drain(), out(&[(800, &["d:a"])]));
}

#[test]
fn a_file_that_is_never_quiet_is_hinted_after_ten_settle_times() {
    let mut bench = Bench::new();
    let mut hints = 0;
    for tenth in 0..200 {
        bench.at(tenth * 100).note("", Change::Writing(b"log"));
        hints += bench.pending.release(bench.now).len();
    }
    assert_eq!(hints, 3, "in 20 s");
}

#[test]
fn a_saved_file_does_not_wait_for_its_busy_neighbour_nor_hide_it() {
    let mut bench = Bench::new();
    bench.note("", Change::Writing(b"log")).note("", Change::Writing(b"f")).note("", Change::Done(b"f"));
    assert_eq!(bench.drain(), out(&[(25, &["d:."]), (500, &["d:."])]));
}

#[test]
fn a_busy_directory_is_hinted_at_growing_intervals() {
    let mut bench = Bench::new();
    let mut times = Vec::new();
    for at in 0..12_000 {
        bench.at(at).note("a", Change::Done(b"f"));
        if !bench.pending.release(bench.now).is_empty() {
            times.push(at);
        }
    }
    assert_eq!(times, [25, 125, 325, 725, 1525, 3125, 6325, 11325]);
}

#[test]
fn too_many_names_being_written_fall_back_to_the_settle_time() {
    let mut bench = Bench::new();
    let names: Vec<String> = (0..=WRITTEN_NAMES_KEPT).map(|number| number.to_string()).collect();
    for name in &names {
        bench.note("a", Change::Writing(name.as_bytes()));
    }
    for name in &names {
        bench.note("a", Change::Done(name.as_bytes()));
    }
    assert_eq!(bench.drain(), out(&[(25, &["d:a"]), (500, &["d:a"])]));
}

#[test]
fn a_subtree_covers_what_is_below_it_but_not_files_still_being_written() {
    let mut bench = Bench::new();
    bench
        .note("a/b", Change::Done(b"f"))
        .rescan("a", RescanCause::NewDirectory)
        .note("a/c", Change::Touched)
        .rescan("a/d", RescanCause::NewDirectory)
        .note("a/e", Change::Writing(b"f"))
        .note("ab", Change::Touched);
    assert_eq!(bench.drain(), out(&[(25, &["s:a", "d:ab"]), (500, &["d:a/e"])]));
}

#[test]
fn a_file_finished_below_a_pending_subtree_leaves_nothing_behind() {
    let mut bench = Bench::new();
    bench
        .note("a/b", Change::Writing(b"f"))
        .rescan("a", RescanCause::NewDirectory)
        .note("a/b", Change::Done(b"f"));
    assert_eq!(bench.pending.len(), 1);
    assert_eq!(bench.drain(), out(&[(25, &["s:a"])]));
}

#[test]
fn a_subtree_never_overtakes_the_directory_that_holds_it() {
    let mut bench = Bench::new();
    bench.note("a", Change::Touched);
    assert_eq!(bench.drain(), out(&[(25, &["d:a"])]));
    // `a` is paced now; the new directory waits for it.
    bench.at(30).note("a", Change::Touched).rescan("a/new", RescanCause::NewDirectory);
    assert_eq!(bench.drain(), out(&[(125, &["d:a", "s:a/new"])]));
}

#[test]
fn a_subtree_of_a_rename_does_not_overtake_its_directory_either() {
    let mut bench = Bench::new();
    bench.note("a", Change::Touched);
    assert_eq!(bench.drain(), out(&[(25, &["d:a"])]));
    bench
        .at(30)
        .rescan("a/d", RescanCause::Renamed)
        .note("a", Change::Touched)
        .note("b", Change::Moved(b"f"));
    assert_eq!(bench.drain(), out(&[(55, &["d:b"]), (125, &["d:a", "s:a/d"])]));
}

#[test]
fn both_sides_of_a_rename_come_together() {
    let mut bench = Bench::new();
    bench.note("busy", Change::Touched);
    assert_eq!(bench.drain(), out(&[(25, &["d:busy"])]));
    bench.at(30).note("busy", Change::Moved(b"f")).note("calm", Change::Moved(b"f"));
    assert_eq!(bench.drain(), out(&[(55, &["d:busy", "d:calm"])]));
}

#[test]
fn more_paths_than_are_kept_become_subtrees_of_their_parents() {
    let mut bench = Bench::new();
    for number in 0..PATHS_KEPT {
        bench.note(&format!("a/b{}/c{number}", number % 2), Change::Touched);
    }
    bench.note("z", Change::Touched).note("a/b0", Change::Writing(b"f"));
    assert!(bench.pending.len() <= 4);
    let mut hints: Vec<String> = bench.drain().into_iter().flat_map(|(_, hints)| hints).collect();
    hints.sort();
    hints.dedup();
    assert_eq!(hints, ["d:a/b0", "d:z", "s:a/b0", "s:a/b1"]);
}

#[test]
fn nothing_pending_means_no_deadline() {
    let mut bench = Bench::new();
    assert_eq!(bench.pending.next_deadline(), None);
    bench.note("a", Change::Writing(b"f")).rescan("", RescanCause::Poll);
    bench.drain();
    assert_eq!((bench.pending.next_deadline(), bench.pending.len()), (None, 0));
}

#[test]
fn a_renamed_directory_waits_for_no_pace_and_a_renamed_file_does() {
    for (change, expected) in [(Change::MovedDirectory(b"x"), 1025), (Change::Moved(b"x"), 1525)] {
        let mut bench = Bench::new();
        for directory in ["from", "to"] {
            for at in 0..1000 {
                bench.at(at).note(directory, Change::Done(b"f"));
                bench.pending.release(bench.now);
            }
        }
        bench.at(1000).note("from", change).note("to", change);
        assert_eq!(bench.drain(), out(&[(expected, &["d:from", "d:to"])]), "{change:?}");
    }
}
