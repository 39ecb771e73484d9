//! Random storms with random pauses: whatever happens, the hints lead to the tree as it is.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use proptest::prelude::*;

use crate::scanner::Bench;

/// One thing that a user or program does. Places are small numbers, so that they collide often.
#[derive(Clone)]
enum Step {
    MakeDirectories(Place),
    Write(Place),
    Append(Place),
    Rename(Place, Place),
    MoveOut(Place),
    MoveIn(Place),
    Remove(Place),
    Pause(u64),
}

type Place = Vec<u8>;

/// One line a step, or a failure fills pages.
impl std::fmt::Debug for Step {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (word, places) = match self {
            Self::MakeDirectories(place) => ("make directories", [Some(place), None]),
            Self::Write(place) => ("write", [Some(place), None]),
            Self::Append(place) => ("append", [Some(place), None]),
            Self::Rename(from, to) => ("rename", [Some(from), Some(to)]),
            Self::MoveOut(place) => ("move out", [Some(place), None]),
            Self::MoveIn(place) => ("move in", [Some(place), None]),
            Self::Remove(place) => ("remove", [Some(place), None]),
            Self::Pause(millis) => return write!(formatter, "pause {millis} ms"),
        };
        write!(formatter, "{word}")?;
        places.into_iter().flatten().try_for_each(|place| {
            let names: Vec<String> = place.iter().map(u8::to_string).collect();
            write!(formatter, " {}", names.join("/"))
        })
    }
}

fn place() -> impl Strategy<Value = Place> {
    prop::collection::vec(0..3_u8, 1..5)
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => place().prop_map(Step::MakeDirectories),
        4 => place().prop_map(Step::Write),
        1 => place().prop_map(Step::Append),
        6 => (place(), place()).prop_map(|(from, to)| Step::Rename(from, to)),
        1 => place().prop_map(Step::MoveOut),
        1 => place().prop_map(Step::MoveIn),
        3 => place().prop_map(Step::Remove),
        2 => (0..25_u64).prop_map(Step::Pause),
    ]
}

fn locate(bench: &Bench, place: &Place) -> PathBuf {
    place.iter().fold(bench.root().to_owned(), |path, name| path.join(name.to_string()))
}

/// Does it if it can be done; most failures are directories in the way.
fn perform(bench: &Bench, step: &Step, outside: &mut Vec<PathBuf>, number: usize) {
    let _ = match step {
        Step::MakeDirectories(place) => fs::create_dir_all(locate(bench, place)),
        Step::Write(place) => fs::write(locate(bench, place), number.to_string()),
        Step::Append(place) => fs::File::options()
            .append(true)
            .open(locate(bench, place))
            .and_then(|mut file| std::io::Write::write_all(&mut file, b"more")),
        Step::Rename(from, to) => fs::rename(locate(bench, from), locate(bench, to)),
        Step::MoveOut(place) => {
            let target = bench.outside(&format!("out{number}"));
            fs::rename(locate(bench, place), &target).map(|()| outside.push(target))
        }
        Step::MoveIn(place) => match outside.pop() {
            Some(source) => fs::rename(source, locate(bench, place)),
            None => Ok(()),
        },
        Step::Remove(place) => {
            let path = locate(bench, place);
            fs::remove_file(&path).or_else(|_| fs::remove_dir_all(&path))
        }
        Step::Pause(millis) => {
            std::thread::sleep(Duration::from_millis(*millis));
            Ok(())
        }
    };
}

fn cases() -> u32 {
    std::env::var("JOTTAD_WATCHER_STORMS").ok().and_then(|number| number.parse().ok()).unwrap_or(30)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    /// With a long gap whole storms are read at once, with none events are handled while the next ones
    /// happen.
    #[test]
    fn nothing_is_missed_in_random_storms(
        read_gap in prop::sample::select(vec![0, 10, 100]),
        storms in prop::collection::vec(prop::collection::vec(step(), 1..60), 1..4),
    ) {
        let mut bench = Bench::with(|_| {}, |options| options.read_gap = Duration::from_millis(read_gap));
        let mut outside = Vec::new();
        for storm in &storms {
            for (number, step) in storm.iter().enumerate() {
                perform(&bench, step, &mut outside, number);
            }
            bench.assert_nothing_missed();
        }
        bench.assert_all_watched();
    }
}
