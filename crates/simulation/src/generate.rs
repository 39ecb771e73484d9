//! A scenario from a seed.

use fastrand::Rng;
use jottad_core::Mode;

use crate::emptied_root::EmptiedRoot;
use crate::hangs;
use crate::refusals;
use crate::remote_tree::Folding;
use crate::rule_files;
use crate::scenario::{Act, After, Hints, Knobs, Scenario, Step, Work};

/// Few paths, so that things meet.
const PLAIN: [&str; 14] =
    ["a", "b", "c", "d", "d/a", "d/b", "d/e", "d/e/a", "d/e/b", "f", "f/a", "f/d", "f/d/e", "f/d/e/a"];
/// Names that the service folds, encodes or refuses.
const ODD: [&str; 9] = ["A", "D/a", "d/A", "\u{e9}", "e\u{301}", "d/x:y%", "\u{ff1a}", "f/\u{c9}", LONG];
/// Spellings of one name to the service.
const RESPELLED: [(&str, &str); 8] = [
    ("a", "A"),
    ("b", "B"),
    ("d", "D"),
    ("d/a", "d/A"),
    ("d/e", "d/E"),
    ("f", "F"),
    ("f/d", "f/D"),
    ("\u{e9}", "\u{c9}"),
];
/// Too long once it is encoded.
const LONG: &str =
    "d/::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::";

/// The first of the contents that nobody else saves.
const MEDDLED: u32 = 5001;
/// And of those that are saved to be overtaken, and to overtake.
const OVERTAKEN: u32 = 6001;

/// Where rules are.
const RULE_FILES: [&str; 4] = [".jottaignore", "d/.jottaignore", "d/e/.jottaignore", "f/.jottaignore"];

/// What the links among them lead to: files that may be there, and what can never be rules.
const LINK_TARGETS: [&str; 9] = [
    "../.jottaignore",
    "../.jottaignore",
    "e/.jottaignore",
    "../d/.jottaignore",
    "../f/.jottaignore",
    "d/.jottaignore",
    "a",
    "nowhere",
    "/outside",
];

/// What happens in some lives besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(clippy::struct_excessive_bools)]
pub struct Extras {
    /// People write `.jottaignore` files.
    pub rules: bool,
    /// Disks are mounted below the root, and come and go; so does the one that the root is on.
    pub disks: bool,
    /// The user works on just what jottad works on.
    pub meddling: bool,
    /// The service refuses what is asked for at some names.
    pub refusals: bool,
    /// Others work right after jottad did, roots move without a word, clocks are set, and there may be no
    /// stamps.
    pub doubts: bool,
    /// The folder works on a few rows at a time.
    pub steps: bool,
    /// Requests hang: what the service answers is up to a minute old when it comes.
    pub hangs: bool,
    /// The service shows everything at once, and jottad relies on that.
    pub prompt: bool,
    /// A few rows of the index are a page, so that trees are larger than one.
    pub pages: bool,
}

impl Extras {
    /// Nothing beyond what every life has.
    pub const PLAIN: Self = Self {
        rules: false,
        disks: false,
        meddling: false,
        refusals: false,
        doubts: false,
        steps: false,
        hangs: false,
        prompt: false,
        pages: false,
    };

    /// The switches of the command line that ask for them.
    pub fn switches(self) -> String {
        let all = [
            (self.rules, " --rules"),
            (self.disks, " --disks"),
            (self.meddling, " --meddling"),
            (self.refusals, " --refusals"),
            (self.doubts, " --doubts"),
            (self.steps, " --steps"),
            (self.hangs, " --hangs"),
            (self.prompt, " --prompt"),
            (self.pages, " --pages"),
        ];
        all.into_iter().filter(|(is_on, _)| *is_on).map(|(_, switch)| switch).collect()
    }
}

