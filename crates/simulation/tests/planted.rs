//! Each fault that is planted into the engine shows within its number of lives.

use std::sync::atomic::{AtomicUsize, Ordering};

use jottad_simulation::PLANTS;

#[test]
fn every_planted_fault_is_found() {
    let next = AtomicUsize::new(0);
    let look = || {
        let mut missed = Vec::new();
        while let Some(plant) = PLANTS.get(next.fetch_add(1, Ordering::Relaxed)) {
            if plant.find().is_none() {
                missed.push(plant.name);
            }
        }
        missed
    };
    let missed = std::thread::scope(|scope| {
        let (one, other) = (scope.spawn(look), scope.spawn(look));
        [one.join().unwrap(), other.join().unwrap()].concat()
    });
    assert!(missed.is_empty(), "not found: {missed:?}");
}
