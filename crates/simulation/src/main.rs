//! Runs simulations on all cores and shows those that fail.

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Instant;

use clap::{Parser, Subcommand};
use jottad_core::Mode;
use jottad_simulation::{Extras, run, scenario, shrink, usual};

/// The real engine in a simulated world.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Subject,
}

#[derive(Debug, Subcommand)]
enum Subject {
    /// Run seeds.
    Simulate(Simulate),
    /// Plant faults into the engine and look whether they are found.
    #[cfg(feature = "planted")]
    Planted {
        /// Only this one.
        name: Option<String>,
        /// In other lives: from this one on.
        #[arg(long)]
        from: Option<u64>,
        /// In so many lives.
        #[arg(long)]
        seeds: Option<u64>,
    },
}

#[derive(Debug, clap::Args)]
// Each is a switch of the command line.
#[allow(clippy::struct_excessive_bools)]
struct Simulate {
    /// How many seeds.
    #[arg(long, default_value_t = 1000)]
    seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Only this mode: backup, sync, archive or pull.
    #[arg(long)]
    mode: Option<Mode>,
    /// The usual lives: each seed has its mode and its extras.
    #[arg(long, conflicts_with_all = ["mode", "rules", "disks", "meddling", "refusals", "doubts", "steps"])]
    usual: bool,
    /// Let people write `.jottaignore` files.
    #[arg(long)]
    rules: bool,
    /// Let disks below the root come and go.
    #[arg(long)]
    disks: bool,
    /// Let the user work on just what jottad works on.
    #[arg(long)]
    meddling: bool,
    /// Let the service refuse what is asked for at some names
    #[arg(long)]
    refusals: bool,
    /// Let others work right after jottad, move the root, set the clock, and leave stamps out.
    #[arg(long)]
    doubts: bool,
    /// Let the folder work on a few rows at a time, so that anything may happen in between.
    #[arg(long)]
    steps: bool,
    /// Let requests hang: their answers are up to a minute old when they come.
    #[arg(long)]
    hangs: bool,
    /// Let the service show everything at once, and jottad rely on that.
    #[arg(long)]
    prompt: bool,
    /// Let a few rows of the index be a page.
    #[arg(long)]
    pages: bool,
    /// With this fault planted into the engine.
    #[cfg(feature = "planted")]
    #[arg(long)]
    planted: Option<String>,
    /// Run one seed and print everything that happens.
    #[arg(long)]
    replay: Option<u64>,
    /// Print failing scenarios as they are, without shrinking them first.
    #[arg(long)]
    no_shrink: bool,
    /// Print everything that happens in the shrunk scenario.
    #[arg(long)]
    trace: bool,
    /// Stop after so many failures.
    #[arg(long, default_value_t = 1)]
    failures: usize,
    /// Print one number for all that happened: equal for two builds that do the same in the same runs.
    #[arg(long)]
    digest: bool,
}

fn main() -> ExitCode {
    match Arguments::parse().command {
        Subject::Simulate(arguments) => match arguments.replay {
            Some(seed) => replay(seed, &arguments),
            None => simulate(&arguments),
        },
        #[cfg(feature = "planted")]
        Subject::Planted { name, from, seeds } => planted(name.as_deref(), from, seeds),
    }
}