/// Which of the usual lives a seed is: each mode has as many of every kind.
pub fn usual(seed: u64) -> (Mode, Extras) {
    let mode = match seed % 4 {
        0 => Mode::Backup,
        1 => Mode::Sync,
        2 => Mode::Pull,
        _ => Mode::Archive,
    };
    let has = |bit: u32| ((seed / 4) >> bit) & 1 == 1;
    let extras = Extras {
        rules: has(0),
        disks: has(1),
        meddling: has(2),
        refusals: has(3),
        doubts: has(4),
        steps: has(5),
        ..Extras::PLAIN
    };
    (mode, extras)
}

/// The scenario of a seed.
pub fn scenario(seed: u64, mode: Mode, extras: Extras) -> Scenario {
    let mut random = Rng::with_seed(seed);
    let knobs = knobs(&mut random);
    let mut maker = Maker::new(random);
    maker.rules &= extras.rules;
    let paths = maker.paths.clone();
    let mut before = Vec::new();
    if maker.random.u8(0..3) > 0 {
        for _ in 0..maker.random.usize(1..12) {
            before.push(maker.local());
        }
    }
    if maker.other_devices && maker.random.bool() {
        for _ in 0..maker.random.usize(1..6) {
            before.push(maker.remote());
        }
    }
    let count =
        if maker.random.u8(0..8) == 0 { maker.random.usize(20..60) } else { maker.random.usize(1..20) };
    let mut steps = Vec::new();
    for _ in 0..count {
        let after = maker.after();
        let act = maker.act();
        steps.push(Step { after, act });
    }
    let mut scenario = Scenario { mode, knobs, before, steps };
    if extras.disks {
        add_disks(&mut scenario, &mut Rng::with_seed(seed ^ 0x6d6f_756e_7400));
        add_root_disk(&mut scenario, &mut Rng::with_seed(seed ^ 0x726f_6f74_0000));
    }
    if extras.meddling {
        add_meddling(&mut scenario, &mut Rng::with_seed(seed ^ 0x6d65_6464_6c65));
        add_pauses(&mut scenario, &mut Rng::with_seed(seed ^ 0x7061_7573_6573));
    }
    if extras.refusals {
        let mut random = Rng::with_seed(seed ^ 0x7265_6675_7365);
        if random.u8(0..4) > 0 {
            scenario.knobs.refusals = refusals::draw(&mut random, &paths);
            scenario.knobs.waits_on_refusals = !extras.doubts;
        }
    }
    add_events(&mut scenario, &mut Rng::with_seed(seed ^ 0x6576_656e_7400));
    add_staleness(&mut scenario, &mut Rng::with_seed(seed ^ 0x6c61_7465_0000));
    add_respelling(&mut scenario, &mut Rng::with_seed(seed ^ 0x7370_656c_6c00));
    scenario.knobs.brings_back = Rng::with_seed(seed ^ 0x6272_696e_6773).u8(0..4) == 0;
    scenario.knobs.empties_root = match Rng::with_seed(seed ^ 0x656d_7074_6965).u8(0..12) {
        0 => Some(EmptiedRoot::Waits),
        1 => Some(EmptiedRoot::AskedToLook),
        2 => Some(EmptiedRoot::Killed),
        _ => None,
    };
    if extras.doubts {
        add_doubts(&mut scenario, &mut Rng::with_seed(seed ^ 0x646f_7562_7400));
    }
    if extras.rules {
        add_rule_links(&mut scenario, &mut Rng::with_seed(seed ^ 0x6c69_6e6b_7300));
    }
    scenario.knobs.looks_name_as_asked = Rng::with_seed(seed ^ 0x6e61_6d65_7300).bool();
    scenario.knobs.trash_keeps_spelling = Rng::with_seed(seed ^ 0x7472_6173_6800).bool();
    if Rng::with_seed(seed ^ 0x6175_746f_0000).u8(0..4) == 0 {
        scenario.knobs.transfers = 0;
    }
    if extras.steps {
        scenario.knobs.rows_in_a_step = Rng::with_seed(seed ^ 0x7374_6570_7300).u8(0..4);
    }
    if extras.hangs {
        hangs::add(&mut scenario, &mut Rng::with_seed(seed ^ 0x6861_6e67_7300));
    }
    if extras.pages {
        scenario.knobs.rows_in_a_page = Rng::with_seed(seed ^ 0x7061_6765_7300).u8(1..6);
    }
    if extras.prompt {
        let knobs = &mut scenario.knobs;
        (knobs.is_prompt, knobs.lag_milliseconds, knobs.late_folders) = (true, 0, false);
    }
    scenario
}

