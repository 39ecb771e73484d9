//! Stories of a folder, a few steps each: what happens, what is done about it, and what the status says then.

use super::world::{World, in_mode};
use super::*;
use Mode::{Archive, Backup, Pull, Sync};

/// What happens; what is done, in order; the verdict, with what is wrong.
pub(super) type Step = (&'static str, &'static str, &'static str);

/// Its name; the mode; what was agreed on; the steps.
pub(super) type Story = (&'static str, Mode, &'static str, &'static [Step]);

pub(super) fn assert_stories(stories: &[Story], settings: fn(Mode) -> FolderSettings) {
    let mut wrong = Vec::new();
    for (name, mode, agreed, steps) in stories.iter().copied() {
        let mut world = World::agreed(settings(mode), agreed);
        for (step, done, told) in steps.iter().copied() {
            if step == "restart" {
                world = world.restart(settings(mode));
                world.run_for(2);
            } else if step == "stop" {
                world = world.stop(settings(mode));
            } else {
                world.step(step);
            }
            let listed = world.folder.problems().unwrap().len() as u64;
            assert_eq!(world.status().problems, listed, "{name}, {step}: as many are counted as are named");
            let came = (step, world.done(), world.told());
            if (came.1.as_str(), came.2.as_str()) != (done, told) {
                wrong.push(format!("{name}@{came:?},"));
            }
        }
    }
    assert!(wrong.is_empty(), "otherwise than expected:\n{}", wrong.join("\n"));
}

const NAMES: &[Story] = &[
    (
        "two names here, the second one gives way",
        Sync,
        "a=x",
        &[
            ("here A=y", "", "Problems A: NameClash"),
            ("sync", "", "Problems A: NameClash"),
            ("here -A", "", "Working"),
        ],
    ),
    (
        "two names here, the first one gives way",
        Backup,
        "a=x",
        &[
            ("here A=y", "", "Problems A: NameClash"),
            ("here -a", "trash there a, upload A", "Working"),
            ("wait 60", "", "Working"),
        ],
    ),
    (
        "two directories here",
        Backup,
        "d/a=x",
        &[
            ("here D/b=y", "", "Problems D: NameClash"),
            ("here -d", "trash there d, make there D, upload D/b", "Working"),
            ("wait 60", "", "Working"),
        ],
    ),
    (
        "another spelling there, and the same content in a file with the old name here",
        Sync,
        "a=x b=y",
        &[
            ("there a>A", "", "InSync"),
            ("unseen a=z@200", "", "InSync"),
            ("sync", "move here a to A, upload A", "InSync"),
        ],
    ),
    (
        "another spelling there of a directory, with changes in it",
        Sync,
        "d/a=x d/b=y",
        &[
            ("there d>D D/a=z@200 -D/b D/c=w", "", "InSync"),
            ("sync", "move here d to D, download D/a, download D/c, trash here D/b", "InSync"),
            ("wait 60", "", "InSync"),
        ],
    ),
    (
        "another spelling there of all above",
        Pull,
        "d/e/a=x",
        &[
            ("there d>D D/e>D/E D/E/a>D/E/A", "", "InSync"),
            ("sync", "move here d to D, move here D/e to D/E, move here D/E/a to D/E/A", "InSync"),
            ("wait 60", "", "InSync"),
        ],
    ),
    (
        "another spelling there of what is in the way here",
        Pull,
        "d/a=x",
        &[
            ("there d>D", "", "InSync"),
            ("unseen D/b=y", "", "InSync"),
            ("sync", "move here d/a to D/a, copy d/a to D/a, trash here d", "InSync"),
            ("wait 60", "", "InSync"),
            ("unseen -D", "", "InSync"),
            ("sync", "", "Held"),
            ("wait 60", "", "Held"),
        ],
    ),
    (
        "another spelling there that was made here as well",
        Sync,
        "d/a=x",
        &[
            ("there d>D", "", "InSync"),
            ("unseen d>D", "", "InSync"),
            ("sync", "", "InSync"),
            ("wait 30", "", "InSync"),
        ],
    ),
    (
        "another spelling there, and back",
        Sync,
        "a=x",
        &[
            ("there a>A", "", "InSync"),
            ("sync", "move here a to A", "InSync"),
            ("there A>a", "", "InSync"),
            ("sync", "move here A to a", "InSync"),
        ],
    ),
    (
        "another spelling there in a backup, then removed here",
        Backup,
        "a=x b=y",
        &[
            ("there a>A", "", "InSync"),
            ("sync", "", "InSync"),
            ("here -a", "trash there A", "Working"),
            ("wait 60", "", "Working"),
        ],
    ),
    (
        "another spelling there in a backup, then edited here",
        Backup,
        "a=x",
        &[
            ("there a>A", "", "InSync"),
            ("sync", "", "InSync"),
            ("here a=y@200", "upload A", "Working"),
            ("wait 60", "", "Working"),
        ],
    ),
    (
        "another spelling there in a backup, then renamed here",
        Backup,
        "d/a=x z=z",
        &[
            ("there d>D", "", "InSync"),
            ("sync", "", "InSync"),
            ("here d>e", "move there D to e", "Working"),
            ("wait 60", "", "Working"),
        ],
    ),
    (
        "a new name there that is here under another spelling",
        Sync,
        "a=x",
        &[
            ("unseen b=y", "", "InSync"),
            ("there B=y", "", "InSync"),
            ("sync", "move here b to B", "InSync"),
            ("wait 60", "", "InSync"),
        ],
    ),
    (
        "a new name there that is here under another spelling with other content",
        Sync,
        "a=x",
        &[
            ("unseen b=y", "", "InSync"),
            ("there B=z@200", "", "InSync"),
            ("sync", "move here b to B, move here B to B~, download B, upload B~", "InSync"),
            ("wait 60", "", "InSync"),
        ],
    ),
    (
        "a new directory there that is here under another spelling",
        Sync,
        "a=x",
        &[
            ("unseen d/b=y", "", "InSync"),
            ("there D/c=z", "", "InSync"),
            ("sync", "move here d to D, upload D/b, download D/c", "InSync"),
            ("wait 60", "", "InSync"),
        ],
    ),
    (
        "a new name there that is here under another spelling in a backup",
        Backup,
        "a=x",
        &[
            ("unseen b=y", "", "InSync"),
            ("there B=z@200", "", "InSync"),
            ("sync", "upload B", "InSync"),
            ("wait 60", "", "InSync"),
        ],
    ),
    (
        "a new name there that is here under another spelling in an archive",
        Archive,
        "a=x",
        &[
            ("unseen b=y", "", "InSync"),
            ("there B=y", "", "InSync"),
            ("sync", "", "InSync"),
            ("wait 60", "", "InSync"),
        ],
    ),
    (
        "what the disk takes under no such name",
        Sync,
        "a=x",
        &[
            ("fails place b: impossible", "", "InSync"),
            ("there b=y", "", "InSync"),
            ("sync", "download b", "Problems b: ImpossibleName"),
            ("works", "", "Problems b: ImpossibleName"),
            ("sync", "download b", "InSync"),
        ],
    ),
    (
        "a rename that the disk refuses",
        Sync,
        "a=x",
        &[
            ("fails rename a: denied", "", "InSync"),
            ("there a>A", "", "InSync"),
            ("sync", "move here a to A", "Problems a: Unreadable"),
            ("wait 3600", "move here a to A (3 times)", "Problems a: Unreadable"),
            ("works", "", "Problems a: Unreadable"),
            ("sync", "move here a to A", "InSync"),
        ],
    ),
    (
        "a rename that the disk refuses of what moved",
        Sync,
        "a=x",
        &[
            ("fails rename a: denied", "", "InSync"),
            ("there a>b", "", "InSync"),
            ("sync", "move here a to b, copy a to b", "Problems a: Unreadable"),
            ("works", "", "Problems a: Unreadable"),
            ("sync", "trash here a", "InSync"),
        ],
    ),
];

const RULES: &[Story] = &[
    (
        "the rules of the root cannot be read",
        Sync,
        "a=x b=y",
        &[
            ("here .jottaignore->", "", "Held .jottaignore: Unreadable"),
            ("here a=z@200", "", "Held .jottaignore: Unreadable"),
            ("sync", "", "Held .jottaignore: Unreadable"),
            ("here -.jottaignore", "upload a", "InSync"),
            ("sync", "", "InSync"),
        ],
    ),
    (
        "what could not be fetched is ignored",
        Sync,
        "a=x",
        &[
            ("fails download n: not allowed", "", "InSync"),
            ("there n=1", "", "InSync"),
            ("sync", "download n", "Problems n: NotAllowed"),
            ("here .jottaignore=n", "upload .jottaignore", "Working"),
            ("sync", "", "InSync"),
        ],
    ),
    (
        "a directory that could not be made is ignored",
        Sync,
        "a=x",
        &[
            ("fails make here d: denied", "", "InSync"),
            ("there d/n=1", "", "InSync"),
            ("sync", "make here d", "Problems d: Unreadable"),
            ("here .jottaignore=d", "upload .jottaignore", "Working"),
            ("sync", "", "InSync"),
        ],
    ),
    (
        "what could not be sent is ignored",
        Backup,
        "a=x",
        &[
            ("fails upload n: refused", "", "InSync"),
            ("here n=1", "upload n", "Problems n: Refused"),
            ("here .jottaignore=n", "upload .jottaignore", "Working"),
            ("sync", "", "InSync"),
        ],
    ),
    (
        "rules that are removed there",
        Sync,
        ".jottaignore=n n=1 a=x",
        &[
            ("there -.jottaignore", "", "InSync"),
            ("sync", "trash here .jottaignore", "InSync"),
            ("wait 30", "", "InSync"),
        ],
    ),
    (
        "rules that are changed there",
        Sync,
        ".jottaignore=n n=1 a=x",
        &[
            ("there .jottaignore=m@200 m=2", "", "InSync"),
            ("sync", "download .jottaignore, download m", "InSync"),
            ("wait 30", "", "InSync"),
        ],
    ),
    (
        "what a rule ignores is not sent",
        Sync,
        ".jottaignore=*.tmp a=x",
        &[
            ("here n.tmp=y d/m.tmp=z d/o=w", "make there d, upload d/o", "Working"),
            ("here -d", "trash there d", "Working"),
            ("wait 60", "", "Working"),
        ],
    ),
    (
        "what a rule ignores is not fetched",
        Sync,
        ".jottaignore=*.tmp a=x",
        &[
            ("there n.tmp=y d/m.tmp=z d/o=w", "", "InSync"),
            ("sync", "make here d, download d/o", "InSync"),
            (
                "here .jottaignore=*.bak@200",
                "download n.tmp, download d/m.tmp, upload .jottaignore",
                "Working",
            ),
            ("wait 60", "", "Working"),
        ],
    ),
    (
        "a new rule for what is on both sides",
        Sync,
        "n.tmp=y a=x",
        &[
            ("here .jottaignore=*.tmp", "upload .jottaignore", "Working"),
            ("wait 30", "", "Working"),
            ("here -n.tmp", "", "Working"),
            ("wait 60", "", "Working"),
            ("here .jottaignore=*.bak@200", "download n.tmp, upload .jottaignore", "Working"),
            ("wait 60", "", "Working"),
        ],
    ),
    (
        "a new rule for what is changed there",
        Sync,
        "n.tmp=y a=x",
        &[
            ("here .jottaignore=*.tmp", "upload .jottaignore", "Working"),
            ("wait 30", "", "Working"),
            ("there n.tmp=z@300", "", "Working"),
            ("sync", "", "InSync"),
            ("here n.tmp=w@400", "", "InSync"),
            ("wait 30", "", "InSync"),
            ("here -.jottaignore", "move here n.tmp to n~.tmp, download n.tmp, upload n~.tmp", "Working"),
            ("wait 60", "trash there .jottaignore", "Working"),
        ],
    ),
    (
        "a new rule for a directory",
        Backup,
        "b/c=y a=x",
        &[
            ("here .jottaignore=b", "upload .jottaignore", "Working"),
            ("wait 30", "", "Working"),
            ("here -b", "", "Working"),
            ("wait 60", "", "Working"),
            ("here -.jottaignore", "", "Working"),
            ("wait 60", "trash there .jottaignore", "Working"),
        ],
    ),
    (
        "a rule in a directory is for that alone",
        Sync,
        "d/.jottaignore=n a=x",
        &[("here n=1 d/n=2 d/e/n=3", "make there d/e, upload n", "Working"), ("wait 30", "", "Working")],
    ),
    (
        "rules come from the service",
        Sync,
        "a=x",
        &[
            ("there d/.jottaignore=n d/n=2 d/m=3", "", "InSync"),
            ("sync", "make here d, download d/.jottaignore, download d/m, download d/n", "InSync"),
            ("wait 60", "", "InSync"),
        ],
    ),
    (
        "rules go with their directory",
        Sync,
        "d/.jottaignore=n d/n=2 a=x",
        &[
            ("here d>e", "move there d to e", "Working"),
            ("wait 30", "", "Working"),
            ("here e/m=3 e/n=4", "upload e/m", "Working"),
            ("wait 30", "", "Working"),
        ],
    ),
    (
        "a directory with something ignored is removed here",
        Sync,
        "d/.jottaignore=n d/a=x b=y",
        &[
            ("there d/n=2", "", "InSync"),
            ("sync", "", "InSync"),
            ("here -d", "make here d, download d/n, trash there d/.jottaignore, trash there d/a", "Working"),
            ("wait 60", "", "Working"),
        ],
    ),
    (
        "what is ignored here is moved to where it is not",
        Sync,
        "d/.jottaignore=n d/n=2 b=y",
        &[("here d/n>m", "upload m", "Working"), ("wait 60", "", "Working")],
    ),
    (
        "what is sent is moved to where it is ignored",
        Sync,
        "d/.jottaignore=n m=2 b=y",
        &[("here m>d/n", "trash there m", "Working"), ("wait 60", "", "Working")],
    ),
    (
        "rules that cannot be read",
        Sync,
        "d/a=x b=y",
        &[
            ("here d/.jottaignore->", "", "Problems d: Unreadable"),
            ("wait 10", "", "Problems d: Unreadable"),
            ("here d/a=z@200", "", "Problems d: Unreadable"),
            ("wait 10", "", "Problems d: Unreadable"),
            ("there d/c=new", "", "Problems d: Unreadable"),
            ("sync", "", "Problems d: Unreadable"),
            ("here -d/.jottaignore", "download d/c, upload d/a", "Working"),
            ("wait 30", "", "Working"),
        ],
    ),
];

const SIZES: &[Story] = &[
    (
        "a large file stays here",
        Sync,
        "a=x",
        &[
            ("here b=large", "", "InSync"),
            ("wait 10", "", "InSync"),
            ("here b=ok@200", "upload b", "Working"),
            ("wait 10", "", "Working"),
            ("here b=larger@300", "", "Working"),
            ("wait 10", "", "Working"),
            ("here -b", "download b", "Working"),
            ("wait 60", "", "Working"),
        ],
    ),
    (
        "a large file stays there",
        Sync,
        "a=x",
        &[
            ("there b=large", "", "InSync"),
            ("sync", "", "InSync"),
            ("there b=ok@200", "", "InSync"),
            ("sync", "download b", "InSync"),
            ("there b=larger@300", "", "InSync"),
            ("sync", "", "InSync"),
        ],
    ),
    (
        "a file that has become large moves",
        Backup,
        "a=x",
        &[("here a=large@200", "", "Working"), ("here a>b", "", "Working"), ("wait 60", "", "Working")],
    ),
    (
        "a directory with a large file is removed there",
        Sync,
        "d/a=x b=y",
        &[
            ("here d/c=large", "", "InSync"),
            ("there -d", "", "InSync"),
            ("sync", "make there d, trash here d/a", "InSync"),
            ("wait 60", "", "InSync"),
        ],
    ),
];

const REFUSALS: &[Story] = &[
    (
        "a move there is refused in a directory that is new",
        Sync,
        "a=x z=z",
        &[
            ("fails move there a: conflict", "", "InSync"),
            ("here a>d/a", "make there d, move there a to d/a (2 times)", "Working"),
            ("wait 60", "move there a to d/a, upload d/a, trash there a", "InSync"),
            ("works", "", "InSync"),
            ("sync", "", "InSync"),
        ],
    ),
    (
        "a move here fails",
        Sync,
        "d/a=x z=z",
        &[
            ("fails rename d: broken", "", "InSync"),
            ("there d>e", "", "InSync"),
            ("sync", "move here d to e, make here e, move here d/a to e/a", "Problems d: LocalDisk"),
            ("works", "", "Problems d: LocalDisk"),
            ("sync", "trash here d", "InSync"),
            ("wait 600", "", "InSync"),
        ],
    ),
    (
        "what is to be fetched is another file by then",
        Sync,
        "a=x z=z",
        &[
            ("fails download b: conflict", "", "InSync"),
            ("there b=y", "", "InSync"),
            ("sync", "download b (2 times)", "Problems b: Failing"),
            ("works", "", "Problems b: Failing"),
            ("wait 600", "download b", "InSync"),
        ],
    ),
    (
        "what is to be sent cannot be opened",
        Backup,
        "a=x",
        &[
            ("fails open b: denied", "", "InSync"),
            ("here b=y", "upload b", "Problems b: Unreadable"),
            ("works", "", "Problems b: Unreadable"),
            ("sync", "upload b", "InSync"),
        ],
    ),
    (
        "the directory above cannot be read",
        Sync,
        "d/e/a=x z=z",
        &[
            ("fails scan d: denied", "", "InSync"),
            ("here d/e/b=y", "upload d/e/b", "Working"),
            ("sync", "", "Problems d: Unreadable"),
            ("works", "", "Problems d: Unreadable"),
            ("sync", "", "InSync"),
        ],
    ),
    (
        "a directory cannot be removed there",
        Sync,
        "d/a=x z=z",
        &[
            ("fails trash there d: refused", "", "InSync"),
            ("here -d", "trash there d", "Problems d: Refused"),
            ("here d/n=1", "upload d/n, trash there d/a", "Working"),
            ("wait 60", "", "Working"),
            ("works", "", "Working"),
            ("sync", "", "InSync"),
        ],
    ),
    (
        "a directory cannot be removed here",
        Sync,
        "d/a=x z=z",
        &[
            ("fails trash here d: denied", "", "InSync"),
            ("there -d", "", "InSync"),
            ("sync", "trash here d", "Problems d: Unreadable"),
            ("works", "", "Problems d: Unreadable"),
            ("sync", "trash here d", "InSync"),
        ],
    ),
    (
        "one file is not allowed",
        Sync,
        "z=z",
        &[
            ("fails upload a: not allowed", "", "InSync"),
            ("here a=x b=y", "upload a, upload b", "Problems a: NotAllowed"),
            ("works", "", "Problems a: NotAllowed"),
            ("here a=v@200", "upload a", "Working"),
        ],
    ),
    (
        "a file is too large for the service",
        Backup,
        "z=z",
        &[
            ("fails upload a: too large", "", "InSync"),
            ("here a=x b=y", "upload a, upload b", "Problems a: Refused"),
            ("wait 3600", "upload a (2 times)", "Problems a: Refused"),
            ("here -a", "", "Working"),
            ("wait 60", "", "Working"),
        ],
    ),
    (
        "the account is full",
        Sync,
        "z=z",
        &[
            ("fails upload: full", "", "InSync"),
            ("here a=x", "upload a", "Problems a: QuotaExceeded"),
            ("there d/b=y", "", "Problems a: QuotaExceeded"),
            ("sync", "upload a, make here d, download d/b", "Problems a: QuotaExceeded"),
            ("here -z", "trash there z", "Problems a: QuotaExceeded"),
            ("wait 60", "", "Problems a: QuotaExceeded"),
            ("works", "", "Problems a: QuotaExceeded"),
            ("wait 600", "", "Problems a: QuotaExceeded"),
        ],
    ),
    (
        "the account is locked",
        Backup,
        "z=z",
        &[
            ("fails upload: locked", "", "InSync"),
            ("here a=x", "upload a", "Problems .: AccountLocked"),
            ("works", "", "Problems .: AccountLocked"),
            ("sync", "upload a", "InSync"),
        ],
    ),
    (
        "the service asks for a pause",
        Backup,
        "z=z",
        &[
            ("fails upload: pause 100", "", "InSync"),
            ("here a=x b=y", "upload a, upload b", "Offline"),
            ("wait 60", "", "Offline"),
            ("works", "", "Offline"),
            ("wait 60", "upload a, upload b", "Working"),
        ],
    ),
    (
        "the service fails at one file",
        Backup,
        "z=z",
        &[
            ("fails upload a: unavailable", "", "InSync"),
            ("here a=x b=y", "upload a, upload b", "Problems a: Failing"),
            ("wait 300", "upload a (5 times)", "Problems a: Failing"),
            ("works", "", "Problems a: Failing"),
            ("wait 3600", "upload a", "Working"),
        ],
    ),
    (
        "the service is not reached",
        Backup,
        "z=z",
        &[
            ("fails upload: offline", "", "InSync"),
            ("fails poll: offline", "", "InSync"),
            ("here a=x", "upload a", "Offline"),
            ("wait 60", "", "Offline"),
            ("works", "", "Offline"),
            ("wait 60", "upload a", "Working"),
        ],
    ),
    (
        "a login is needed",
        Sync,
        "z=z",
        &[
            ("fails poll: login", "", "InSync"),
            ("fails upload: login", "", "InSync"),
            ("here a=x", "upload a", "LoginNeeded"),
            ("wait 3600", "", "LoginNeeded"),
            ("works", "", "LoginNeeded"),
            ("reconnect", "upload a", "Working"),
        ],
    ),
    (
        "a directory cannot be made there",
        Backup,
        "z=z",
        &[
            ("fails make there d: refused", "", "InSync"),
            ("here d/a=x e/b=y", "make there d, make there e, upload e/b", "Problems d: Refused"),
            ("works", "", "Problems d: Refused"),
            ("sync", "make there d, upload d/a", "InSync"),
        ],
    ),
    (
        "a directory cannot be made here",
        Sync,
        "z=z",
        &[
            ("fails make here d: denied", "", "InSync"),
            ("there d/a=x e/b=y", "", "InSync"),
            ("sync", "make here d, make here e, download e/b", "Problems d: Unreadable"),
            ("works", "", "Problems d: Unreadable"),
            ("sync", "make here d, download d/a", "InSync"),
        ],
    ),
    (
        "a file cannot be fetched",
        Sync,
        "z=z",
        &[
            ("fails download a: unavailable", "", "InSync"),
            ("there a=x b=y", "", "InSync"),
            ("sync", "download a, download b", "Problems a: Failing"),
            ("wait 300", "download a (5 times)", "Problems a: Failing"),
            ("works", "", "Problems a: Failing"),
            ("wait 3600", "download a", "InSync"),
        ],
    ),
    (
        "there is no room for a file",
        Pull,
        "z=z",
        &[
            ("fails stage: no space", "", "InSync"),
            ("there a=x", "", "InSync"),
            ("sync", "download a", "Problems a: LocalDisk"),
            ("works", "", "Problems a: LocalDisk"),
            ("sync", "download a", "InSync"),
        ],
    ),
    (
        "a file cannot be placed",
        Sync,
        "a=x",
        &[
            ("fails place a: broken", "", "InSync"),
            ("there a=y@200", "", "InSync"),
            ("sync", "download a", "Problems a: LocalDisk"),
            ("works", "", "Problems a: LocalDisk"),
            ("sync", "download a", "InSync"),
        ],
    ),
    (
        "a file cannot be removed here",
        Sync,
        "a=x z=z",
        &[
            ("fails trash here a: broken", "", "InSync"),
            ("there -a", "", "InSync"),
            ("sync", "trash here a", "Problems a: LocalDisk"),
            ("there b=y", "", "Problems a: LocalDisk"),
            ("sync", "download b, trash here a", "Problems a: LocalDisk"),
            ("works", "", "Problems a: LocalDisk"),
            ("sync", "trash here a", "InSync"),
        ],
    ),
    (
        "a file cannot be removed there",
        Sync,
        "a=x z=z",
        &[
            ("fails trash there a: not allowed", "", "InSync"),
            ("here -a", "trash there a", "Problems a: NotAllowed"),
            ("here b=y", "upload b", "Problems a: NotAllowed"),
            ("works", "", "Problems a: NotAllowed"),
            ("sync", "trash there a", "InSync"),
        ],
    ),
    (
        "a time cannot be set there",
        Backup,
        "a=x",
        &[
            ("fails set time there a: refused", "", "InSync"),
            ("here a=x@200", "set time there a", "Problems a: Refused"),
            ("works", "", "Problems a: Refused"),
            ("sync", "set time there a", "InSync"),
        ],
    ),
    (
        "a time cannot be set here",
        Sync,
        "a=x",
        &[
            ("fails set time here a: denied", "", "InSync"),
            ("there a=x@200", "", "InSync"),
            ("sync", "set time here a", "Problems a: Unreadable"),
            ("works", "", "Problems a: Unreadable"),
            ("sync", "set time here a", "InSync"),
        ],
    ),
    (
        "a move is refused",
        Backup,
        "a=x",
        &[
            ("fails move there a: refused", "", "InSync"),
            ("here a>b", "move there a to b, upload b, trash there a", "Working"),
            ("wait 60", "", "Working"),
            ("works", "", "Working"),
            ("wait 3600", "", "Working"),
        ],
    ),
    (
        "a move fails for now",
        Sync,
        "d/a=x z=z",
        &[
            ("fails move there d: unavailable", "", "InSync"),
            ("here d>e", "move there d to e", "Working"),
            (
                "wait 60",
                "move there d to e (2 times), make there e, move there d/a to e/a, trash there d",
                "InSync",
            ),
            ("works", "", "InSync"),
            ("wait 600", "", "InSync"),
        ],
    ),
    (
        "a move is not answered",
        Sync,
        "d/a=x z=z",
        &[
            ("fails move there d: lost", "", "InSync"),
            ("here d>e", "move there d to e", "InSync"),
            ("wait 60", "", "InSync"),
            ("sync", "", "InSync"),
        ],
    ),
    (
        "an upload is not answered",
        Backup,
        "z=z",
        &[
            ("fails upload a: lost", "", "InSync"),
            ("here a=x", "upload a", "Working"),
            ("wait 60", "", "Working"),
            ("works", "", "Working"),
            ("wait 600", "", "Working"),
        ],
    ),
    (
        "a removal is not answered",
        Backup,
        "a=x z=z",
        &[
            ("fails trash there a: lost", "", "InSync"),
            ("here -a", "trash there a", "Problems a: Failing"),
            ("works", "", "Problems a: Failing"),
            ("wait 600", "trash there a", "Working"),
        ],
    ),
    (
        "a directory cannot be read",
        Sync,
        "d/a=x z=z",
        &[
            ("fails scan d: denied", "", "InSync"),
            ("here d/b=y", "", "Problems d: Unreadable"),
            ("sync", "", "Problems d: Unreadable"),
            ("there d/c=w", "", "Problems d: Unreadable"),
            ("sync", "", "Problems d: Unreadable"),
            ("works", "", "Problems d: Unreadable"),
            ("sync", "download d/c, upload d/b", "InSync"),
        ],
    ),
    (
        "a file cannot be read",
        Backup,
        "a=x z=z",
        &[
            ("fails hash a: denied", "", "InSync"),
            ("here a=y@200", "", "Problems a: Unreadable"),
            ("here -z", "trash there z", "Problems a: Unreadable"),
            ("works", "", "Problems a: Unreadable"),
            ("sync", "upload a", "InSync"),
        ],
    ),
    (
        "a file changes while it is read",
        Backup,
        "a=x",
        &[
            ("fails hash a: changed", "", "InSync"),
            ("here a=y@200", "", "Problems a: KeepsChanging"),
            ("wait 60", "", "Problems a: KeepsChanging"),
            ("works", "", "Problems a: KeepsChanging"),
            ("wait 600", "upload a", "Working"),
        ],
    ),
    (
        "everything cannot be listed",
        Sync,
        "a=x",
        &[
            ("fails list all: refused", "", "InSync"),
            ("there b=y", "", "InSync"),
            ("sync", "", "Problems .: Refused"),
            ("wait 60", "", "Problems .: Refused"),
            ("works", "", "Problems .: Refused"),
            ("wait 3600", "download b", "InSync"),
        ],
    ),
    (
        "a listing is not complete",
        Sync,
        "a=x z=z",
        &[
            ("fails list all: incomplete", "", "InSync"),
            ("there -a", "", "InSync"),
            ("sync", "", "Problems .: Failing"),
            ("works", "", "Problems .: Failing"),
            ("wait 600", "trash here a", "InSync"),
        ],
    ),
    (
        "the place is not there",
        Backup,
        "a=x",
        &[
            ("fails upload: no mountpoint", "", "InSync"),
            ("here b=y", "upload b", "Held"),
            ("works", "", "Held"),
            ("sync", "upload b", "InSync"),
        ],
    ),
    (
        "the root is not there",
        Sync,
        "a=x",
        &[
            ("fails root: gone", "", "InSync"),
            ("sync", "", "Held"),
            ("here -a", "", "Held"),
            ("works", "", "Held"),
            ("sync", "trash there a", "InSync"),
            ("wait 60", "", "InSync"),
        ],
    ),
];

const ORDERS: &[Story] = &[
    (
        "a file that rots is not sent",
        Backup,
        "a=x b=y",
        &[
            ("rots a=w", "", "InSync"),
            ("sync", "", "InSync"),
            ("verify", "", "Problems a: Damaged"),
            ("wait 60", "", "Problems a: Damaged"),
            ("restart", "", "Problems a: Damaged"),
            ("here a=v@300", "upload a", "Working"),
            ("wait 60", "", "Working"),
        ],
    ),
    (
        "a verification of what is well",
        Sync,
        "a=x d/b=y",
        &[("verify", "", "InSync"), ("wait 60", "", "InSync")],
    ),
    (
        "a verification finds what is missing there",
        Backup,
        "a=x d/b=y",
        &[
            ("there -d", "", "InSync"),
            ("verify", "make there d, upload d/b", "InSync"),
            ("wait 60", "", "InSync"),
        ],
    ),
    (
        "what waits for approval comes back by itself",
        Backup,
        "a=x b=y z=z",
        &[
            ("here -a -b -z", "", "Held"),
            ("here a=x@300 b=y@300", "", "Held"),
            ("sync", "set time there a, set time there b", "Held"),
            ("approve", "trash there z", "InSync"),
            ("sync", "", "InSync"),
        ],
    ),
    (
        "half of many files go",
        Backup,
        "a=1 b=2 c=3 d=4 e=5 f=6 g=7 h=8 i=9 j=10 k=11 l=12 m=13 n=14 o=15 p=16 q=17 r=18 s=19 t=20 u=21",
        &[
            (
                "here -a -b -c -d -e -f -g -h -i -j",
                "trash there a, trash there b, trash there c, trash there d, trash there e, trash there f, trash there g, trash there h, trash there i, trash there j",
                "Working",
            ),
            ("here -k", "trash there k", "Working"),
            ("sync", "", "InSync"),
            ("approve", "", "InSync"),
            ("sync", "", "InSync"),
        ],
    ),
    (
        "all but one go, and are wanted back",
        Sync,
        "a=1 b=2 c=3 d=4 e=5 f=6 g=7 h=8 i=9 j=10 k=11 l=12 m=13 n=14 o=15 p=16 q=17 r=18 s=19 t=20 u=21",
        &[
            ("there -a -b -c -d -e -f -g -h -i -j -k -l -m -n -o -p -q -r -s -t", "", "InSync"),
            ("sync", "", "Held"),
            (
                "reject",
                "upload a, upload b, upload c, upload d, upload e, upload f, upload g, upload h, upload i, upload j, upload k, upload l, upload m, upload n, upload o, upload p, upload q, upload r, upload s, upload t",
                "InSync",
            ),
            ("sync", "", "InSync"),
        ],
    ),
    (
        "deletes of a root that was emptied, approved",
        Sync,
        "a=x b=y",
        &[
            ("here -a -b", "", "Held"),
            ("approve", "", "Held"),
            ("approve", "trash there a, trash there b", "Working"),
            ("wait 60", "", "Working"),
            ("sync", "", "InSync"),
        ],
    ),
    (
        "a pause until a person goes on",
        Sync,
        "a=x",
        &[
            ("pause", "", "Paused"),
            ("here a=y@200", "", "Paused"),
            ("there b=z", "", "Paused"),
            ("sync", "", "Paused"),
            ("wait 3600", "", "Paused"),
            ("resume", "upload a, download b", "InSync"),
            ("wait 60", "", "InSync"),
        ],
    ),
    (
        "a pause for a time",
        Backup,
        "a=x",
        &[
            ("pause 100", "", "Paused"),
            ("here a=y@200", "", "Paused"),
            ("wait 90", "", "Paused"),
            ("wait 20", "upload a", "Working"),
        ],
    ),
    (
        "a pause over a restart",
        Backup,
        "a=x",
        &[
            ("pause", "", "Paused"),
            ("unseen a=y@200", "", "Paused"),
            ("restart", "", "Paused"),
            ("wait 60", "", "Paused"),
            ("resume", "upload a", "InSync"),
        ],
    ),
    (
        "a pause for a time over a restart",
        Backup,
        "a=x",
        &[
            ("pause 100", "", "Paused"),
            ("unseen a=y@200", "", "Paused"),
            ("restart", "", "Paused"),
            ("wait 120", "upload a", "InSync"),
        ],
    ),
    (
        "deletes of a root that was emptied, rejected",
        Backup,
        "a=x b=y",
        &[
            ("here -a -b", "", "Held"),
            ("reject", "download a, download b", "Working"),
            ("wait 60", "", "Working"),
            ("sync", "", "InSync"),
        ],
    ),
    (
        "deletes of a root that was emptied, rejected after a restart",
        Archive,
        "a=x b/c=y",
        &[
            ("here -a -b", "", "Held"),
            ("restart", "", "Held"),
            ("reject", "download a, make here b, download b/c", "InSync"),
            ("wait 60", "", "InSync"),
        ],
    ),
    (
        "a disk that is gone",
        Backup,
        "z=z",
        &[
            ("mount m 7", "", "InSync"),
            ("here m/a=x", "make there m, upload m/a", "Working"),
            ("unmount m", "", "Working"),
            ("here -m/a", "", "Problems m: MountChanged"),
            ("wait 60", "", "Problems m: MountChanged"),
            ("accept m", "trash there m/a", "Working"),
            ("wait 60", "", "Working"),
        ],
    ),
    (
        "a disk that comes back",
        Sync,
        "z=z",
        &[
            ("mount m 7", "", "InSync"),
            ("here m/a=x", "make there m, upload m/a", "Working"),
            ("unmount m", "", "Working"),
            ("here -m/a", "", "Problems m: MountChanged"),
            ("sync", "", "Problems m: MountChanged"),
            ("mount m 7", "", "Problems m: MountChanged"),
            ("here m/a=y@200", "upload m/a", "Working"),
            ("sync", "", "InSync"),
        ],
    ),
    (
        "another disk",
        Sync,
        "z=z",
        &[
            ("mount m 7", "", "InSync"),
            ("here m/a=x", "make there m, upload m/a", "Working"),
            ("mount m 8", "", "Working"),
            ("here m/a=y@200", "", "Problems m: MountChanged"),
            ("accept m", "upload m/a", "Working"),
            ("wait 60", "", "Working"),
        ],
    ),
    (
        "a verification finds what nobody told of",
        Sync,
        "a=x b=y",
        &[("unseen a=w", "", "InSync"), ("verify", "upload a", "InSync"), ("wait 60", "", "InSync")],
    ),
    (
        "what cannot be used there keeps its directory",
        Sync,
        "d/a=x z=z",
        &[
            ("unusable d/..", "", "InSync"),
            ("sync", "", "Problems .: ImpossibleName"),
            ("here -d", "trash there d", "Problems d: ImpossibleName, .: ImpossibleName"),
            ("wait 60", "", "Problems d: ImpossibleName, .: ImpossibleName"),
        ],
    ),
    (
        "words of the service",
        Sync,
        "a=x",
        &[
            ("listen", "", "InSync"),
            ("heard b=y", "download b", "Working"),
            ("heard a=z@200", "download a", "Working"),
            ("heard b>c", "move here b to c", "Working"),
            ("heard -c", "", "Working"),
            ("heard d/e/f=1", "make here d, make here d/e, download d/e/f", "Working"),
            ("heard d>g", "make here g, make here g/e, move here d/e/f to g/e/f", "Working"),
        ],
    ),
    (
        "the service says only that something is new",
        Sync,
        "a=x",
        &[
            ("listen", "", "InSync"),
            ("there b=y", "", "InSync"),
            ("anywhere", "download b", "InSync"),
            ("there c=z", "", "InSync"),
            ("elsewhere", "", "InSync"),
            ("deaf", "", "InSync"),
        ],
    ),
    (
        "the stamp moves",
        Sync,
        "a=x",
        &[
            ("there b=y", "", "InSync"),
            ("stamp 2", "", "InSync"),
            ("wait 600", "download b", "InSync"),
            ("wait 600", "", "InSync"),
        ],
    ),
];

const LATE: &[Story] = &[
    (
        "a directory that others made is shown late inside",
        Sync,
        "a=x",
        &[
            ("listen", "", "InSync"),
            ("shows a=x d/", "", "InSync"),
            ("heard d/b=y", "make here d", "Working"),
            ("wait 10", "", "Working"),
            ("shows all", "", "Working"),
            ("wait 30", "download d/b", "InSync"),
            ("sync", "", "InSync"),
        ],
    ),
    (
        "what others removed is still shown",
        Sync,
        "a=x b=y",
        &[
            ("listen", "", "InSync"),
            ("shows a=x b=y", "", "InSync"),
            ("heard -b", "", "Working"),
            ("wait 3", "", "Working"),
            ("shows all", "", "Working"),
            ("wait 30", "trash here b", "InSync"),
            ("sync", "", "InSync"),
        ],
    ),
    (
        "what was made here is gone there before it was seen",
        Backup,
        "a=x",
        &[
            ("shows a=x", "", "InSync"),
            ("here b=y", "upload b", "Working"),
            ("shows all", "", "Working"),
            ("there -b", "", "Working"),
            ("wait 60", "", "Problems b: Failing"),
            ("sync", "upload b", "InSync"),
        ],
    ),
    (
        "a directory is removed there while something is sent into it",
        Sync,
        "d/a=x z=z",
        &[
            ("lasts upload d/b", "", "InSync"),
            ("here d/b=y", "upload d/b", "Working"),
            ("there -d", "", "Working"),
            ("ends", "", "Working"),
            ("wait 60", "", "Working"),
            ("sync", "trash here d/a", "InSync"),
            ("wait 60", "", "InSync"),
        ],
    ),
    (
        "a file is edited there while it is sent",
        Sync,
        "a=x z=z",
        &[
            ("lasts upload a", "", "InSync"),
            ("here a=y@200", "upload a", "Working"),
            ("there a=w@300", "", "Working"),
            ("ends", "upload a, move here a to a~, download a, upload a~", "Working"),
            ("wait 60", "", "Working"),
            ("sync", "", "InSync"),
        ],
    ),
    (
        "a file is edited here while it is fetched",
        Sync,
        "a=x z=z",
        &[
            ("lasts download a", "", "InSync"),
            ("there a=w@300", "", "InSync"),
            ("sync", "download a", "Working"),
            ("here a=y@200", "", "Working"),
            ("ends", "move here a to a~, download a, upload a~", "Working"),
            ("wait 60", "", "Working"),
            ("sync", "", "InSync"),
        ],
    ),
    (
        "a directory is filled here while it is removed",
        Sync,
        "d/a=x z=z",
        &[
            ("lasts trash there d", "", "InSync"),
            ("here -d", "trash there d", "Working"),
            ("here d/b=y", "", "Working"),
            ("ends", "upload d/b, trash there d/a", "Working"),
            ("wait 60", "", "Working"),
            ("sync", "", "InSync"),
        ],
    ),
    (
        "a directory is filled there while it is removed here",
        Sync,
        "d/a=x z=z",
        &[
            ("lasts trash here d", "", "InSync"),
            ("there -d", "", "InSync"),
            ("sync", "trash here d", "Working"),
            ("there d/b=y", "", "Working"),
            ("ends", "trash here d (2 times)", "Working"),
            ("wait 60", "trash here d (3 times), download d/b, trash here d/a", "InSync"),
            ("sync", "", "InSync"),
        ],
    ),
    (
        "what is moved here is edited there meanwhile",
        Sync,
        "a=x z=z",
        &[
            ("lasts move there a", "", "InSync"),
            ("here a>b", "move there a to b", "Working"),
            ("there a=y@200", "", "Working"),
            ("ends", "", "Working"),
            ("wait 60", "download a, upload b", "InSync"),
            ("sync", "", "InSync"),
        ],
    ),
    (
        "what moved there is edited here meanwhile",
        Sync,
        "a=x z=z",
        &[
            ("lasts move here a", "", "InSync"),
            ("there a>b", "", "InSync"),
            ("sync", "move here a to b", "Working"),
            ("here a=y@200", "", "Working"),
            ("ends", "upload b", "Working"),
            ("wait 60", "", "Working"),
            ("sync", "", "InSync"),
        ],
    ),
    (
        "a run that is killed while it sends",
        Backup,
        "a=x",
        &[
            ("lasts upload b", "", "InSync"),
            ("here b=y", "upload b", "Working"),
            ("restart", "upload b", "Working"),
            ("wait 60", "", "Working"),
        ],
    ),
    (
        "a run that is killed after it has sent",
        Backup,
        "a=x",
        &[
            ("lasts upload b", "", "InSync"),
            ("here b=y", "upload b", "Working"),
            ("there b=y", "", "Working"),
            ("restart", "", "InSync"),
            ("wait 60", "", "InSync"),
        ],
    ),
    (
        "a run that is killed while it moves",
        Sync,
        "d/a=x z=z",
        &[
            ("lasts move there d", "", "InSync"),
            ("here d>e", "move there d to e", "Working"),
            ("restart", "move there d to e", "Working"),
            ("wait 60", "", "Working"),
        ],
    ),
    (
        "a run that is killed after it has moved",
        Sync,
        "d/a=x z=z",
        &[
            ("lasts move there d", "", "InSync"),
            ("here d>e", "move there d to e", "Working"),
            ("there d>e", "", "Working"),
            ("restart", "", "InSync"),
            ("wait 60", "", "InSync"),
        ],
    ),
    (
        "a run that is killed while it swaps",
        Sync,
        "a=x b=y",
        &[
            ("lasts move there b", "", "InSync"),
            ("here a>t b>a t>b", "move there a to (parked), move there b to a", "Working"),
            ("restart", "move there b to a", "Working"),
            ("wait 60", "", "Working"),
        ],
    ),
    (
        "a run that is killed while it fetches",
        Sync,
        "a=x",
        &[
            ("lasts download b", "", "InSync"),
            ("there b=y", "", "InSync"),
            ("sync", "download b", "Working"),
            ("restart", "download b", "Working"),
            ("wait 60", "", "Working"),
        ],
    ),
    (
        "a run that is killed while it removes there",
        Sync,
        "a=x b=y",
        &[
            ("lasts trash there b", "", "InSync"),
            ("here -b", "trash there b", "Working"),
            ("there -b", "", "Working"),
            ("restart", "", "InSync"),
            ("wait 60", "", "InSync"),
        ],
    ),
    (
        "a run that is killed while it removes here",
        Sync,
        "a=x b=y",
        &[
            ("lasts trash here b", "", "InSync"),
            ("there -b", "", "InSync"),
            ("sync", "trash here b", "Working"),
            ("restart", "trash here b", "Working"),
            ("wait 60", "", "Working"),
        ],
    ),
    (
        "a run that is killed while it follows a move",
        Sync,
        "d/a=x z=z",
        &[
            ("lasts move here d", "", "InSync"),
            ("there d>e", "", "InSync"),
            ("sync", "move here d to e", "Working"),
            ("unseen d>e", "", "Working"),
            ("restart", "", "InSync"),
            ("wait 60", "", "InSync"),
        ],
    ),
    (
        "what was sent is shown late",
        Sync,
        "a=x",
        &[
            ("shows a=x", "", "InSync"),
            ("here b=y", "upload b", "Working"),
            ("wait 10", "", "Working"),
            ("shows all", "", "Working"),
            ("wait 20", "", "Working"),
            ("sync", "", "InSync"),
        ],
    ),
    (
        "what was sent is not shown for long",
        Backup,
        "a=x",
        &[
            ("shows a=x", "", "InSync"),
            ("here b=y", "upload b", "Working"),
            ("wait 30", "", "Problems b: Failing"),
            ("wait 30", "", "Problems b: Failing"),
            ("shows all", "", "Problems b: Failing"),
            ("wait 1800", "upload b", "Working"),
            ("sync", "", "InSync"),
        ],
    ),
    (
        "what was removed is shown late",
        Sync,
        "a=x b=y",
        &[
            ("shows a=x b=y", "", "InSync"),
            ("here -b", "trash there b", "Working"),
            ("sync", "", "Working"),
            ("wait 15", "", "Working"),
            ("shows all", "", "Working"),
            ("wait 30", "", "InSync"),
            ("sync", "", "InSync"),
        ],
    ),
    (
        "what was edited is shown late",
        Sync,
        "a=x b=y",
        &[
            ("shows a=x b=y", "", "InSync"),
            ("here b=z@200", "upload b", "Working"),
            ("sync", "upload b", "Working"),
            ("wait 15", "", "Working"),
            ("shows all", "", "Working"),
            ("wait 30", "", "InSync"),
            ("sync", "", "InSync"),
        ],
    ),
    (
        "a directory that was moved is shown late",
        Sync,
        "d/a=x z=z",
        &[
            ("shows d/a=x z=z", "", "InSync"),
            ("here d>e", "move there d to e", "Working"),
            ("sync", "", "Working"),
            ("wait 15", "", "Working"),
            ("shows all", "", "Working"),
            ("wait 30", "", "InSync"),
            ("sync", "", "InSync"),
        ],
    ),
    (
        "a move whose answer is lost is shown late",
        Sync,
        "d/a=x z=z",
        &[
            ("shows d/a=x z=z", "", "InSync"),
            ("fails move there d: lost", "", "InSync"),
            ("here d>e", "move there d to e (2 times)", "Working"),
            ("sync", "move there d to e", "Working"),
            ("wait 15", "make there e, move there d/a to e/a (3 times)", "Working"),
            ("shows all", "", "Working"),
            ("works", "", "Working"),
            ("wait 30", "", "InSync"),
            ("sync", "", "InSync"),
        ],
    ),
    (
        "a move whose answer is lost was not done",
        Sync,
        "a=x z=z",
        &[
            ("shows a=x z=z", "", "InSync"),
            ("fails move there a: offline", "", "InSync"),
            ("here a>b", "move there a to b", "Working"),
            ("wait 30", "move there a to b (2 times)", "Working"),
            ("works", "", "Working"),
            ("shows all", "upload b, trash there a", "Working"),
            ("wait 60", "", "Working"),
            ("sync", "", "InSync"),
        ],
    ),
    (
        "what others removed comes back late",
        Sync,
        "a=x b=y",
        &[
            ("listen", "", "InSync"),
            ("heard -b", "trash here b", "Working"),
            ("shows a=x b=y", "", "Working"),
            ("sync", "", "Working"),
            ("wait 15", "", "Working"),
            ("shows all", "", "InSync"),
            ("sync", "", "InSync"),
            ("wait 30", "", "InSync"),
        ],
    ),
    (
        "what others made is shown late",
        Sync,
        "a=x",
        &[
            ("listen", "", "InSync"),
            ("shows a=x", "", "InSync"),
            ("heard d/b=y", "", "Working"),
            ("wait 10", "", "Working"),
            ("shows all", "", "Working"),
            ("wait 30", "make here d, download d/b", "InSync"),
            ("sync", "", "InSync"),
        ],
    ),
    (
        "what others edited is shown late",
        Sync,
        "a=x",
        &[
            ("listen", "", "InSync"),
            ("shows a=x", "", "InSync"),
            ("heard a=y@200", "", "Working"),
            ("wait 3", "", "Working"),
            ("shows all", "", "Working"),
            ("wait 30", "download a", "InSync"),
            ("sync", "", "InSync"),
        ],
    ),
    (
        "what others renamed is shown late",
        Sync,
        "d/a=x d/b=y",
        &[
            ("listen", "", "InSync"),
            ("shows d/a=x d/b=y", "", "InSync"),
            ("heard d>e", "", "Working"),
            ("wait 5", "", "Working"),
            ("shows all", "make here e, move here d/a to e/a, move here d/b to e/b", "Working"),
            ("wait 30", "trash here d", "InSync"),
            ("sync", "", "InSync"),
        ],
    ),
    (
        "a directory is filled while it is shown late",
        Backup,
        "a=x",
        &[
            ("shows a=x d/", "", "InSync"),
            ("here d/b=y d/e/c=z", "make there d, upload d/b, make there d/e, upload d/e/c", "Working"),
            ("wait 10", "", "Working"),
            ("shows all", "", "Working"),
            ("wait 30", "", "Working"),
            ("sync", "", "InSync"),
        ],
    ),
];

#[test]
fn of_names_that_are_one_to_the_service_one_waits_until_the_other_gives_way() {
    assert_stories(NAMES, in_mode);
}

#[test]
fn rules_keep_apart_what_they_ignore_as_long_as_they_are_there() {
    assert_stories(RULES, in_mode);
}

#[test]
fn files_that_are_too_large_stay_where_they_are() {
    assert_stories(SIZES, |mode| FolderSettings { max_size: Some(3), ..in_mode(mode) });
}

#[test]
fn what_fails_is_told_and_over_as_soon_as_it_works() {
    assert_stories(REFUSALS, in_mode);
}

const AT_REST: &[Story] = &[
    (
        "a root that was emptied, approved",
        Sync,
        "a=x b=y",
        &[
            ("here -a -b", "", "Held"),
            ("stop", "", "Held"),
            ("approve", "", "Held"),
            ("restart", "", "Held"),
            ("wait 10", "", "Held"),
            ("approve", "trash there a, trash there b", "InSync"),
            ("wait 10", "", "InSync"),
        ],
    ),
    (
        "a root that was emptied, rejected",
        Sync,
        "a=x b=y",
        &[
            ("here -a -b", "", "Held"),
            ("stop", "", "Held"),
            ("reject", "", "Held"),
            ("restart", "download a, download b", "InSync"),
            ("wait 10", "", "InSync"),
        ],
    ),
    (
        "what is decided can be taken back",
        Backup,
        "a=x b=y",
        &[
            ("here -a -b", "", "Held"),
            ("stop", "", "Held"),
            ("approve", "", "Held"),
            ("reject", "", "Held"),
            ("restart", "download a, download b", "InSync"),
            ("wait 10", "", "InSync"),
        ],
    ),
    (
        "a remote root that was emptied, approved",
        Sync,
        "a=x b=y",
        &[
            ("there -a -b", "", "InSync"),
            ("sync", "trash here a, trash here b", "InSync"),
            ("wait 60", "", "InSync"),
            ("stop", "", "InSync"),
            ("approve", "", "InSync"),
            ("restart", "", "InSync"),
            ("wait 60", "", "InSync"),
        ],
    ),
    (
        "a remote root that is gone, rejected",
        Sync,
        "a=x b=y",
        &[
            ("fails list all: not found", "", "InSync"),
            ("sync", "", "Working"),
            ("wait 60", "", "Held"),
            ("stop", "", "Held"),
            ("reject", "", "Held"),
            ("works", "", "Held"),
            ("restart", "", "InSync"),
            ("wait 60", "", "InSync"),
        ],
    ),
    (
        "a remote root that is gone, approved",
        Sync,
        "a=x b=y",
        &[
            ("fails list all: not found", "", "InSync"),
            ("sync", "", "Working"),
            ("wait 60", "", "Held"),
            ("stop", "", "Held"),
            ("approve", "", "Held"),
            ("restart", "", "Working"),
        ],
    ),
    (
        "a root that is missing comes back by itself",
        Sync,
        "a=x b=y",
        &[
            ("fails root: gone", "", "InSync"),
            ("sync", "", "Held"),
            ("stop", "", "Held"),
            ("approve", "", "Held"),
            ("works", "", "Held"),
            ("restart", "", "InSync"),
            ("wait 10", "", "InSync"),
        ],
    ),
    (
        "a pause",
        Backup,
        "a=x",
        &[
            ("stop", "", "InSync"),
            ("pause", "", "Paused"),
            ("unseen a=y@200", "", "Paused"),
            ("restart", "", "Paused"),
            ("wait 10", "", "Paused"),
            ("resume", "upload a", "InSync"),
        ],
    ),
    (
        "a pause that is ended",
        Backup,
        "a=x",
        &[
            ("pause", "", "Paused"),
            ("stop", "", "Paused"),
            ("resume", "", "InSync"),
            ("unseen a=y@200", "", "InSync"),
            ("restart", "upload a", "InSync"),
            ("wait 10", "", "InSync"),
        ],
    ),
    (
        "a disk",
        Backup,
        "z=z",
        &[
            ("mount m 7", "", "InSync"),
            ("here m/a=x", "make there m, upload m/a", "Working"),
            ("unmount m", "", "Working"),
            ("here -m/a", "", "Problems m: MountChanged"),
            ("stop", "", "Problems m: MountChanged"),
            ("accept m", "", "Problems m: MountChanged"),
            ("restart", "trash there m/a", "InSync"),
            ("wait 10", "", "InSync"),
        ],
    ),
    (
        "what was left undone is done",
        Sync,
        "z=z",
        &[
            ("fails upload a: unavailable", "", "InSync"),
            ("here a=x", "upload a", "Problems a: Failing"),
            ("stop", "", "Problems a: Failing"),
            ("works", "", "Problems a: Failing"),
            ("restart", "upload a", "InSync"),
            ("wait 10", "", "InSync"),
        ],
    ),
];

/// What is decided while nothing runs is followed by the next run.
#[test]
fn what_a_person_orders_while_nothing_runs_is_done_later() {
    assert_stories(AT_REST, in_mode);
}

#[test]
fn what_a_person_orders_is_done() {
    assert_stories(ORDERS, in_mode);
}

#[test]
fn a_late_service_is_waited_for() {
    assert_stories(LATE, in_mode);
}
