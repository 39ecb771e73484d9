//! The program is killed wherever it happens to be; the next run puts everything right and loses nothing.

use std::time::Duration;

use jottad_emulator::{Effect, Fault, Matching};

use crate::stage::{Daemon, World, wait_until};

#[test]
fn killed_in_the_middle_of_uploads() {
    let world = World::new();
    world.fill("tree", 4, 15);
    world.write("big", vec![3; 3 << 20]);
    world.service.add_fault(Fault::always(Matching::endpoint("upload"), Effect::Hang).after(20));
    let daemon = world.start();
    // As many more as are sent at one time at first.
    world.service.wait_for("upload", 24);
    daemon.kill();
    world.service.clear_faults();
    wait_until("the 20 uploads have arrived", || world.remote_paths().len() >= 20);
    world.service.reset_counters();
    world.settle();
    // What had arrived before is not sent again.
    assert!(world.service.asked("upload") <= 61 - 20, "{:?}", world.service.counters());
}

#[test]
fn killed_while_a_move_hangs_before_it_is_done() {
    for (command, name) in [("mv", "file"), ("mvDir", "directory")] {
        let world = World::new();
        world.write("file", "content");
        world.fill("directory", 2, 5);
        world.settle();
        world.service.spoil(command, Effect::Hang);
        let daemon = world.start();
        world.sync(0);
        world.service.reset_counters();
        world.rename(name, "moved");
        world.service.wait_for(command, 1);
        daemon.kill();
        world.service.clear_faults();
        world.settle();
        assert_eq!(world.service.asked("upload"), 0, "{command}");
    }
}

#[test]
fn killed_when_a_move_is_done_but_the_answer_is_not_there() {
    for (command, name) in [("mv", "file"), ("mvDir", "directory")] {
        let world = World::new();
        world.write("file", "content");
        world.fill("directory", 2, 5);
        world.settle();
        world.service.spoil(command, Effect::Drip { bytes: 1, pause: 60_000 });
        let daemon = world.start();
        world.sync(0);
        world.service.reset_counters();
        world.rename(name, "moved");
        wait_until("the move is done there", || world.service.has("Jotta/Archive/docs/moved"));
        daemon.kill();
        world.service.clear_faults();
        world.settle();
        assert_eq!(world.service.asked("upload"), 0, "{command}");
    }
}

#[test]
fn killed_at_random_moments_while_the_folder_changes() {
    let world = World::new();
    let mut dice = fastrand::Rng::with_seed(7);
    world.fill("base", 6, 10);
    world.service.set_latency(Duration::from_millis(3));
    for round in 0..8 {
        let daemon = world.start();
        // Every other time it has not yet put right what the kill before has left.
        if round % 2 == 0 {
            world.sync(0);
            world.assert_nothing_is_missing();
        }
        let asked = world.service.counters().requests;
        let moment = dice.u64(1..40);
        for step in 0..12 {
            change_something(&world, &mut dice, round * 100 + step);
        }
        // A moment is told by what the service has been asked, not by a clock.
        wait_until("some requests or rest", || {
            world.service.counters().requests - asked >= moment
                || world.machine.status()["verdict"] == "in_sync"
        });
        daemon.kill();
    }
    world.pass(0);
    // Of a directory whose move was done but not noted, entries that were deleted here meanwhile look like
    // another device's, which is left alone. So there may be more there, and never less.
    world.assert_nothing_is_missing();
    world.service.reset_counters();
    world.pass(0);
    assert_eq!(world.service.changes(), [""; 0]);
}

fn change_something(world: &World, dice: &mut fastrand::Rng, number: u32) {
    let directory = format!("base/d{:02}", dice.u8(..6));
    let file = format!("{directory}/f{:02}", dice.u8(..10));
    let there = |path: &str| world.path(path).exists();
    match dice.u8(..6) {
        0 | 1 => world.write(file, format!("edit {number}")),
        2 => world.write(format!("{directory}/new {number}"), vec![dice.u8(..); dice.usize(..200_000)]),
        3 if there(&file) => world.remove(&file),
        4 if there(&file) => world.rename(&file, &format!("base/moved {number}")),
        5 if there(&directory) => world.rename(&directory, &format!("directory {number}")),
        _ => {}
    }
}

#[test]
fn a_big_upload_goes_on_where_it_was_cut() {
    const BIG: usize = 24 << 20;
    let world = World::new();
    let content: Vec<u8> = (0..=u8::MAX).cycle().take(BIG).collect();
    world.write("big.iso", content);
    world
        .service
        .add_fault(Fault::once(Matching::endpoint("upload"), Effect::CutRequest { after: 16 << 20 }));
    world.settle();
    let sent = world.service.counters().bytes_in;
    assert!(sent < (BIG + (2 << 20)) as u64, "{sent} bytes were sent for {BIG}");
}

#[test]
fn a_big_upload_goes_on_after_a_restart() {
    const BIG: usize = 24 << 20;
    // A reboot is, for the service, no more than a kill.
    for end in [Daemon::stop, Daemon::kill] {
        let world = World::configured("\n[transfer]\nupload_limit = \"8 MiB\"\n");
        world.write("big.iso", vec![9; BIG]);
        let daemon = world.start();
        wait_until("half of it is sent", || world.service.counters().bytes_in > (BIG / 2) as u64);
        end(daemon);
        world.service.reset_counters();
        world.configure("");
        world.settle();
        let sent = world.service.counters().bytes_in;
        assert!(sent < (BIG / 2 + (1 << 20)) as u64, "{sent} bytes were sent after the restart");
    }
}
