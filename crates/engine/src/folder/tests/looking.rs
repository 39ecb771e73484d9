//! What the service is asked, and when: how soon something is looked at, how often, and when no more.

use super::world::{World, in_mode};
use super::*;
use Mode::{Backup, Pull, Sync};

/// Its name; the mode; what was agreed on; what happens; what the service is asked then, and after how many
/// seconds.
type Looked = (&'static str, Mode, &'static str, &'static [&'static str], &'static str);

const LOOKED: &[Looked] = &[
    (
        "a directory of which an event tells is being removed",
        Sync,
        "d/a=x z=z",
        &["listen", "lasts trash there d", "here -d", "watch", "heard d/b=y", "wait 10"],
        "",
    ),
    (
        "a directory of which an event tells is being moved",
        Sync,
        "d/a=x z=z",
        &["listen", "lasts move there d", "here d>e", "watch", "heard d/b=y", "wait 10"],
        "",
    ),
    (
        "many events",
        Sync,
        "a=x",
        &["listen", "watch", "heard b=1", "heard c=2", "heard d=3", "heard e=4", "wait 60"],
        "list: 0.5 3 6 10, download b: 0.5, download c: 3, poll: 5.5 11 16, download d: 6, download e: 10",
    ),
    (
        "words that contradict each other",
        Sync,
        "a=x",
        &["listen", "watch", "heard b=1 b=2@300", "heard -b", "wait 60"],
        "list: 0.5 3, download b: 0.5, trash here b: 3, poll: 5.5 10.5",
    ),
    (
        "an event tells of the root",
        Sync,
        "a=x",
        &["listen", "fails list: not found", "watch", "heard b=1", "wait 60"],
        "list: 0.5, poll: 0.5 5.5, list all: 0.5, download b: 0.5",
    ),
    (
        "an answer that a look fails to get for a moment",
        Sync,
        "d/a=x",
        &["listen", "fails list d: unavailable", "watch", "heard d/b=y", "wait 3", "works", "wait 60"],
        "list d: 0.5 5.5, poll: 0.5 10.5 15.5, download d/b: 5.5",
    ),
    (
        "an event tells of a file that is shown at once",
        Sync,
        "a=x",
        &["listen", "watch", "heard b=y", "wait 60"],
        "list: 0.5, download b: 0.5, poll: 5.5 10.5",
    ),
    (
        "an event tells of a file that is not shown",
        Sync,
        "a=x",
        &["listen", "shows a=x", "watch", "heard b=y", "wait 120"],
        "list: 0.5 2.5 7.5 22.5, poll: 27.5 32.5",
    ),
    ("an event tells of what is known", Sync, "a=x d/b=y", &["listen", "watch", "heard a=x", "wait 60"], ""),
    (
        "an event tells of what was sent here",
        Backup,
        "a=x",
        &["listen", "here b=y", "watch", "heard b=y", "wait 60"],
        "",
    ),
    (
        "an event tells of files in some directories",
        Sync,
        "a/a=1 b/b=2 c=3",
        &["listen", "watch", "heard a/n=4 b/m=5 c=6@200", "wait 60"],
        "list: 0.5, list a: 0.5, list b: 0.5, download c: 0.5, download a/n: 0.5, download b/m: 0.5, poll: 5.5 10.5",
    ),
    (
        "an event tells of a directory with much in it",
        Sync,
        "a=x",
        &["listen", "watch", "heard d/e/f=1 d/g/h=2", "wait 60"],
        "list: 0.5, make here d: 0.5, list d: 0.5, make here d/e: 0.5, make here d/g: 0.5, list d/e: 0.5, list d/g: 0.5, download d/e/f: 0.5, download d/g/h: 0.5, poll: 5.5 10.5",
    ),
    (
        "an event tells of a directory that is gone",
        Sync,
        "d/e/f=1 a=x",
        &["listen", "watch", "heard -d", "wait 60"],
        "list: 0.5, list d: 0.5 2.5 7.5 22.5, list d/e: 0.5 2.5 7.5 22.5, trash here d: 22.5, poll: 27.5 32.5",
    ),
    (
        "an event tells of a renamed directory",
        Sync,
        "d/e/f=1 a=x",
        &["listen", "watch", "heard d>g", "wait 60"],
        "list: 0.5, list d: 0.5 2.5 7.5 22.5, list d/e: 0.5 2.5 7.5 22.5, make here g: 0.5, list g: 0.5, make here g/e: 0.5, list g/e: 0.5, move here d/e/f to g/e/f: 0.5, trash here d: 22.5, poll: 27.5 32.5",
    ),
    (
        "an event says only that something changed",
        Sync,
        "a=x",
        &["listen", "watch", "anywhere", "wait 60"],
        "poll: 0 5, list all: 0",
    ),
    (
        "an event tells of a change elsewhere",
        Sync,
        "a=x",
        &["listen", "stamp 2", "watch", "elsewhere", "wait 60"],
        "",
    ),
    (
        "an event tells of a file beside one that is given a time",
        Sync,
        "a=x",
        &["listen", "lasts set time there", "here a=x@200", "there a=y@300", "watch", "heard b=1", "wait 10"],
        "",
    ),
    (
        "a directory in which something was just sent is not shown for a moment",
        Backup,
        "d/a=x z=z",
        &["shows z=z", "here d/b=y", "watch", "sync", "wait 10", "shows all", "wait 60"],
        "poll: 0, list all: 0, upload d/a: 0, list d: 5 20, list: 22",
    ),
    ("events begin", Sync, "a=x", &["watch", "listen"], "poll: 0 22 27, list all: 0 22"),
    ("events begin in a backup", Backup, "a=x", &["watch", "listen"], "poll: 0"),
    ("events end", Sync, "a=x", &["listen", "watch", "deaf", "wait 1200"], "poll: 0 600 1200"),
    ("nothing happens", Sync, "a=x", &["watch", "wait 1800"], "poll: 540 1140 1740"),
    (
        "nothing happens while events are heard",
        Backup,
        "a=x",
        &["listen", "watch", "wait 1800"],
        "poll: 538 1138 1738",
    ),
    ("a file is sent", Backup, "a=x", &["watch", "here b=y", "wait 60"], "upload b: 0, look b: 0"),
    (
        "three files are sent into one directory",
        Backup,
        "a=x",
        &["watch", "here d/b=1 d/c=2 d/e=3", "wait 60"],
        "make there d: 0, upload d/b: 0, upload d/c: 0, upload d/e: 0, look d: 0, list d: 0",
    ),
    (
        "a file is sent that is shown late",
        Backup,
        "a=x",
        &["shows a=x", "watch", "here b=y", "wait 10", "shows all", "wait 60"],
        "upload b: 0, look b: 0 2 7 22",
    ),
    (
        "a file is sent that is never shown",
        Backup,
        "a=x",
        &["shows a=x", "watch", "here b=y", "wait 60"],
        "upload b: 0, look b: 0 2 7 22",
    ),
    (
        "a directory is made that is shown late",
        Backup,
        "a=x",
        &["shows a=x", "watch", "here d/b=y", "wait 10", "shows all", "wait 60"],
        "make there d: 0, upload d/b: 0, look d: 0 2 7 22, look d/b: 0 2 7 22",
    ),
    ("a file is removed", Sync, "a=x b=y", &["watch", "here -b", "wait 60"], "trash there b: 0.5"),
    (
        "a file is removed and still shown",
        Sync,
        "a=x b=y",
        &["shows a=x b=y", "watch", "here -b", "sync", "wait 15", "shows all", "wait 60"],
        "trash there b: 0.5, poll: 2, list all: 2, list: 22.5",
    ),
    ("a file is moved", Sync, "a=x", &["watch", "here a>b", "wait 60"], "move there a to b: 0, look b: 0"),
    (
        "a directory is moved",
        Sync,
        "d/a=x z=z",
        &["watch", "here d>e", "wait 60"],
        "move there d to e: 0, look e: 0",
    ),
    (
        "a move is not answered",
        Sync,
        "a=x",
        &["fails move there a: lost", "watch", "here a>b", "wait 60"],
        "move there a to b: 0, look a: 0 2, look b: 0 2 2",
    ),
    (
        "a move is not answered and shown late",
        Sync,
        "a=x z=z",
        &["shows a=x z=z", "fails move there a: lost", "watch", "here a>b", "wait 4", "shows all", "wait 60"],
        "move there a to b: 0 2 7, look a: 0 2 2 4, look b: 0 2 2 4, poll: 4 7, list all: 4 7",
    ),
    (
        "a move is not answered and not done",
        Sync,
        "a=x z=z",
        &["fails move there a: offline", "watch", "here a>b", "works", "wait 60"],
        "move there a to b: 0 5, poll: 0, look a: 0 2, look b: 0 2 5",
    ),
    (
        "the ends of a move cannot be looked at",
        Sync,
        "a=x z=z",
        &[
            "fails move there a: lost",
            "fails look: unavailable",
            "watch",
            "here a>b",
            "wait 60",
            "works",
            "wait 60",
        ],
        "move there a to b: 0 5 15 40 80, poll: 0 5 15 35 35 40, upload b: 35, trash there a: 35, look b: 80",
    ),
    (
        "a directory cannot be listed",
        Sync,
        "d/a=x",
        &["listen", "fails list d: unavailable", "watch", "heard d/b=y", "wait 600"],
        "list d: 0.5 5.5 15.5 35.5 75.5 155.5 315.5, poll: 0.5 5.5 15.5 35.5 75.5 155.5 315.5 563",
    ),
    (
        "a directory cannot be listed, which asks for a pause",
        Sync,
        "d/a=x",
        &["listen", "fails list d: pause 100", "watch", "heard d/b=y", "wait 600"],
        "list d: 0.5 100.5 200.5 300.5 400.5 500.5, poll: 100.5 200.5 300.5 400.5 500.5",
    ),
    (
        "everything cannot be listed",
        Sync,
        "a=x",
        &["fails list all: unavailable", "watch", "sync", "wait 600"],
        "poll: 0 0 5 5 5 15 15 15 35 35 35 75 75 75 155 155 155 315 315 315, list all: 0 5 15 35 75 155 315",
    ),
    (
        "everything cannot be listed, which asks for a pause",
        Sync,
        "a=x",
        &["fails list all: pause 100", "watch", "sync", "wait 1200"],
        "poll: 0 100 100 200 200 300 300 400 400 500 500 660 660 960 960, list all: 0 100 200 300 400 500 660 960",
    ),
    (
        "a listing is incomplete",
        Sync,
        "a=x",
        &["fails list all: incomplete", "watch", "sync", "wait 600"],
        "poll: 0 5 5 15 15 35 35 75 75 155 155 315 315, list all: 0 5 15 35 75 155 315",
    ),
    (
        "the service is not reached",
        Backup,
        "a=x",
        &["fails upload: offline", "fails poll: offline", "watch", "here b=y", "wait 600"],
        "upload b: 0, poll: 0 5 15 35 75 155 315",
    ),
    (
        "the service is not reached and a person asks",
        Backup,
        "a=x",
        &["fails poll: offline", "fails list all: offline", "watch", "sync", "wait 3", "sync", "wait 3"],
        "poll: 0 5 5",
    ),
    (
        "a login is needed",
        Backup,
        "a=x",
        &["fails poll: login", "fails list all: login", "watch", "sync", "wait 3600"],
        "poll: 0",
    ),
    (
        "a file is refused",
        Backup,
        "a=x",
        &["fails upload b: refused", "watch", "here b=y", "wait 7200"],
        "upload b: 0 60 180 420 900 1860 3780, poll: 538 1138 1738 2338 2938 3538 4138 4738 5338 5938 6538 7138",
    ),
    (
        "a file fails",
        Backup,
        "a=x",
        &["fails upload b: unavailable", "watch", "here b=y", "wait 3600"],
        "upload b: 0 5 15 35 75 155 315 635 1275 2555, poll: 0 5 15 35 75 155 315 538 635 1138 1275 1738 2338 2555 2938 3538",
    ),
    (
        "the account is full",
        Backup,
        "a=x",
        &["fails upload: full", "watch", "here b=y c=z", "wait 3600"],
        "upload b: 0 600 1800, upload c: 0 600 1800, poll: 538 1138 1738 2338 2938 3538",
    ),
    (
        "the account is locked",
        Backup,
        "a=x",
        &["fails upload: locked", "watch", "here b=y c=z", "wait 3600"],
        "upload b: 0 600 1200 1800 2400 3360, upload c: 0 600 1200 1800 2400 3360, poll: 538 1138 1738 2338 2938 3538",
    ),
    (
        "the service asks for a pause",
        Backup,
        "a=x",
        &["fails upload b: pause 100", "watch", "here b=y", "wait 1800"],
        "upload b: 0 104 212 328 460 624 852 1508 1612 1720, poll: 100 204 312 428 560 560 724 952 1160 1608 1712",
    ),
    (
        "a removal fails",
        Sync,
        "a=x z=z",
        &["fails trash there a: unavailable", "watch", "here -a", "wait 3600"],
        "trash there a: 0.5 5 15 35 75 155 315 635 1275 2555, poll: 0.5 5 15 35 75 155 315 538 635 1138 1275 1738 2338 2555 2938 3538",
    ),
    (
        "a download fails",
        Pull,
        "a=x",
        &["fails download b: not allowed", "watch", "there b=y", "sync", "wait 3600"],
        "poll: 2 2 62 182 422 602 902 1202 1802 1862 2402 3002 3602, list all: 2, download b: 2 62 182 422 902 1862",
    ),
    (
        "the place is gone",
        Backup,
        "a=x",
        &[
            "fails upload: no mountpoint",
            "fails poll: no mountpoint",
            "fails list all: no mountpoint",
            "watch",
            "here b=y",
            "wait 600",
        ],
        "upload b: 0, poll: 60 65 65 75 75 95 95 135 135 215 215 375 375",
    ),
    (
        "the stamp moves and nobody told of a change",
        Sync,
        "a=x",
        &["stamp 2", "watch", "wait 1800"],
        "poll: 538 1138 1738, list all: 538",
    ),
    (
        "the stamp cannot be had",
        Sync,
        "a=x",
        &["fails poll: refused", "watch", "wait 1800"],
        "poll: 538 543 543 553 553 573 573 613 613 693 693 853 853 1153 1153 1453 1453 1753 1753",
    ),
];

