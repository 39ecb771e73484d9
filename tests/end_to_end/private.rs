//! What is for one user alone stays so: the state, the login, and files whose owner shut others out.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use jottad_emulator::Act;
use rustix::fs::{XattrFlags, lgetxattr, lsetxattr};
use rustix::io::Errno;

use crate::stage::{World, is_lacking, wait_until};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_state_directory_that_others_can_write_to_is_refused_with_the_remedy() {
    let world = World::new();
    let state = world.machine.state();
    set_mode(&state, 0o777);
    let refused = world.pass(1);
    refused.complains("other users can write to the state directory").complains("chmod 700");
    let doctor = world.machine.jottad(["doctor"]);
    doctor.says("other users can write to the state directory");
    assert_eq!(mode(&state), 0o777);
    set_mode(&state, 0o755);
    world.pass(0).complains("other users could look into the state directory");
    assert_eq!(mode(&state), 0o700);
}

#[test]
fn a_login_that_others_could_read_is_closed_to_them_and_they_are_told_of() {
    let world = World::new();
    let login = world.machine.state().join("credentials.json");
    set_mode(&login, 0o644);
    world.machine.jottad(["doctor"]).says("other users could get at").says("it is closed to them now");
    assert_eq!(mode(&login), 0o600);
    set_mode(&login, 0o640);
    world.machine.jottad(["account"]).expect(0).complains("other users could get at the login");
    assert_eq!(mode(&login), 0o600);
}

#[test]
fn a_file_that_another_device_edits_stays_closed_to_whom_its_owner_shut_out() {
    const ACCESS_LIST: &str = "system.posix_acl_access";
    let world = World::configured("mode = \"sync\"");
    world.write("plan", "one");
    // The owner and user 1000 may read and write; the group, all others, and so the mode's middle digit, are
    // another matter.
    let everybody = u32::MAX;
    let entries =
        [(1_u16, 6_u16, everybody), (2, 6, 1000), (4, 0, everybody), (16, 6, everybody), (32, 0, everybody)];
    let entries = entries.iter().flat_map(|(tag, permissions, who)| {
        [&tag.to_le_bytes()[..], &permissions.to_le_bytes(), &who.to_le_bytes()].concat()
    });
    let list: Vec<u8> = 2_u32.to_le_bytes().into_iter().chain(entries).collect();
    let given = lsetxattr(world.path("plan"), ACCESS_LIST, &list, XattrFlags::empty());
    if is_lacking("acl", given != Err(Errno::NOTSUP)) {
        return;
    }
    given.unwrap();
    assert_eq!(mode(&world.path("plan")), 0o660);
    world.settle();
    world.service.does(Act::put("Jotta/Archive/docs/plan", b"two"));
    world.pass(0);
    assert_eq!(fs::read(world.path("plan")).unwrap(), b"two");
    let mut kept = vec![0; 100];
    let length = lgetxattr(world.path("plan"), ACCESS_LIST, kept.as_mut_slice()).unwrap();
    assert_eq!((&kept[..length], mode(&world.path("plan"))), (&list[..], 0o660));
}

#[test]
fn the_local_trash_is_listed_restored_and_destroyed_by_command() {
    let world = World::configured("mode = \"sync\"");
    world.write("letters/a.txt", "mine");
    let daemon = world.start();
    world.sync(0);
    world.service.does(Act::put("Jotta/Archive/docs/letters/a.txt", b"theirs"));
    world.sync(0);
    assert_eq!(fs::read(world.path("letters/a.txt")).unwrap(), b"theirs");
    let listed = world.machine.jottad(["trash", "ls", "--local", "docs"]).expect(0);
    listed.says("docs/letters/a.txt");
    let restore = |code| {
        let path = world.path("letters/a.txt").into_os_string();
        world.machine.jottad(["trash".into(), "restore".into(), "--local".into(), path]).expect(code)
    };
    restore(1).complains("something is there already").complains("move away");
    world.rename("letters/a.txt", "letters/theirs.txt");
    restore(0).says("restored 1 entry");
    assert_eq!(fs::read(world.path("letters/a.txt")).unwrap(), b"mine");
    wait_until("what was restored is sent", || {
        let place = "Jotta/Archive/docs/letters/a.txt";
        world.service.has(place) && world.service.at(place).size == Some(4)
    });
    world.machine.jottad(["trash", "ls", "--local", "--json"]).expect(0);
    world.service.does(Act::put("Jotta/Archive/docs/letters/a.txt", b"theirs again"));
    world.sync(0);
    world.machine.jottad(["trash", "empty", "--local"]).expect(2).complains("not without a yes");
    world.machine.jottad(["trash", "empty", "--local", "--yes"]).expect(0).says("destroyed 4 B");
    let listed = world.machine.jottad(["trash", "ls", "--local", "--json"]).expect(0);
    assert!(listed.json_lines().is_empty());
    daemon.stop();
}