/// In some of the lives with late listings folders are late too, and somewhere a directory changes the letter
/// case of its name. Drawn apart, like the others.
fn add_staleness(scenario: &mut Scenario, random: &mut Rng) {
    if scenario.knobs.lag_milliseconds == 0 || random.bool() {
        return;
    }
    scenario.knobs.late_folders = true;
    for _ in 0..random.usize(0..3) {
        let (from, to) =
            [("d", "D"), ("D", "d"), ("d/e", "d/E"), ("f", "F"), ("d/a", "d/A")][random.usize(0..5)];
        add_step(scenario, random, Act::Rename(from, to));
    }
}

/// In some of the lives with other devices those change the spelling of names, and the user does at times,
/// too. Drawn apart.
fn add_respelling(scenario: &mut Scenario, random: &mut Rng) {
    if !scenario.has_other_devices() || random.u8(0..3) > 0 {
        return;
    }
    for _ in 0..random.usize(1..5) {
        let pair = RESPELLED[random.usize(0..RESPELLED.len())];
        let (from, to) = if random.bool() { pair } else { (pair.1, pair.0) };
        let act = match random.u8(0..4) {
            0 => Act::Rename(from, to),
            _ => Act::RemoteRespell(from, to),
        };
        add_step(scenario, random, act);
    }
}

/// In some lives a disk is mounted below the root, and comes and goes. Drawn apart, so that the other lives
/// stay what they were.
fn add_disks(scenario: &mut Scenario, random: &mut Rng) {
    if random.u8(0..6) > 0 {
        return;
    }
    let path = ["d", "d/e", "f"][random.usize(0..3)];
    if random.bool() {
        scenario.before.insert(0, Act::MountBelow(path));
    }
    for _ in 0..random.usize(1..5) {
        let act = if random.bool() { Act::MountBelow(path) } else { Act::UnmountBelow(path) };
        add_step(scenario, random, act);
    }
}

/// In some lives the disk that the root is on goes, and comes back after a while, maybe with another process.
/// Drawn apart.
fn add_root_disk(scenario: &mut Scenario, random: &mut Rng) {
    if random.u8(0..6) > 0 {
        return;
    }
    for _ in 0..random.usize(1..3) {
        let place = random.usize(0..=scenario.steps.len());
        let comes_back = random.usize(place..=scenario.steps.len());
        scenario.steps.insert(comes_back, Step { after: After::Rest, act: Act::Mount });
        if random.bool() {
            scenario.steps.insert(place, Step { after: After::Moves(random.u16(0..20)), act: Act::Kill });
        }
        scenario.steps.insert(place, Step { after: After::Rest, act: Act::Unmount });
    }
}

/// In some lives a person stops the folder while files travel, and mostly lets it go on soon. Drawn apart.
fn add_pauses(scenario: &mut Scenario, random: &mut Rng) {
    if random.u8(0..4) > 0 {
        return;
    }
    for _ in 0..random.usize(1..5) {
        let place = random.usize(0..=scenario.steps.len());
        let pause = Step { after: After::Moves(random.u16(0..20)), act: Act::PauseTransfer };
        scenario.steps.insert(place, pause);
        let then = match random.u8(0..8) {
            0 => Some(Act::Kill),
            1 => None,
            _ => Some(Act::Resume),
        };
        let after = if random.bool() { After::Rest } else { After::Moves(random.u16(0..20)) };
        if let Some(act) = then {
            scenario.steps.insert(place + 1, Step { after, act });
        }
    }
}

