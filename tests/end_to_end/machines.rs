//! Two machines keep one folder of one account in step while both are edited and killed, again and again.
//!
//! `JOTTAD_KILLS=5000 cargo test -p jottad-tests --test end_to_end machines` kills so often instead of 200
//! times, and
//! `JOTTAD_LIFE=17` lives that life alone. The edits follow from the number of the life; when the daemons see
//! them does not, so a failure may need several tries to come again.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use jottad_emulator::{EmulatorConfig, RandomFaults};

use crate::stage::{Daemon, Machine, Service, Tree, World, md5};

/// Lives at once: most of their time they wait.
const AT_ONCE: u32 = 16;
/// Kills before both machines are brought together and compared.
const KILLS_OF_A_LIFE: u32 = 25;
/// Passes of either machine after which they must agree: what one pass brings about, the other machine has to
/// follow.
const MOST_PASSES: u32 = 8;
/// A pass that waits for a person.
const HELD: i32 = 7;
/// A pass that leaves problems.
const PROBLEMS: i32 = 6;
/// Edits are made by hand, so a folder may lose most of its files: that is no reason to hold them here.
const SETTINGS: &str =
    "mode = \"sync\"\npoll = \"1s\"\n[guard]\nmax_deletes = 100000\nmax_delete_percent = 100\n";

#[test]
fn two_machines_that_are_edited_and_killed_agree_and_lose_nothing() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u32>().unwrap());
    if let Some(life) = number("JOTTAD_LIFE") {
        return Life::begin(life).live();
    }
    let lives = number("JOTTAD_KILLS").unwrap_or(200).div_ceil(KILLS_OF_A_LIFE);
    let next = AtomicU32::new(0);
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(life) = Some(next.fetch_add(1, Relaxed)).filter(|life| *life < lives) {
                    Life::begin(life).live();
                }
            });
        }
    });
}

/// Two machines with one account, and what their users did.
struct Life {
    number: u32,
    dice: fastrand::Rng,
    users: [User; 2],
    service: Arc<Service>,
}

impl Life {
    fn begin(number: u32) -> Self {
        let config = EmulatorConfig { seed: number.into(), ..EmulatorConfig::default() };
        let service = Arc::new(Service::with(config));
        let users = ["a", "b"].map(|name| User::of(name, &service));
        Self { number, dice: fastrand::Rng::with_seed(number.into()), users, service }
    }

    fn live(mut self) {
        println!("life {}", self.number);
        for directory in 0..4 {
            for file in 0..6 {
                self.users[0].save(&format!("d{directory}/f{file}"));
            }
        }
        for user in &self.users {
            user.world.pass(0);
        }
        self.service.set_latency(Duration::from_millis(2));
        for _ in 0..KILLS_OF_A_LIFE {
            let faults = if self.dice.bool() { 0.0 } else { 3.0 };
            self.service.set_random_faults(RandomFaults::percent(faults));
            self.edit(1..4);
            for user in &mut self.users {
                user.daemon.get_or_insert_with(|| user.world.start());
            }
            self.edit(1..5);
            self.let_pass(1..30);
            self.edit(0..3);
            let killed = self.dice.usize(..2);
            self.users[killed].daemon.take().unwrap().kill();
        }
        self.come_together();
    }

    /// Users do some things, on either machine.
    fn edit(&mut self, times: std::ops::Range<u32>) {
        for _ in 0..self.dice.u32(times) {
            let user = &mut self.users[self.dice.usize(..2)];
            user.does_something(&mut self.dice);
        }
    }