#[cfg(feature = "planted")]
#[allow(clippy::print_stdout)]
fn planted(name: Option<&str>, from: Option<u64>, seeds: Option<u64>) -> ExitCode {
    let wanted = jottad_simulation::PLANTS.iter().filter(|plant| name.is_none_or(|name| plant.name == name));
    let (mut looked, mut missed) = (0, 0);
    for plant in wanted {
        let plant = jottad_simulation::Plant {
            first: from.unwrap_or(plant.first),
            bound: seeds.unwrap_or(plant.bound),
            ..*plant
        };
        looked += 1;
        let Some(found) = plant.find() else {
            missed += 1;
            println!("{}: NOT FOUND in {} seeds of {}", plant.name, plant.bound, plant.mode);
            continue;
        };
        println!(
            "{}: found after {} of at most {} seeds of {}: {}",
            plant.name,
            found.seed + 1 - plant.first,
            plant.bound,
            plant.mode,
            found.violations.join("; ")
        );
    }
    if looked > 0 && missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Which life a seed is.
fn life_of(seed: u64, arguments: &Simulate) -> (Mode, Extras) {
    let (mode, extras) = usual(seed);
    if arguments.usual {
        return (
            mode,
            Extras { hangs: arguments.hangs, prompt: arguments.prompt, pages: arguments.pages, ..extras },
        );
    }
    let extras = Extras {
        rules: arguments.rules,
        disks: arguments.disks,
        meddling: arguments.meddling,
        refusals: arguments.refusals,
        doubts: arguments.doubts,
        steps: arguments.steps,
        hangs: arguments.hangs,
        prompt: arguments.prompt,
        pages: arguments.pages,
    };
    (arguments.mode.unwrap_or(mode), extras)
}

/// Plants the fault that was asked for into the engine of this thread.
#[cfg(feature = "planted")]
fn plant(arguments: &Simulate) {
    let wanted = |name: &String| jottad_simulation::PLANTS.into_iter().find(|plant| plant.name == *name);
    jottad_simulation::plant(arguments.planted.as_ref().and_then(wanted).map(|plant| plant.fault));
}

#[cfg(not(feature = "planted"))]
fn plant(_: &Simulate) {}

#[allow(clippy::print_stdout)]
fn replay(seed: u64, arguments: &Simulate) -> ExitCode {
    plant(arguments);
    let (mode, extras) = life_of(seed, arguments);
    let scenario = scenario(seed, mode, extras);
    println!("{scenario:#?}");
    let report = run(&scenario, seed, true);
    report.lines.iter().for_each(|line| println!("{line}"));
    report.violations.iter().for_each(|violation| println!("violation: {violation}"));
    if report.violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[allow(clippy::print_stdout)]
fn simulate(arguments: &Simulate) -> ExitCode {
    let next = AtomicU64::new(arguments.from);
    let failed = Mutex::new(Vec::new());
    let (busiest, busiest_of_one) = (AtomicU32::new(0), AtomicU32::new(0));
    let digest = AtomicU64::new(0);
    let started = Instant::now();
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                plant(arguments);
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    let failures = failed.lock().map_or(usize::MAX, |failed| failed.len());
                    if seed >= arguments.from + arguments.seeds || failures >= arguments.failures {
                        return;
                    }
                    let (mode, extras) = life_of(seed, arguments);
                    let scenario = scenario(seed, mode, extras);
                    let report = run(&scenario, seed, arguments.digest);
                    busiest.fetch_max(report.busiest.0, Ordering::Relaxed);
                    busiest_of_one.fetch_max(report.busiest.1, Ordering::Relaxed);
                    // In whatever order the runs end.
                    digest.fetch_xor(report.trace.wrapping_mul(seed.wrapping_mul(2) + 1), Ordering::Relaxed);
                    if let (false, Ok(mut failed)) = (report.violations.is_empty(), failed.lock()) {
                        failed.push((seed, scenario, report));
                    }
                }
            });
        }
    });
    let seconds = started.elapsed().as_secs_f64();
    let failed = failed.into_inner().unwrap_or_default();
    let done = next.load(Ordering::Relaxed).min(arguments.from + arguments.seeds) - arguments.from;
    for (seed, scenario, report) in &failed {
        println!("seed {seed} failed: {:?}", report.violations);
        let (mode, extras) = life_of(*seed, arguments);
        println!(
            "  replay: cargo run --release -p jottad-simulation -- simulate --mode {mode}{} --replay {seed}",
            extras.switches()
        );
        if !arguments.no_shrink {
            let shrunk = shrink(scenario, *seed, report.violations.clone());
            println!("shrunk, with the seed {}: {:?}\n{:?}", shrunk.seed, shrunk.violations, shrunk.scenario);
            if arguments.trace {
                run(&shrunk.scenario, shrunk.seed, true).lines.iter().for_each(|line| println!("{line}"));
            }
        }
    }
    #[allow(clippy::cast_precision_loss)]
    let rate = done as f64 / seconds;
    println!("{done} seeds in {seconds:.1} s on {cores} cores: {rate:.0} a second, {} failed", failed.len());
    println!(
        "at most {} requests in a minute in which nothing changed, {} of them for one thing",
        busiest.into_inner(),
        busiest_of_one.into_inner()
    );
    if arguments.digest {
        println!("digest {:016x}", digest.into_inner());
    }
    if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
