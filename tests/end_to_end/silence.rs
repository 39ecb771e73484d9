//! A service that takes connections and never answers: it is said in time, with what is waited for, and ends
//! with an answer.

use std::fs;
use std::time::{Duration, Instant};

use crate::stage::{Relay, World, wait_until};

const STALLED: i32 = 9;
/// So soon it must be said.
const SOON: Duration = Duration::from_mins(1);

#[test]
fn a_service_that_is_silent_is_said_to_be_within_a_minute_and_nothing_but_an_answer_ends_that() {
    let world = World::configured("poll = \"5s\"");
    let relay = Relay::to(&world.service.url());
    let config = fs::read_to_string(world.machine.config()).unwrap();
    fs::write(world.machine.config(), config.replace(&world.service.url(), &relay.url())).unwrap();
    let daemon = world.start();
    world.synced();
    wait_until("events are listened to", || world.machine.status()["noticing"]["events"] == "listening");
    relay.set_silent(true);
    let began = Instant::now();
    world.write("waits.txt", "for the service");
    let mut verdicts = Vec::new();
    wait_until("it is said", || {
        let verdict = world.machine.status()["verdict"].as_str().unwrap().to_owned();
        if verdicts.last() != Some(&verdict) {
            verdicts.push(verdict);
        }
        // Somebody else's work on the disk says nothing of the service.
        world.write("meanwhile.txt", format!("{:?}", began.elapsed()));
        verdicts.last().is_some_and(|verdict| verdict == "stalled")
    });
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
    assert!(
        verdicts.iter().all(|verdict| ["in_sync", "working", "stalled"].contains(&verdict.as_str())),
        "{verdicts:?}"
    );
    world
        .machine
        .jottad(["status"])
        .expect(STALLED)
        .says("it waits for the service, to ")
        .says("nothing has moved for");
    relay.set_silent(false);
    world.synced();
    daemon.stop();
}