    /// Lets the daemons ask the service some more, or come to rest. A moment is told by what the service has
    /// been asked, not by a clock.
    fn let_pass(&mut self, requests: std::ops::Range<u64>) {
        const REST: Duration = Duration::from_millis(400);
        let until = self.service.counters().requests + self.dice.u64(requests);
        let (mut asked, mut since) = (0, Instant::now());
        while asked < until && since.elapsed() < REST {
            let now = self.service.counters().requests;
            if now != asked {
                (asked, since) = (now, Instant::now());
            }
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Nothing goes wrong any more, and nobody edits: both machines and the service come to be the same.
    fn come_together(mut self) {
        self.service.clear_faults();
        self.service.set_latency(Duration::ZERO);
        for user in &mut self.users {
            if let Some(daemon) = user.daemon.take() {
                daemon.kill();
            }
        }
        let [one, two] = &self.users;
        let agree = || {
            let trees = [one, two].map(|user| Tree::on_disk(&user.world.root));
            trees[0] == trees[1] && trees[0] == Tree::on_service(&self.service, crate::stage::REMOTE)
        };
        for pass in 0.. {
            let outcomes = [one, two].map(|user| user.world.machine.jottad(["run", "--once"]));
            if outcomes.iter().all(|outcome| outcome.code == Some(0)) && agree() {
                break;
            }
            if pass == MOST_PASSES {
                for outcome in &outcomes {
                    println!("{outcome}");
                }
                for user in [one, two] {
                    println!("life {}, user {}", self.number, user.name);
                    println!("{}", user.world.machine.jottad(["status"]));
                    println!("{}", user.world.machine.jottad(["problems"]));
                    user.world.assert_same();
                    user.world.pass(0);
                }
                panic!("life {}: the machines do not come to agree", self.number);
            }
            // Where a root was seen empty, if only for a moment, a person is shown what is missing.
            for (user, outcome) in [one, two].into_iter().zip(&outcomes) {
                if outcome.code == Some(HELD) {
                    println!("life {}, user {}: {outcome}", self.number, user.name);
                    user.world.machine.jottad(["approve", "docs"]).expect(0);
                }
                if outcome.code == Some(PROBLEMS) {
                    user.part_namesakes();
                }
            }
        }
        self.assert_nothing_is_lost();
        for user in &self.users {
            assert_eq!(user.left_behind(), [""; 0], "life {}: user {}", self.number, user.name);
        }
        self.service.reset_counters();
        for user in &self.users {
            user.world.pass(0);
        }
        assert_eq!(self.service.changes(), [""; 0], "life {}: they agreed and went on", self.number);
    }

    /// Every content that was saved and that its user did not replace or delete can still be had, and there
    /// is nothing that nobody saved.
    fn assert_nothing_is_lost(&self) {
        let [one, two] = &self.users;
        let given_up: BTreeSet<&String> = one.given_up.union(&two.given_up).collect();
        let saved: BTreeSet<&String> = one.saved.union(&two.saved).collect();
        let kept_here = [one, two].map(User::contents).concat();
        let lost: Vec<_> = saved
            .difference(&given_up)
            .filter(|content| {
                let hash = md5(content.as_bytes());
                !kept_here.iter().any(|kept| kept == **content) && !self.service.holds_content(&hash)
            })
            .collect();
        assert!(lost.is_empty(), "life {}: lost: {lost:?}", self.number);
        let made_up: Vec<_> = kept_here.iter().filter(|kept| !saved.contains(kept)).collect();
        assert!(made_up.is_empty(), "life {}: nobody saved these: {made_up:?}", self.number);
    }
}

/// Somebody at a machine, and what they did to their folder.
struct User {
    name: &'static str,
    world: World,
    daemon: Option<Daemon>,
    /// How often they did something.
    deeds: u32,
    /// Every content that was saved; no two are alike.
    saved: BTreeSet<String>,
    /// Contents that were replaced or deleted by somebody who saw them.
    given_up: BTreeSet<String>,
}

impl User {
    fn of(name: &'static str, service: &Arc<Service>) -> Self {
        let world = World::of(Machine::new(), Arc::clone(service), SETTINGS);
        Self { name, world, daemon: None, deeds: 0, saved: BTreeSet::new(), given_up: BTreeSet::new() }
    }

    fn does_something(&mut self, dice: &mut fastrand::Rng) {
        self.deeds += 1;
        let new = format!("{}{}", self.name, self.deeds);
        match dice.u8(..16) {
            0..5 => {
                let path = self.some_path(dice);
                self.save(&path);
            }
            5 | 6 => {
                let directory = self.some_directory(dice);
                self.save(&join(&directory, &format!("new {new}")));
            }
            7 | 8 => self.with_some_file(dice, |user, _, file| user.delete(&file)),
            9 | 10 => self.with_some_file(dice, |user, dice, file| {
                let directory = user.some_directory(dice);
                user.rename(&file, &join(&directory, &format!("moved {new}")));
            }),
            11 => self.with_some_file(dice, |user, _, file| user.rename(&file, &other_case(&file))),
            12 => {
                let from = self.some_directory(dice);
                let into = self.some_directory(dice);
                if !from.is_empty() && into != from && !into.starts_with(&format!("{from}/")) {
                    self.rename(&from, &join(&into, &format!("dir {new}")));
                }
            }
            13 => {
                let directory = self.some_directory(dice);
                if !directory.is_empty() {
                    self.rename(&directory, &other_case(&directory));
                }
            }
            14 => {
                let directory = self.some_directory(dice);
                if !directory.is_empty() {
                    self.delete(&directory);
                }
            }
            _ => {
                let directory = self.some_directory(dice);
                // The daemon may have taken the directory away meanwhile.
                let _ = fs::create_dir(self.world.path(join(&directory, &format!("dir {new}"))));
            }
        }
    }

    /// Saves as editors do: a new file takes the place of the old one. What it replaces was seen.
    fn save(&mut self, path: &str) {
        let content = format!("{} {} {path}", self.name, self.saved.len());
        let scratch = self.world.machine.beside("scratch");
        let target = self.world.path(path);
        fs::write(&scratch, &content).unwrap();
        // Directories come and go by the daemon's hand, too.
        if fs::create_dir_all(target.parent().unwrap()).is_err() {
            return;
        }
        let seen = fs::read_to_string(&target);
        if fs::rename(&scratch, &target).is_ok() {
            self.saved.insert(content);
            self.given_up.extend(seen);
        }
    }

    /// Deletes a file, or a directory with all that is in it.
    fn delete(&mut self, path: &str) {
        let path = self.world.path(path);
        let seen = contents_below(&path);
        let deleted = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        // A directory that was deleted half has lost what was seen all the same.
        drop(deleted);
        self.given_up.extend(seen);
    }

    /// Renames unless something is there; a target that differs by letter case alone is no other entry.
    fn rename(&self, from: &str, to: &str) {
        let flags = rustix::fs::RenameFlags::NOREPLACE;
        let (from, to) = (self.world.path(from), self.world.path(to));
        // The daemon may have moved or taken it away meanwhile.
        let _ = rustix::fs::renameat_with(rustix::fs::CWD, from, rustix::fs::CWD, to, flags);
    }

    /// Gives names to what is one to the service, as the problem asks for: a user saved something in a directory
    /// in the very moment in which the daemon let its letter case follow, and has both now.
    fn part_namesakes(&self) {
        let mut names = BTreeSet::new();
        for path in self.paths(|_| true) {
            if !names.insert(path.to_ascii_lowercase()) {
                println!("user {}: {path} has a namesake", self.name);
                self.rename(&path, &format!("{path} of {}", self.name));
            }
        }
    }

    /// A path that both users write to, in the letter case that is there.
    fn some_path(&self, dice: &mut fastrand::Rng) -> String {
        let wanted = format!("d{}/f{}", dice.u8(..4), dice.u8(..6));
        let paths = self.paths(|_| true);
        let spelled = |wanted: &str| paths.iter().find(|path| path.eq_ignore_ascii_case(wanted)).cloned();
        spelled(&wanted).unwrap_or_else(|| {
            let (directory, name) = wanted.split_once('/').unwrap();
            join(&spelled(directory).unwrap_or_else(|| directory.to_owned()), name)
        })
    }

    /// A directory that is there; the root is the empty one.
    fn some_directory(&self, dice: &mut fastrand::Rng) -> String {
        let mut directories = self.paths(Path::is_dir);
        directories.push(String::new());
        dice.choice(directories).unwrap()
    }

    fn with_some_file(
        &mut self,
        dice: &mut fastrand::Rng,
        act: impl FnOnce(&mut Self, &mut fastrand::Rng, String),
    ) {
        if let Some(file) = dice.choice(self.paths(Path::is_file)) {
            act(self, dice, file);
        }
    }

    /// What is in the folder, sorted, as the user sees it.
    fn paths(&self, is_wanted: impl Fn(&Path) -> bool) -> Vec<String> {
        let mut found = below(&self.world.root);
        found.retain(|path| !path.starts_with(self.world.path(".jottad")) && is_wanted(path));
        let relative =
            |path: &PathBuf| path.strip_prefix(&self.world.root).unwrap().to_str().unwrap().to_owned();
        found.iter().map(relative).collect()
    }

    /// Every content in the folder, and in jottad's own trash in it.
    fn contents(&self) -> Vec<String> {
        let own = self.world.path(".jottad");
        let files = below(&self.world.root).into_iter().filter(|path| {
            path.is_file() && (!path.starts_with(&own) || path.starts_with(own.join("trash")))
        });
        files.map(|path| fs::read_to_string(path).unwrap()).collect()
    }

    /// What lies in the directory for temporary files.
    fn left_behind(&self) -> Vec<String> {
        let found = below(&self.world.path(".jottad/tmp"));
        found.iter().map(|path| path.display().to_string()).collect()
    }
}

fn join(directory: &str, name: &str) -> String {
    if directory.is_empty() { name.to_owned() } else { format!("{directory}/{name}") }
}

/// The path with the letter case of its last name turned round.
fn other_case(path: &str) -> String {
    let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
    let turned = |letter: char| {
        if letter.is_ascii_lowercase() { letter.to_ascii_uppercase() } else { letter.to_ascii_lowercase() }
    };
    join(directory, &name.chars().map(turned).collect::<String>())
}

/// Everything below a directory, sorted; what vanishes meanwhile is left out.
fn below(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let mut entries: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    entries.sort();
    entries.into_iter().flat_map(|path| [vec![path.clone()], below(&path)].concat()).collect()
}

/// The contents of a file, or of all files below a directory.
fn contents_below(path: &Path) -> Vec<String> {
    let files = [vec![path.to_owned()], below(path)].concat();
    files.iter().filter_map(|file| fs::read_to_string(file).ok()).collect()
}