/// In some lives the user works on just what jottad works on.
fn add_meddling(scenario: &mut Scenario, random: &mut Rng) {
    if random.u8(0..4) > 0 {
        return;
    }
    for number in 0..random.u32(1..5) {
        let place = random.usize(0..=scenario.steps.len());
        let work = if random.bool() { Work::Transfer } else { Work::Delete };
        let act = Act::WriteIntoWork(work, MEDDLED + number);
        scenario.steps.insert(place, Step { after: After::Moves(random.u16(0..6)), act });
        if work == Work::Delete {
            let path = ["d", "d/e", "f"][random.usize(0..3)];
            let act = if random.bool() { Act::RemoteRemove(path) } else { Act::Remove(path) };
            scenario.steps.insert(place, Step { after: After::Moves(0), act: Act::SyncNow });
            scenario.steps.insert(place, Step { after: After::Rest, act });
        }
    }
}

/// In some of the lives with rules those are links. Drawn apart. Names that are one to the service are
/// another matter, and where another device removes what a link leads to, a person has to mend the link at
/// any time.
fn add_rule_links(scenario: &mut Scenario, random: &mut Rng) {
    if random.u8(0..4) > 0 || scenario.has_other_devices() || has_namesakes(scenario) {
        return;
    }
    for _ in 0..random.usize(1..5) {
        let path = RULE_FILES[random.usize(0..RULE_FILES.len())];
        let act = match random.u8(0..4) {
            0 => Act::WriteRules(path, random.u8(0..rule_files::COUNT)),
            1 => Act::Remove(path),
            _ => Act::LinkRules(path, LINK_TARGETS[random.usize(0..LINK_TARGETS.len())]),
        };
        add_step(scenario, random, act);
    }
}

/// Whether somebody uses a name that the service folds, encodes or refuses.
pub(crate) fn has_namesakes(scenario: &Scenario) -> bool {
    let acts = format!("{:?} {:?}", scenario.before, scenario.steps);
    ODD.iter().chain(RESPELLED.iter().map(|(_, other)| other)).any(|name| acts.contains(&format!("{name:?}")))
}

/// What makes a proof doubtful: another device at work right after jottad was, a root that is elsewhere for a
/// while, a clock that is set, no stamps.
fn add_doubts(scenario: &mut Scenario, random: &mut Rng) {
    const DAY: i32 = 86_400;
    scenario.knobs.proves_by_cost = random.bool();
    scenario.knobs.empty_stamps = random.u8(0..4) == 0;
    let step = |after, act| Step { after, act };
    let saved = |act: &Act| match act {
        Act::Write(path, _) | Act::Replace(path, _) => Some(*path),
        _ => None,
    };
    let steps = scenario.steps.iter().map(|step| &step.act);
    let written: Vec<&'static str> = scenario.before.iter().chain(steps).filter_map(saved).collect();
    for number in 0..random.u32(0..4) {
        let path = PLAIN[random.usize(0..PLAIN.len())];
        // What others do to a file that is synced shows in every mode.
        let other = written.get(random.usize(0..written.len() + 2)).copied().unwrap_or(path);
        let foreign = match random.u8(0..3) {
            0 => Act::RemoteRemove(other),
            _ => Act::RemoteWrite(other, OVERTAKEN + 2 * number),
        };
        let pause = After::Seconds(random.u32(1..1_000));
        let soon = if random.bool() { After::Rest } else { After::Moves(random.u16(0..40)) };
        let steps = [
            step(After::Rest, Act::Write(path, OVERTAKEN + 2 * number + 1)),
            step(soon, foreign),
            step(pause, Act::Write(path, OVERTAKEN + 2 * number + 1)),
        ];
        let place = random.usize(0..=scenario.steps.len());
        scenario.steps.splice(place..place, steps);
    }
    if random.u8(0..3) == 0 {
        let place = random.usize(0..=scenario.steps.len());
        let away = After::Seconds(random.u32(1..4_000));
        let steps = [step(After::Rest, Act::MoveRoot(true)), step(away, Act::MoveRoot(false))];
        scenario.steps.splice(place..place, steps);
    }
    for _ in 0..random.u8(0..3) {
        let jump = [-30 * DAY, -DAY, -3_600, -60, 60, 3_600, 30 * DAY, 365 * DAY][random.usize(0..8)];
        if random.u8(0..4) == 0 {
            add_step(scenario, random, Act::Pause);
        }
        add_step(scenario, random, Act::SetClock(jump));
    }
}

