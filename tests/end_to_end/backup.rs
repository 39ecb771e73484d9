//! Mode `backup`: what is in the folder comes to the service, once, and as it is.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::time::{Duration, Instant};

use crate::stage::{Tree, World, names_that_a_file_can_have};

#[test]
fn one_pass_brings_a_folder_to_the_service() {
    let world = World::new();
    world.write("a.txt", "hello");
    world.write("sub/deep/er/b.txt", "");
    world.set_time("a.txt", 1_000_000_000);
    world.mkdir("empty");
    world.settle();
    assert_eq!(
        world.remote_paths(),
        ["a.txt", "empty", "sub", "sub/deep", "sub/deep/er", "sub/deep/er/b.txt"]
    );
}

#[test]
fn a_tree_with_every_awkward_name_arrives_and_stays_at_rest() {
    let world = World::new();
    let names = names_that_a_file_can_have();
    for (number, name) in names.iter().enumerate() {
        let name = OsStr::from_bytes(name);
        world.write(name, format!("content {number}"));
        let mut below = world.path("directories").join(name).into_os_string();
        below.push("/in it");
        world.write(below, format!("below {number}"));
    }
    world.fill("many", 10, 20);
    world.write("zero bytes", "");
    world.write("big", vec![7; 30 << 20]);
    world.mkdir("empty/nested");
    world.set_time("zero bytes", 1);
    world.settle();
    assert!(Tree::on_disk(&world.root).files() > 300);
    let before = world.service.tree();
    world.service.reset_counters();
    world.settle();
    assert_eq!(world.service.changes(), [""; 0]);
    assert_eq!(world.service.tree(), before);
}

#[test]
fn a_tree_of_hundreds_of_levels_is_taken_up_in_seconds() {
    let world = World::new();
    let deepest = vec!["d"; 300].join("/");
    world.write(format!("{deepest}/file"), "deep down");
    let began = Instant::now();
    world.pass(0);
    assert!(world.service.has(&format!("Jotta/Archive/docs/{deepest}/file")));
    // What grows with the cube of the depth takes minutes.
    assert!(began.elapsed() < Duration::from_mins(1), "it took {:?}", began.elapsed());
}