#[test]
fn the_service_is_asked_as_soon_and_as_seldom_as_will_do() {
    let mut wrong = Vec::new();
    for (name, mode, agreed, steps, asked) in LOOKED.iter().copied() {
        let mut world = World::agreed(in_mode(mode), agreed);
        let mut began = world.now;
        for step in steps {
            if *step == "watch" {
                world.looks(began);
                began = world.now;
            } else {
                world.step(step);
            }
        }
        let is_of_the_disk =
            |asked: &&str| ["scan", "root", "hash", "claim"].iter().any(|what| asked.starts_with(what));
        let looks = world.looks(began);
        let came: Vec<&str> = looks.split(", ").filter(|asked| !is_of_the_disk(asked)).collect();
        if came.join(", ") != asked {
            wrong.push(format!("{name}@{:?}@{}", came.join(", "), world.told()));
        }
    }
    assert!(wrong.is_empty(), "otherwise than expected:\n{}", wrong.join("\n"));
}

/// Looks at a few directories are cheaper than a listing of everything, and a look at each of many is not: the
/// larger the folder, the more.
#[test]
fn as_many_directories_are_looked_at_as_are_cheaper_than_a_listing() {
    for (directories, told, is_all) in [(20, 16, false), (20, 17, true), (120, 18, false), (120, 19, true)] {
        let agreed: Vec<String> = (0..directories).map(|number| format!("d{number}/a=x")).collect();
        let mut world = World::agreed(in_mode(Sync), &agreed.join(" "));
        world.listen();
        world.looks(world.now);
        let news: Vec<String> = (0..told).map(|number| format!("d{number}/n=1")).collect();
        world.there_heard(&news.join(" "));
        world.run_for(1);
        let looks = world.looks(world.now);
        assert_eq!(looks.contains("list all"), is_all, "{directories} {told}: {looks}");
        assert_eq!(looks.matches("list d").count(), if is_all { 0 } else { told }, "{looks}");
        assert_eq!(world.both(), world.disk(), "{directories} {told}");
    }
}
