//! One bad entry stays one bad entry: each operation refused in each way, for as long as one looks. The rest
//! goes on, the reason is told, nothing is asked for again and again, and once the service takes it all is
//! well.

use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use jottad_emulator::{Act, Effect, ErrorBody, Fault, Matching};
use serde_json::Value;

use crate::stage::{World, wait_until};

const IN_SYNC: i32 = 0;
const PROBLEMS: i32 = 6;

/// So many are tried at one time: each mostly waits.
const AT_ONCE: usize = 12;
/// How long it is looked whether requests are repeated.
const WATCHED: Duration = Duration::from_secs(3);
/// Five attempts of the transport, twice: at once and after the first pause, which is 5 s.
const MOST_REQUESTS: u64 = 12;

/// An operation that the service refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    Allocate,
    SendContent,
    MakeDirectory,
    Trash,
    Move,
    Fetch,
}

const OPERATIONS: [Operation; 6] = [
    Operation::Allocate,
    Operation::SendContent,
    Operation::MakeDirectory,
    Operation::Trash,
    Operation::Move,
    Operation::Fetch,
];

impl Operation {
    fn endpoint(self) -> &'static str {
        match self {
            Self::Allocate => "allocate",
            Self::SendContent => "upload",
            Self::MakeDirectory => "mkDir",
            Self::Trash => "dl",
            Self::Move => "mv",
            Self::Fetch => "content",
        }
    }

    /// Lets it become necessary.
    fn ask_for(self, world: &World) {
        match self {
            Self::Allocate | Self::SendContent => world.write("bad.txt", "a file that is refused"),
            Self::MakeDirectory => world.mkdir("bad"),
            Self::Trash => world.remove("kept.txt"),
            Self::Move => world.rename("kept.txt", "moved.txt"),
            Self::Fetch => {
                world.service.does(Act::put("Jotta/Archive/docs/bad.txt", b"from another device"));
                world.machine.jottad(["sync"]).expect(0);
            }
        }
    }

    /// Something else that must go on meanwhile.
    fn do_something_else(self, world: &World) {
        match self {
            Self::Allocate | Self::SendContent => world.remove("other.txt"),
            Self::MakeDirectory | Self::Trash | Self::Move | Self::Fetch => {
                world.write("new.txt", "another file");
            }
        }
    }

    fn has_done_something_else(self, world: &World) -> bool {
        match self {
            Self::Allocate | Self::SendContent => !world.service.has("Jotta/Archive/docs/other.txt"),
            Self::MakeDirectory | Self::Trash | Self::Move | Self::Fetch => {
                world.service.has("Jotta/Archive/docs/new.txt")
            }
        }
    }
}

/// The ways in which the service refuses.
fn answers() -> Vec<(String, Effect)> {
    let statuses = [400, 403, 404, 409, 413, 420, 422, 423, 429, 460, 500, 503, 507];
    let mut answers: Vec<(String, Effect)> =
        statuses.map(|status| (status.to_string(), Effect::status(status))).into();
    let html = Effect::Status { status: 502, body: ErrorBody::Html, retry_after: None };
    answers.extend([
        ("502 html".to_owned(), html),
        ("reset".to_owned(), Effect::ResetBefore),
        ("done and 500".to_owned(), Effect::StatusAfter { status: 500, body: ErrorBody::Native }),
    ]);
    answers
}