/// In some lives the service tells of changes, with interruptions.
fn add_events(scenario: &mut Scenario, random: &mut Rng) {
    if random.u8(0..4) > 0 {
        return;
    }
    for _ in 0..random.usize(1..4) {
        let act = Act::Listen(random.u8(0..4) > 0);
        add_step(scenario, random, act);
    }
}

fn add_step(scenario: &mut Scenario, random: &mut Rng, act: Act) {
    let after = if random.bool() { After::Rest } else { After::Moves(random.u16(0..20)) };
    let place = random.usize(0..=scenario.steps.len());
    scenario.steps.insert(place, Step { after, act });
}

fn knobs(random: &mut Rng) -> Knobs {
    let mut some =
        |permille: &[u16]| if random.bool() { 0 } else { permille[random.usize(0..permille.len())] };
    let disk_fault_permille = if some(&[0, 1]) == 0 { 0 } else { some(&[3, 20, 100]) };
    let remote_fault_permille = some(&[5, 30, 150, 300]);
    let listing_break_permille = some(&[100, 500]);
    let lag_milliseconds = if some(&[0, 1]) == 0 { 0 } else { some(&[100, 2000, 5000]) };
    let granularity_milliseconds = some(&[4, 1000, 2000]);
    Knobs {
        granularity_milliseconds,
        has_birth_times: random.u8(0..4) > 0,
        hints: [Hints::All, Hints::All, Hints::Some, Hints::Overflow][random.usize(0..4)],
        disk_fault_permille,
        remote_fault_permille,
        listing_break_permille,
        listing_batch: random.u8(1..8),
        announces_folders: random.bool(),
        lag_milliseconds,
        // Drawn apart.
        is_prompt: false,
        hang_permille: 0,
        late_folders: false,
        looks_name_as_asked: false,
        stamps_everything: random.bool(),
        folding: if random.u8(0..4) > 0 { Folding::Unicode } else { Folding::Ascii },
        // Drawn apart.
        trash_keeps_spelling: false,
        rows_in_a_step: 0,
        rows_in_a_page: 0,
        remote_root_exists: random.bool(),
        // Left to the folder in some lives, which is drawn apart.
        transfers: random.u8(1..6),
        max_deletes: if random.u8(0..4) > 0 { 1000 } else { random.u16(0..4) },
        poll_minutes: [1, 10, 60][random.usize(0..3)],
        backstop_minutes: [5, 60, 360][random.usize(0..3)],
        // Drawn apart.
        proves_by_cost: false,
        empty_stamps: false,
        asks_at_end: random.bool(),
        brings_back: false,
        empties_root: None,
        haste: random.u8(1..10),
        // Drawn apart.
        refusals: Vec::new(),
        waits_on_refusals: false,
    }
}

/// Makes acts up.
#[allow(clippy::struct_excessive_bools)]
struct Maker {
    random: Rng,
    paths: Vec<&'static str>,
    next_text: u32,
    other_devices: bool,
    crashes: bool,
    outages: bool,
    requests: bool,
    permissions: bool,
    clock: bool,
    rules: bool,
}

impl Maker {
    fn new(mut random: Rng) -> Self {
        let mut paths: Vec<&'static str> = PLAIN.to_vec();
        if random.u8(0..3) == 0 {
            paths.extend(ODD);
        }
        random.shuffle(&mut paths);
        paths.truncate(random.usize(3..=paths.len()));
        let mut on = || random.bool();
        let (other_devices, crashes, outages, requests, permissions) = (on(), on(), on(), on(), on());
        let clock = on() && on();
        let rules = on() && on();
        Self {
            random,
            paths,
            next_text: 1,
            other_devices,
            crashes,
            outages,
            requests,
            permissions,
            clock,
            rules,
        }
    }

