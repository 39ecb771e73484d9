//! Two short lives, of a folder that is backed up and of one that is synced, for every answer that is not the
//! likely one, to every question about the service that is open (protocol 10): it might do either, and jottad
//! is safe both ways.

use std::sync::Mutex;
use std::time::{Duration, Instant};
use std::{fs, thread};

use jottad_emulator::{Act, Effect, EmulatorConfig, Fault, Matching, Switches};

use crate::stage::{Machine, Service, World, md5};

/// Lives at once: most of their time they wait until a service that is late must have shown what was sent.
const AT_ONCE: usize = 32;

/// How late listings are where they are late.
const LAG: Duration = Duration::from_secs(1);

#[test]
fn every_answer_of_the_service_is_lived_through() {
    let mut answers: Vec<String> = Switches::ALL
        .iter()
        .flat_map(|info| info.answers[1..].iter().map(move |answer| format!("{}={answer}", info.id)))
        .collect();
    if let Ok(only) = std::env::var("JOTTAD_ANSWER") {
        answers.retain(|answer| answer.starts_with(&only));
    }
    answers.reverse();
    // The last is lived first. Where the service is late or hides that a move was done, each move waits for a
    // second look.
    answers.sort_by_key(|answer| answer.starts_with("U35=") || answer.starts_with("U38="));
    let lives =
        answers.into_iter().flat_map(|answer| [Kind::Backup, Kind::Sync].map(|kind| (answer.clone(), kind)));
    let (waiting, failed) = (Mutex::new(lives.collect::<Vec<_>>()), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some((answer, kind)) = { waiting.lock().unwrap().pop() } {
                    let started = Instant::now();
                    let name = format!("{answer} {kind:?}");
                    let life = thread::Builder::new().name(name.clone());
                    let ended = life.spawn_scoped(scope, move || live(&answer, kind)).unwrap().join();
                    println!("{name}: {:.1} s", started.elapsed().as_secs_f32());
                    if ended.is_err() {
                        failed.lock().unwrap().push(name);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "not lived through (JOTTAD_ANSWER=… runs one): {failed:?}");
}

/// Which folder it is that lives.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Backup,
    Sync,
}

fn live(answer: &str, kind: Kind) {
    let life = Life::begin(answer, kind);
    life.first_pass();
    life.edits();
    life.moves();
    life.deletes();
    match kind {
        Kind::Backup => {
            life.broken_uploads();
            life.other_devices();
            life.full_account();
            life.restart();
            life.drift();
            life.by_hand();
        }
        Kind::Sync => {
            life.changes_there();
            life.changes_on_both_sides();
            life.lost_index();
        }
    }
}

struct Life {
    world: World,
    /// How late listings are.
    lag: Duration,
}

impl Life {
    fn begin(answer: &str, kind: Kind) -> Self {
        let mode = match kind {
            Kind::Backup => "",
            Kind::Sync => "mode = \"sync\"",
        };
        let mut config = EmulatorConfig::default();
        config.switches.apply(answer).unwrap();
        let lag = if answer.starts_with("U38=") { LAG } else { Duration::ZERO };
        let life = Self { world: World::of(Machine::new(), Service::with(config), mode), lag };
        life.world.service.set_listing_lag(lag);
        life
    }

    /// Passes until one ends in sync; then both sides are the same. A service that is slow to show what was
    /// written, or that turns requests away, may take more than one.
    #[track_caller]
    fn settle(&self) {
        // Between two passes a person lets more time go by than a service needs to catch up with itself;
        // within a pass nobody waits.
        thread::sleep(self.lag);
        let mut outcome = self.world.machine.jottad(["run", "--once"]);
        for _ in 0..4 {
            if outcome.code == Some(0) {
                break;
            }
            outcome = self.world.machine.jottad(["run", "--once"]);
        }
        outcome.expect(0);
        self.world.assert_same();
    }

    fn first_pass(&self) {
        let world = &self.world;
        world.write("a.txt", "one");
        world.write("tree/b.txt", "b");
        world.write("tree/deep/c%20+: ?.txt", "c");
        world.write("tree/deep/\u{c6}.txt", "ae");
        world.write("empty.txt", "");
        world.mkdir("tree/empty");
        world.write("old/gone.txt", "gone");
        world.write("old/kept.txt", "kept");
        self.settle();
    }

    fn edits(&self) {
        let world = &self.world;
        world.write("a.txt", "two, which is longer");
        world.set_time("tree/b.txt", 1_234_567_890);
        world.service.expire_access_tokens();
        self.settle();
        assert!(world.service.holds_content(&md5(b"one")), "what was overwritten is a revision");
    }

    fn moves(&self) {
        let world = &self.world;
        world.rename("a.txt", "tree/moved.txt");
        world.rename("tree", "branch");
        self.settle();
        world.rename("branch/b.txt", "branch/B.TXT");
        world.rename("branch/deep", "branch/DEEP");
        self.settle();
        let sent = world.service.counters().of("upload");
        world.rename("branch/B.TXT", "one");
        world.rename("branch/moved.txt", "branch/B.TXT");
        world.rename("one", "branch/moved.txt");
        self.settle();
        assert_eq!(world.service.counters().of("upload"), sent, "nothing that moved was sent again");
    }

    fn deletes(&self) {
        let world = &self.world;
        world.remove("old/gone.txt");
        self.settle();
        world.remove("old");
        world.remove("branch/empty");
        self.settle();
        assert!(world.service.holds_content(&md5(b"gone")) && world.service.holds_content(&md5(b"kept")));
        world.write("old/kept.txt", "kept");
        world.write("old/new.txt", "new below what was trashed");
        self.settle();
    }

    /// The connection breaks in the middle of a file, which is another one when it is sent again.
    fn broken_uploads(&self) {
        let world = &self.world;
        world.write("big", vec![1; 300_000]);
        let cut = Effect::CutRequest { after: 100_000 };
        world.service.add_fault(Fault::once(Matching::endpoint("upload"), cut.clone()));
        self.settle();
        world.write("big", vec![2; 300_000]);
        world.service.add_fault(Fault::once(Matching::endpoint("upload"), cut));
        world.service.add_fault(Fault::once(Matching::endpoint("upload"), Effect::ResetBefore).after(1));
        self.settle();
    }

    /// Another device acts while a file is on its way.
    fn other_devices(&self) {
        let world = &self.world;
        let acts = [
            Act::put("Jotta/Archive/docs/raced", b"theirs"),
            Act::delete("Jotta/Archive/docs/raced"),
            Act::rename("Jotta/Archive/docs/raced", "Jotta/Archive/docs/raced elsewhere"),
        ];
        for (number, act) in acts.into_iter().enumerate() {
            world.write("raced", format!("mine, number {number}"));
            let act = Effect::Act { acts: vec![act] };
            world.service.add_fault(Fault::once(Matching::endpoint("upload"), act));
            // What the other device made is left alone, and is no difference of ours.
            let outcome = world.machine.jottad(["run", "--once"]);
            world.service.clear_faults();
            if world.service.has("Jotta/Archive/docs/raced elsewhere") {
                world.service.does(Act::remove("Jotta/Archive/docs/raced elsewhere"));
            }
            assert!(outcome.code.is_some_and(|code| code != 1), "{outcome}");
            self.settle();
            if number == 0 {
                assert!(world.service.holds_content(&md5(b"theirs")), "their content is a revision");
            }
        }
    }

    fn full_account(&self) {
        let world = &self.world;
        world.service.set_capacity(Some(world.service.usage() + 1000));
        world.write("too big", vec![3; 100_000]);
        world.mkdir("a directory needs no space");
        let outcome = world.machine.jottad(["run", "--once"]);
        assert!(outcome.code.is_some_and(|code| code >= 5), "{outcome}");
        assert!(world.service.has("Jotta/Archive/docs/a directory needs no space"));
        world.service.set_capacity(None);
        self.settle();
    }

    fn restart(&self) {
        let world = &self.world;
        let daemon = world.start();
        world.write("while it runs.txt", "x");
        world.rename("branch", "tree");
        world.synced();
        daemon.kill();
        world.remove("while it runs.txt");
        fs::remove_dir_all(world.machine.state().join("index")).unwrap();
        world.write("after the index was lost", "x");
        let daemon = world.start();
        world.sync(0);
        daemon.stop();
        // What was deleted without an index is not known to have been ours: it stays.
        assert!(world.service.has("Jotta/Archive/docs/while it runs.txt"));
        world.service.does(Act::delete("Jotta/Archive/docs/while it runs.txt"));
        self.settle();
    }

    /// What other devices do to a backup is put right.
    fn drift(&self) {
        let world = &self.world;
        world.service.does(Act::delete("Jotta/Archive/docs/old/kept.txt"));
        world.service.does(Act::remove("Jotta/Archive/docs/old/new.txt"));
        world.service.does(Act::put("Jotta/Archive/docs/tree/B.TXT", b"changed by another device"));
        world.service.does(Act::delete("Jotta/Archive/docs/tree/DEEP"));
        self.settle();
        assert!(world.service.holds_content(&md5(b"changed by another device")));
    }

    /// What other devices do to a synced folder is done here too.
    fn changes_there(&self) {
        let world = &self.world;
        world.service.does(Act::put("Jotta/Archive/docs/theirs/new.txt", b"new there"));
        world.service.does(Act::put("Jotta/Archive/docs/old/kept.txt", b"changed there"));
        self.settle();
        assert_eq!(fs::read(world.path("theirs/new.txt")).unwrap(), b"new there");
        assert_eq!(fs::read(world.path("old/kept.txt")).unwrap(), b"changed there");
    }

    fn changes_on_both_sides(&self) {
        let world = &self.world;
        world.service.does(Act::rename("Jotta/Archive/docs/theirs", "Jotta/Archive/docs/moved there"));
        world.service.does(Act::delete("Jotta/Archive/docs/old/new.txt"));
        world.service.does(Act::put("Jotta/Archive/docs/empty.txt", b"from there"));
        world.write("empty.txt", "from here");
        world.service.does(Act::delete("Jotta/Archive/docs/old/kept.txt"));
        world.write("old/kept.txt", "edited here, which outweighs a delete");
        self.settle();
        assert_eq!(fs::read(world.path("moved there/new.txt")).unwrap(), b"new there");
        assert!(!world.path("old/new.txt").exists() && !world.path("theirs").exists());
        // Both sides are the same, so what is here is there.
        let files = ["", "old"].map(|directory| fs::read_dir(world.path(directory)).unwrap());
        let files = files.into_iter().flatten().map(|entry| entry.unwrap().path());
        let contents: Vec<Vec<u8>> = files.filter_map(|path| fs::read(path).ok()).collect();
        for content in ["from there", "from here", "edited here, which outweighs a delete"] {
            assert!(contents.iter().any(|one| one == content.as_bytes()), "{content:?} is live");
        }
    }

    fn lost_index(&self) {
        let world = &self.world;
        fs::remove_dir_all(world.machine.state().join("index")).unwrap();
        let counters = world.service.counters();
        self.settle();
        let after = world.service.counters();
        assert_eq!(after.of("upload"), counters.of("upload"), "nothing is sent that is there");
        assert_eq!(after.of("download"), counters.of("download"), "nothing is fetched that is here");
    }

    fn by_hand(&self) {
        let machine = &self.world.machine;
        let done = |arguments: &[&str]| {
            thread::sleep(self.lag);
            let mut outcome = machine.jottad(arguments);
            // A service whose listings are late is asked again, as a person would.
            for _ in 0..100 {
                if outcome.code != Some(1) {
                    break;
                }
                thread::sleep(Duration::from_millis(100));
                outcome = machine.jottad(arguments);
            }
            outcome.expect(0)
        };
        let local = machine.home().join("by hand");
        fs::create_dir_all(local.join("in")).unwrap();
        fs::write(local.join("in/one"), "one by hand").unwrap();
        fs::write(local.join("two"), "two by hand").unwrap();
        let (local, back) = (local.to_str().unwrap(), machine.beside("back"));
        done(&["put", "-r", local, "Jotta/Archive/hand"]);
        done(&["mv", "Jotta/Archive/hand/two", "Jotta/Archive/hand/in/TWO"]);
        done(&["mv", "Jotta/Archive/hand/in", "Jotta/Archive/hand/IN"]);
        done(&["rm", "-r", "Jotta/Archive/hand"]);
        done(&["restore", "Jotta/Archive/hand"]);
        done(&["get", "-r", "Jotta/Archive/hand", back.to_str().unwrap()]);
        assert_eq!(fs::read(back.join("IN/one")).unwrap(), b"one by hand");
        assert_eq!(fs::read(back.join("IN/TWO")).unwrap(), b"two by hand");
    }
}