#[test]
fn an_operation_that_is_refused_in_any_way_stops_nothing_else() {
    let mut cases: Vec<(Operation, String, Effect)> = Vec::new();
    for operation in OPERATIONS {
        cases.extend(answers().into_iter().map(|(name, effect)| (operation, name, effect)));
    }
    if let Ok(only) = std::env::var("JOTTAD_REFUSAL") {
        cases.retain(|(operation, name, _)| format!("{operation:?} {name}").starts_with(&only));
    }
    let (waiting, failed) = (Mutex::new(cases), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some((operation, name, effect)) = { waiting.lock().unwrap().pop() } {
                    let name = format!("{operation:?} {name}");
                    let case = thread::Builder::new().name(name.clone());
                    let case = case.spawn_scoped(scope, move || refuse(operation, &effect)).unwrap();
                    if case.join().is_err() {
                        failed.lock().unwrap().push(name);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "not as it should be (JOTTAD_REFUSAL=… runs one): {failed:?}");
}

fn refuse(operation: Operation, effect: &Effect) {
    let world = World::configured(if operation == Operation::Fetch { "mode = \"sync\"" } else { "" });
    world.write("kept.txt", "kept");
    world.write("other.txt", "other");
    world.settle();
    let daemon = world.start();
    world.sync(IN_SYNC);
    world.service.spoil(operation.endpoint(), effect.clone());
    world.service.reset_counters();
    operation.ask_for(&world);
    world.service.wait_for(operation.endpoint(), 1);
    operation.do_something_else(&world);
    wait_until("the rest goes on", || operation.has_done_something_else(&world));
    let asked = |world: &World| world.service.asked(operation.endpoint());
    let (before, started) = (asked(&world), Instant::now());
    thread::sleep(WATCHED);
    let repeated = asked(&world) - before;
    assert!(repeated <= MOST_REQUESTS, "{repeated} requests in {:?}", started.elapsed());
    // A move may always be left out: the file is sent anew then. What is done whatever the answer says is
    // seen to be done, and a service that asks for a pause gets it.
    let is_done_anyway = matches!(effect, Effect::StatusAfter { .. });
    let asks_for_pause = matches!(effect, Effect::Status { status: 429, .. });
    if operation != Operation::Move && !is_done_anyway && !asks_for_pause {
        wait_until("the reason is told", || has_problem_with_a_reason(&world));
        let status = world.machine.status();
        assert!(matches!(status["verdict"].as_str(), Some("problems" | "working")), "{status}");
    }
    world.service.clear_faults();
    wait_until("it is done once the service takes it", || {
        world.machine.jottad(["sync", "--wait", "--timeout", "20s"]).code == Some(0)
    });
    world.assert_same();
    daemon.stop();
}

fn has_problem_with_a_reason(world: &World) -> bool {
    let problems = world.machine.jottad(["problems", "--json"]).json();
    let problems = problems["problems"].as_array().cloned().unwrap_or_default();
    let says = |problem: &Value, field: &str| problem[field].as_str().is_some_and(|text| !text.is_empty());
    problems.iter().any(|problem| says(problem, "reason") && says(problem, "remedy"))
}

#[test]
fn one_pass_ends_with_the_problem_of_the_one_that_is_refused() {
    for (operation, status) in
        [(Operation::Allocate, 400), (Operation::SendContent, 413), (Operation::MakeDirectory, 400)]
    {
        let world = World::new();
        world.write("kept.txt", "kept");
        world.settle();
        world.service.spoil(operation.endpoint(), Effect::status(status));
        world.service.reset_counters();
        operation.ask_for(&world);
        let outcome = world.pass(PROBLEMS);
        assert!(world.service.asked(operation.endpoint()) <= 2, "{operation:?} {status}: {outcome}");
    }
}

#[test]
fn one_file_that_is_forbidden_keeps_no_other_from_being_worked_on() {
    let world = World::new();
    for number in 0..20 {
        world.write(format!("good{number}.txt"), format!("good {number}"));
    }
    world.write("bad.txt", "of which a takedown forbids everything");
    world.write("stays.txt", "so that not everything goes at once");
    world.mkdir("stays");
    world.settle();
    let daemon = world.start();
    world.sync(IN_SYNC);
    let forbidden = Matching::endpoint("dl").with_path("bad.txt");
    world.service.add_fault(Fault::always(forbidden, Effect::status(403)));
    world.remove("bad.txt");
    wait_until("the one has a problem", || has_problem_with_a_reason(&world));
    for number in 0..9 {
        world.remove(&format!("good{number}.txt"));
    }
    world.write("new.txt", "sent all the same");
    wait_until("the others go", || {
        (0..9).all(|number| !world.service.has(&format!("Jotta/Archive/docs/good{number}.txt")))
            && world.service.has("Jotta/Archive/docs/new.txt")
    });
    let problems = world.machine.jottad(["problems", "--json"]).json();
    assert_eq!(problems["problems"].as_array().unwrap().len(), 1, "{problems}");
    assert_eq!(problems["problems"][0]["path"], "bad.txt", "{problems}");
    assert_eq!(problems["problems"][0]["kind"], "not_allowed", "{problems}");
    daemon.stop();
}

#[test]
fn an_account_that_says_with_403_that_it_is_full_is_full() {
    let mut config = jottad_emulator::EmulatorConfig::default();
    config.switches.apply("U29=403").unwrap();
    config.account.capacity = Some(10);
    let world = World::of(crate::stage::Machine::new(), crate::stage::Service::with(config), "");
    world.write("small.txt", "one");
    world.settle();
    let daemon = world.start();
    world.sync(IN_SYNC);
    world.write("big.txt", "more than what is left");
    wait_until("the reason is told", || has_problem_with_a_reason(&world));
    let problems = world.machine.jottad(["problems", "--json"]).json();
    assert_eq!(problems["problems"][0]["kind"], "quota_exceeded", "{problems}");
    // What needs no room goes on.
    world.remove("small.txt");
    wait_until("the delete goes through", || !world.service.has("Jotta/Archive/docs/small.txt"));
    daemon.stop();
}

#[test]
fn a_name_that_the_local_disk_does_not_take_is_a_problem_of_its_own() {
    let world = World::configured("mode = \"sync\"");
    let long = "\u{f8}".repeat(200);
    world.service.does(Act::put(&format!("Jotta/Archive/docs/{long}.txt"), b"long"));
    world.service.does(Act::put("Jotta/Archive/docs/ok.txt", b"fine"));
    world.write("mine.txt", "sent all the same");
    world.pass(PROBLEMS);
    assert!(world.service.has("Jotta/Archive/docs/mine.txt"));
    assert_eq!(std::fs::read_to_string(world.path("ok.txt")).unwrap(), "fine");
    let daemon = world.start();
    // Known from before, so it is told from the first question on.
    let problems = world.machine.jottad(["problems", "--json"]).json();
    let problem = &problems["problems"][0];
    assert_eq!(problem["kind"], "impossible_name", "{problems}");
    assert!(problem["remedy"].as_str().unwrap().contains("on the service"), "{problems}");
    daemon.stop();
}

/// Once, such a listing took a gibibyte, and each start after it began with the same.
#[test]
fn paths_that_hardly_end_stop_neither_the_others_nor_the_next_start() {
    const PATHS: usize = 10;
    let world = World::configured("mode = \"sync\"");
    for number in 0..PATHS {
        let names: Vec<String> = (0..1000).map(|level| format!("{number}-{level}-down")).collect();
        world.service.does(Act::put(&format!("Jotta/Archive/docs/{}/f", names.join("/")), b"deep"));
    }
    world.service.does(Act::put("Jotta/Archive/docs/ok.txt", b"fine"));
    world.write("mine.txt", "sent all the same");
    for _ in 0..2 {
        let daemon = world.start();
        wait_until("each path is told, once", || {
            let problems = world.machine.jottad(["problems", "--json"]).json();
            let problems = problems["problems"].as_array().unwrap();
            let is_told = |problem: &Value| {
                let reason = problem["reason"].as_str().unwrap();
                problem["kind"] == "impossible_name" && reason.contains("too deep")
            };
            problems.len() == PATHS && problems.iter().all(is_told)
        });
        wait_until("others' files arrive", || world.path("ok.txt").exists());
        wait_until("own files are sent", || world.service.has("Jotta/Archive/docs/mine.txt"));
        #[cfg(target_os = "linux")]
        {
            let pid = daemon.pid().as_raw_nonzero();
            let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
            let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
            let most: u64 = most.trim().trim_end_matches(" kB").parse().unwrap();
            assert!(most < 200 << 10, "{most} KiB");
        }
        daemon.stop();
    }
}

/// How long a pass may take that does not get on: two tries and the pause between them.
const SOON: Duration = Duration::from_secs(30);

#[test]
fn a_pass_ends_although_the_service_refuses_what_everything_else_waits_for() {
    let refusals = [
        ("liststream", "", 400),
        ("liststream", "", 403),
        ("liststream", "", 422),
        ("device", "", 403),
        ("metadata", "docs/new", 403),
    ];
    thread::scope(|scope| {
        for (endpoint, path, status) in refusals {
            let name = format!("{endpoint} {path} {status}");
            let case = move || {
                let world = World::new();
                world.write("kept.txt", "kept");
                world.settle();
                let matching = Matching::endpoint(endpoint).with_path(path);
                world.service.add_fault(Fault::always(matching, Effect::status(status)));
                for number in 0..4 {
                    world.write(format!("new/{number}.txt"), format!("new {number}"));
                }
                let began = Instant::now();
                world.pass(PROBLEMS);
                assert!(began.elapsed() < SOON, "one pass: {:?}", began.elapsed());
                let daemon = world.start();
                // What a look at one directory does not show the next listing does.
                let commands: &[&[&str]] =
                    if path.is_empty() { &[&["sync", "--wait"], &["verify"]] } else { &[] };
                for command in commands {
                    let began = Instant::now();
                    world.machine.jottad(*command).expect(PROBLEMS);
                    assert!(began.elapsed() < SOON, "{command:?}: {:?}", began.elapsed());
                }
                world.service.clear_faults();
                world.sync(IN_SYNC);
                world.assert_same();
                daemon.stop();
            };
            thread::Builder::new().name(name).spawn_scoped(scope, case).unwrap();
        }
    });
}
