//! Every file is read again and compared, also where no stat says that it changed.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::process::{Child, Command, Stdio};

use jottad_emulator::Act;

use crate::stage::{World, is_missing};

/// Holds a file writable in memory. Once the page was written, it can be written again without any trace in
/// the file's times, until the kernel has brought it to the disk: damage as a disk does it.
const DAMAGE: &str = "
import mmap, sys
with open(sys.argv[1], 'r+b') as file:
    page = mmap.mmap(file.fileno(), 0)
page[0] = page[0]
print('ready', flush=True)
sys.stdin.readline()
page[0] = ord('X')
";

struct Damage(Child);

impl Damage {
    fn prepare(world: &World, path: &str) -> Self {
        let mut command = Command::new("python3");
        command.args(["-c", DAMAGE]).arg(world.path(path)).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdout.as_mut().unwrap().read_exact(&mut [0; 6]).unwrap();
        Self(child)
    }

    fn strike(mut self) {
        self.0.stdin.take().unwrap().write_all(b"\n").unwrap();
        assert!(self.0.wait().unwrap().success());
    }
}

#[test]
fn a_verification_reads_every_file_and_says_so() {
    let world = World::configured("mode = \"sync\"");
    world.write("a.txt", "one");
    world.write("d/b.txt", "four");
    world.write("d/empty.txt", "");
    let daemon = world.start();
    world.synced();
    let sent = world.service.asked("allocate");
    let found = world.machine.jottad(["verify", "--json"]).expect(0).json();
    let folder = &found["folders"][0];
    assert_eq!((folder["name"].as_str(), folder["files"].as_u64()), (Some("docs"), Some(3)), "{found}");
    assert_eq!((folder["bytes"].as_u64(), folder["damaged"].as_u64()), (Some(7), Some(0)), "{found}");
    assert!(folder["ended_at"].is_string(), "{found}");
    world
        .machine
        .jottad(["verify", "docs"])
        .expect(0)
        .says("docs: 3 files (7 B) read again, and the service has the same");
    assert_eq!(world.service.asked("allocate"), sent, "verifying sends nothing");
    daemon.stop();
}

#[test]
fn what_another_device_changed_unheard_is_found_and_put_right() {
    let world = World::configured("poll = \"6h\"\nproof = \"6h\"");
    let text = fs::read_to_string(world.machine.config()).unwrap();
    fs::write(world.machine.config(), text.replace("[service]\n", "[service]\nevents = false\n")).unwrap();
    world.write("a.txt", "one");
    let daemon = world.start();
    world.synced();
    world.service.does(Act::put("Jotta/Archive/docs/a.txt", b"other"));
    // Nothing tells of it before.
    world.machine.jottad(["verify"]).expect(0).says("the service had something else: 1 file sent again");
    world.assert_same();
    world.machine.jottad(["verify"]).expect(0).says("and the service has the same");
    daemon.stop();
}

#[test]
fn damage_without_a_trace_is_a_problem_and_is_not_sent() {
    if is_missing("python3", &["python3", "--version"]) {
        return;
    }
    let world = World::new();
    world.write("a.txt", "agreed");
    world.write("b.txt", "as it was");
    let daemon = world.start();
    world.synced();
    // Where the kernel was faster than this test, the damage is an edit like any other.
    let is_done = (0..5).any(|_| {
        let damage = Damage::prepare(&world, "a.txt");
        world.synced();
        let before = fs::metadata(world.path("a.txt")).unwrap();
        damage.strike();
        let after = fs::metadata(world.path("a.txt")).unwrap();
        let stamp = |file: &fs::Metadata| (file.mtime(), file.mtime_nsec(), file.ctime(), file.ctime_nsec());
        stamp(&before) == stamp(&after)
    });
    assert!(is_done, "the file was written with a trace five times");
    let sent = world.service.asked("allocate");
    // As far as anybody can know without reading it.
    world.sync(0);
    let outcome = world.machine.jottad(["verify"]).expect(6);
    outcome
        .says("docs: 1 file (9 B) read again, and the service has the same")
        .says("docs: 1 file holds something else");
    assert!(world.problems()[0].contains("a.txt"), "{:?}", world.problems());
    // Looking again is no remedy, and nothing of the damage travels.
    world.sync(6);
    assert_eq!(world.service.asked("allocate"), sent);
    assert_eq!(world.machine.jottad(["cat", "Jotta/Archive/docs/a.txt"]).expect(0).stdout, "agreed");
    // Whoever changes the file says that it is right.
    world.write("a.txt", "written anew");
    world.synced();
    world.assert_same();
    daemon.stop();
}

#[test]
fn a_folder_that_is_paused_is_not_waited_for() {
    let world = World::new();
    world.write("a.txt", "one");
    let daemon = world.start();
    world.synced();
    world.machine.jottad(["pause"]).expect(0);
    world.machine.jottad(["verify"]).expect(10).says("so far; it stopped there");
    world.machine.jottad(["verify", "nonsense"]).expect(2).complains("nonsense");
    daemon.stop();
    world.machine.jottad(["verify"]).expect(10);
}
