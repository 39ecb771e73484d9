//! Files that changed on both sides: both versions are kept, and listed until one of the two is gone.

use std::fs;

use jottad_emulator::Act;
use serde_json::Value;

use crate::stage::World;

fn conflicts(world: &World) -> Vec<Value> {
    let document = world.machine.jottad(["conflicts", "--json", "docs"]).expect(0).json();
    assert_eq!(document["schema"], 1);
    document["conflicts"].as_array().unwrap().clone()
}

/// What conflict copies there are of `a.txt`, by content, sorted.
fn copies(world: &World) -> Vec<String> {
    let names = fs::read_dir(world.path("d")).unwrap().map(|entry| entry.unwrap().path());
    let copies = names.filter(|path| path.to_string_lossy().contains("(conflict "));
    let mut contents: Vec<String> = copies.map(|path| fs::read_to_string(path).unwrap()).collect();
    contents.sort();
    contents
}

fn change_on_both_sides(world: &World, here: &str, there: &str) {
    world.service.does(Act::put("Jotta/Archive/docs/d/a.txt", there.as_bytes()));
    world.write("d/a.txt", here);
}

#[test]
fn a_conflict_is_listed_until_one_of_the_pair_is_gone() {
    let world = World::configured("mode = \"sync\"");
    world.write("d/a.txt", "agreed");
    world.settle();
    change_on_both_sides(&world, "from here", "from there");
    let daemon = world.start();
    world.synced();
    let found = conflicts(&world);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0]["folder"].as_str(), found[0]["path"].as_str()), (Some("docs"), Some("d/a.txt")));
    let copy = found[0]["copy"].as_str().unwrap().to_owned();
    assert_eq!(fs::read_to_string(world.path(&copy)).unwrap(), "from here");
    assert_eq!(fs::read_to_string(world.path("d/a.txt")).unwrap(), "from there");
    world.machine.jottad(["conflicts"]).expect(0).says("docs: d/a.txt").says(&copy);
    world.remove(&copy);
    world.synced();
    world.machine.jottad(["conflicts"]).expect(0).says("no conflicts");
    daemon.stop();
}

#[test]
fn equal_changes_make_no_copy_and_repeated_ones_none_twice() {
    let world = World::configured("mode = \"sync\"");
    world.write("d/a.txt", "agreed");
    world.settle();
    change_on_both_sides(&world, "the same", "the same");
    world.settle();
    assert_eq!(copies(&world), [""; 0]);
    change_on_both_sides(&world, "from here", "from there");
    world.settle();
    assert_eq!(copies(&world), ["from here"]);
    for _ in 0..3 {
        world.settle();
    }
    assert_eq!(copies(&world), ["from here"]);
}