    fn path(&mut self) -> &'static str {
        self.paths[self.random.usize(0..self.paths.len())]
    }

    /// A content nobody had before, mostly.
    fn text(&mut self) -> u32 {
        match self.random.u8(0..12) {
            0 => 0,
            1 => self.random.u32(0..self.next_text),
            _ => {
                self.next_text += 1;
                self.next_text - 1
            }
        }
    }

    fn after(&mut self) -> After {
        match self.random.u8(0..10) {
            0..4 => After::Moves(self.random.u16(0..4)),
            4..7 => After::Moves(self.random.u16(0..60)),
            7..9 => After::Rest,
            _ => After::Seconds(self.random.u32(1..4000)),
        }
    }

    fn act(&mut self) -> Act {
        loop {
            let on = match self.random.u8(0..20) {
                0..12 => return self.local(),
                12..15 => self.other_devices.then(|| self.remote()),
                15 | 16 => self.crashes.then(|| self.crash()),
                17 => self.outages.then(|| self.outage()),
                18 => self.requests.then(|| self.request()),
                _ if self.permissions && self.random.bool() => Some(self.permission()),
                _ => self.clock.then(|| Act::SetClock(self.random.i32(-7200..7200))),
            };
            if let Some(act) = on {
                return act;
            }
        }
    }

    fn local(&mut self) -> Act {
        if self.rules && self.random.u8(0..6) == 0 {
            return self.rule_act();
        }
        let path = self.path();
        match self.random.u8(0..30) {
            0..9 => Act::Write(path, self.text()),
            9 => Act::WriteWithOldTime(path, self.text()),
            10..12 => Act::Replace(path, self.text()),
            12 => Act::Touch(path, self.random.i32(-1_000_000..1_000_000)),
            13..17 => Act::Remove(path),
            17..19 => Act::MakeDirectory(path),
            19..26 => Act::Rename(path, self.path()),
            26 | 27 => Act::Swap(path, self.path()),
            28 => Act::Link(path, self.path()),
            _ => Act::Symlink(path),
        }
    }

    fn remote(&mut self) -> Act {
        let path = self.path();
        match self.random.u8(0..12) {
            0..4 => Act::RemoteWrite(path, self.text()),
            4..6 => Act::RemoteRemove(path),
            6 => Act::RemoteMakeFolder(path),
            7..9 => Act::RemoteRename(path, self.path()),
            9 => Act::RemoteTouch(path, self.random.i32(-1_000_000..1_000_000)),
            10 => Act::RemoteRespell(path, self.path()),
            _ => Act::RemoteHint,
        }
    }

    /// Somebody writes, removes or moves a `.jottaignore`.
    fn rule_act(&mut self) -> Act {
        let path = RULE_FILES[self.random.usize(0..RULE_FILES.len())];
        let number = self.random.u8(0..rule_files::COUNT);
        match self.random.u8(0..10) {
            0..6 => Act::WriteRules(path, number),
            6..8 => Act::Remove(path),
            8 if self.other_devices => Act::RemoteWriteRules(path, number),
            9 if self.other_devices => Act::RemoteRemove(path),
            _ => Act::Rename(path, RULE_FILES[self.random.usize(0..RULE_FILES.len())]),
        }
    }

    fn crash(&mut self) -> Act {
        if self.random.u8(0..6) == 0 { Act::LoseIndex } else { Act::Kill }
    }

    fn outage(&mut self) -> Act {
        match self.random.u8(0..8) {
            0 => Act::AccountFull(true),
            1 => Act::AccountFull(false),
            2 => Act::Offline(true),
            3 => Act::Offline(false),
            4 => Act::LogOut,
            5 => Act::LogIn,
            6 => Act::Full(true),
            _ => Act::Full(false),
        }
    }

    fn request(&mut self) -> Act {
        match self.random.u8(0..6) {
            0 => Act::SyncNow,
            1 => Act::Pause,
            2 => Act::Resume,
            3 => Act::Approve,
            4 => Act::Reject,
            _ => Act::RemoteHint,
        }
    }

    fn permission(&mut self) -> Act {
        let path = self.path();
        match self.random.u8(0..8) {
            0..3 => Act::Lock(path),
            3..6 => Act::Unlock(path),
            6 => Act::Unmount,
            _ => Act::Mount,
        }
    }
}
