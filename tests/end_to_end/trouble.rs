//! A service that fails, lies, or cannot be reached: nothing is lost, nothing is claimed, and it ends well.

use jottad_emulator::{Act, Effect, Fault, Matching, RandomFaults};

use crate::stage::{Nobody, World, wait_until};

#[test]
fn three_faults_in_ten_requests_delay_but_do_not_harm() {
    let world = World::new();
    world.fill("tree", 3, 4);
    world.write("big", vec![5; 1 << 20]);
    world.mkdir("empty");
    world.service.set_random_faults(RandomFaults::percent(30.0));
    let daemon = world.start();
    in_sync_at_last(&world);
    world.rename("tree/d00", "renamed");
    world.remove("tree/d01");
    world.write("tree/d02/f00", "edited");
    in_sync_at_last(&world);
    assert!(world.service.counters().faults > 20);
    daemon.stop();
    world.service.clear_faults();
    world.assert_same();
    world.service.reset_counters();
    world.settle();
    assert_eq!(world.service.changes(), [""; 0]);
}

/// Each failure makes the daemon pause for some seconds, and each order to look makes it go on at once.
#[track_caller]
fn in_sync_at_last(world: &World) {
    let look = || world.machine.jottad(["sync", "--wait", "--timeout", "2s"]).code == Some(0);
    let is_in_sync = (0..100).any(|_| look());
    assert!(is_in_sync, "{}", world.machine.jottad(["status"]));
}

#[test]
fn a_listing_that_is_not_whole_deletes_and_sends_nothing() {
    let effects = [
        Effect::WithoutStats,
        Effect::WrongStats,
        Effect::TruncateResponse { after: 700 },
        Effect::CutResponse { after: 700 },
        Effect::Garbage,
        Effect::status(500),
    ];
    let world = World::new();
    world.fill("tree", 5, 10);
    world.settle();
    let before = world.service.tree();
    let daemon = world.start();
    world.sync(0);
    for effect in effects {
        world.service.reset_counters();
        world.service.spoil("liststream", effect.clone());
        world.machine.jottad(["sync"]).expect(0);
        world.service.wait_for("liststream", 1);
        let outcome = world.machine.jottad(["sync", "--wait", "--timeout", "1s"]);
        assert_ne!(outcome.code, Some(0), "{effect:?}: {outcome}");
        assert_eq!(world.service.changes(), [""; 0], "{effect:?}");
        assert_eq!(world.service.tree(), before, "{effect:?}");
        world.service.clear_faults();
        world.sync(0);
    }
    world.synced();
    assert_eq!(world.service.tree(), before);
    daemon.stop();
}

#[test]
fn a_spoilt_listing_at_the_very_first_look_is_no_empty_service() {
    let world = World::new();
    world.fill("tree", 5, 10);
    world.settle();
    std::fs::remove_dir_all(world.machine.state().join("index")).unwrap();
    world.service.reset_counters();
    world.service.spoil("liststream", Effect::TruncateResponse { after: 700 });
    let daemon = world.start();
    world.service.wait_for("liststream", 1);
    world.machine.jottad(["sync", "--wait", "--timeout", "1s"]);
    assert_eq!(world.service.changes(), [""; 0]);
    world.service.clear_faults();
    world.synced();
    assert_eq!(world.service.changes(), [""; 0]);
    daemon.stop();
}

#[test]
fn what_vanished_or_changed_on_the_service_is_put_right() {
    let world = World::new();
    world.fill("tree", 3, 5);
    world.settle();
    world.service.does(Act::delete("Jotta/Archive/docs/tree/d00/f00"));
    world.service.does(Act::remove("Jotta/Archive/docs/tree/d00/f01"));
    world.service.does(Act::put("Jotta/Archive/docs/tree/d00/f02", b"changed by another device"));
    world.service.does(Act::delete("Jotta/Archive/docs/tree/d01"));
    let daemon = world.start();
    world.synced();
    daemon.stop();
    // The other device's content is not lost: it is an older revision now.
    assert!(world.service.holds_content(&crate::stage::md5(b"changed by another device")));
}

#[test]
fn what_another_device_keeps_in_the_same_place_is_left_alone() {
    let world = World::new();
    world.write("mine", "mine");
    world.service.does(Act::put("Jotta/Archive/docs/theirs", b"theirs"));
    world.pass(0);
    world.write("mine", "mine, edited");
    world.pass(0);
    assert_eq!(world.remote_paths(), ["mine", "theirs"]);
}

#[test]
fn a_service_that_cannot_be_reached_is_offline_and_comes_back() {
    let world = World::new();
    world.write("a.txt", "a");
    let daemon = world.start();
    world.synced();
    world
        .service
        .add_fault(jottad_emulator::Fault::always(jottad_emulator::Matching::any(), Effect::ResetBefore));
    world.write("b.txt", "b");
    wait_until("it is offline", || world.machine.status()["verdict"] == "offline");
    world.machine.jottad(["status"]).expect(8).says("offline");
    world.service.clear_faults();
    world.synced();
    daemon.stop();
}

#[test]
fn nothing_listens_where_the_service_should_be() {
    let world = World::new();
    let config = std::fs::read_to_string(world.machine.config()).unwrap();
    let nobody = Nobody::new();
    let config = config.replace(&world.service.url(), &nobody.url());
    std::fs::write(world.machine.config(), config).unwrap();
    world.machine.jottad(["ls", "Jotta/Archive"]).expect(8).complains("error: ").complains("hint: ");
    world.machine.jottad(["account"]).expect(8);
}

#[test]
fn a_full_account_is_a_problem_of_the_big_file_alone() {
    let world = World::new();
    world.write("small", vec![1; 100]);
    world.pass(0);
    world.service.set_capacity(Some(1000));
    world.write("big", vec![1; 100_000]);
    world.mkdir("a directory needs no space");
    world.rename("small", "renamed");
    let daemon = world.start();
    let outcome = world.sync(6);
    assert!(outcome.stdout.contains("problems"), "{outcome}");
    assert_eq!(world.problems(), ["big: quota_exceeded"]);
    assert_eq!(world.remote_paths(), ["a directory needs no space", "renamed"]);
    world.service.set_capacity(None);
    daemon.stop();
    world.settle();
}

/// Freeing space was advised, which unlocks nothing, and each entry told of it.
#[test]
fn a_locked_account_is_one_problem_with_a_remedy_that_helps() {
    let world = World::new();
    for name in ["a", "b", "c"] {
        world.write(name, name);
    }
    world.pass(0);
    world.service.set_locks(false, true);
    world.write("new", "waits");
    world.remove("a");
    world.remove("b");
    let daemon = world.start();
    world.sync(6);
    let problems = || world.machine.jottad(["problems", "--json"]).expect(6).json()["problems"].clone();
    wait_until("all three wait", || problems()[0]["reason"].as_str().unwrap().contains("3 entries wait"));
    assert_eq!(problems().as_array().unwrap().len(), 1, "{}", problems());
    assert_eq!(problems()[0]["kind"], "account_locked");
    assert_eq!(world.machine.status()["problems"], 1);
    let told = world.machine.jottad(["problems"]).expect(6);
    assert!(told.stdout.contains("www.jottacloud.com") && !told.stdout.contains("free space"), "{told}");
    // Nor is it another problem that nothing can be read any more.
    world.service.set_locks(true, true);
    world.machine.jottad(["sync"]).expect(0);
    wait_until("nothing can be read", || problems()[0]["reason"].as_str().unwrap().contains("for reading"));
    assert_eq!(problems().as_array().unwrap().len(), 1, "{}", problems());
    assert_eq!(world.machine.status()["problems"], 1);
    world.service.set_locks(false, false);
    world.machine.jottad(["sync"]).expect(0);
    world.synced();
    daemon.stop();
}

#[test]
fn what_is_being_tried_again_is_said_to_be() {
    let world = World::new();
    world.write("a", "one");
    world.pass(0);
    world.service.set_locks(false, true);
    world.write("new", "waits");
    let daemon = world.start();
    world.sync(6);
    // Nothing comes of the new try as long as the service is silent.
    world.service.add_fault(Fault::always(Matching::any(), Effect::Hang));
    world.machine.jottad(["sync"]).expect(0);
    wait_until("the problem is tried again", || {
        let problems = world.machine.jottad(["problems", "--json"]).json();
        problems["problems"][0]["being_tried"] == true
    });
    world.machine.jottad(["problems"]).expect(6).says("being tried now");
    daemon.kill();
}
