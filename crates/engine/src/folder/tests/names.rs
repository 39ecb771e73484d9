//! Names that may be one to the service, and what is told of them.

use super::*;

/// A directory was sent a moment ago, was renamed locally to another letter case, and the service shows that
/// one alone. Whatever was asked for under the old name would reach the new one.
#[test]
fn two_names_that_may_be_one_entry_of_the_service_are_left_alone_until_that_is_known() {
    let mut driver = Driver::new(&["d"]);
    let (row, now, began) = (driver.row("d"), driver.now(), driver.seconds);
    driver.folder.recent_writes.sent(&Driver::stored("d"), None, now);
    driver.directories[0] = "D".to_owned();
    driver.tell(Event::Request(Request::SyncNow));
    driver.run_for(15);
    assert!([row, driver.row("D")].into_iter().all(|row| driver.folder.contesting.holds(row)));
    assert_eq!(driver.status().verdict, Verdict::Working);
    let is_deed = |what: &str| ["move", "upload", "make_directory", "trash"].contains(&what);
    let is_idle = |driver: &Driver| driver.asked.iter().all(|(at, what, _)| *at < began || !is_deed(what));
    assert!(is_idle(&driver), "{:?}", driver.asked);
    driver.run_for(30);
    assert!(driver.folder.contesting.is_idle());
    assert_eq!(driver.status().verdict, Verdict::InSync);
    assert!(is_idle(&driver), "{:?}", driver.asked);
}

/// Of two words of our own work that come before its answers neither says what is there now. Once, they were
/// taken for others', and a late service was believed that what had been sent was gone.
#[test]
fn words_of_our_own_work_are_not_those_of_others() {
    for (is_busy, is_doubted) in [(true, true), (false, false)] {
        let mut driver = Driver::new(&["a"]);
        let (row, now) = (driver.row("a/f"), driver.now());
        driver.folder.recent_writes.sent(&Driver::stored("a/f"), None, now);
        if is_busy {
            driver.folder.in_flight.set_at(row, true);
        }
        for size in [4, 5] {
            let file = File { content: Content { size, ..Driver::agreed().content }, ..Driver::agreed() };
            let told = RemoteHint::Entry { path: Driver::stored("a/f"), told: Told::File(file) };
            driver.tell(Event::RemoteHint(told));
        }
        driver.folder.in_flight.set_at(row, false);
        driver.run_for(5);
        let looked = driver.now().monotonic;
        let file = Some(RemoteNode::File(Driver::agreed()));
        let until = driver.folder.recent_writes.stale_until(&Driver::stored("a/f"), file, None, looked);
        assert_eq!(until.is_some(), is_doubted);
    }
}

#[test]
fn a_new_run_lists_everything_where_two_names_may_be_one_entry() {
    for is_contested in [true, false] {
        let mut driver = Driver::new(&["d"]);
        let now = driver.now();
        driver.folder.recent_writes.sent(&Driver::stored("d"), None, now);
        if is_contested {
            driver.directories[0] = "D".to_owned();
        }
        driver.tell(Event::Request(Request::SyncNow));
        let index = driver.folder.crash().after_a_crash().unwrap();
        let mut folder = Folder::new(FolderSettings { list_at_start: false, ..settings() }, index).unwrap();
        folder.handle([Event::Started], now).unwrap();
        assert_eq!(folder.listing.is_wanted(), is_contested);
    }
}

/// What was sent into one of two such directories cannot be looked for, so neither can it be waited for.
/// Once, both were left alone for ever (`sync` 23001663 with `--meddling`).
#[test]
fn what_was_sent_into_one_of_two_such_names_does_not_keep_them_in_doubt() {
    let mut driver = Driver::new(&["d"]);
    let (now, directory, file) = (driver.now(), driver.row("d"), driver.row("d/f"));
    driver.folder.recent_writes.sent(&Driver::stored("d/f"), None, now);
    driver.claim("d/f", RemoteNode::File(Driver::edited(1)));
    driver.folder.claim_accepted(file, directory);
    driver.directories[0] = "D".to_owned();
    driver.tell(Event::Request(Request::SyncNow));
    assert!(driver.folder.contesting.holds(directory));
    driver.run_for(60);
    assert!(driver.folder.contesting.is_idle());
    assert_eq!(driver.status().verdict, Verdict::InSync);
}

/// Others give a directory, which the service had under another spelling, that of its row, and the other
/// spelling has a local row as well. Once, what had been agreed on went to that row, and the directory
/// counted as deleted (`sync` 11001115, 17002893, 11000759).
#[test]
fn what_gets_the_name_of_its_row_stays_with_that() {
    let mut driver = Driver::with(FolderSettings { mode: Mode::Sync, ..settings() }, &["D", "d"]);
    for text in ["d/f", "d"] {
        let mut node = driver.folder.index.locate(&path(text)).unwrap().unwrap();
        (node.base, node.remote) = (None, None);
        driver.folder.index.save(&mut node).unwrap();
        driver.missing.insert(text.to_owned());
    }
    let mut known = driver.folder.index.locate(&path("D")).unwrap().unwrap();
    known.remote.as_mut().unwrap().name = Some(StoredName::new("d").unwrap());
    driver.folder.index.save(&mut known).unwrap();
    driver.folder.rechecks.want(NodeId::ROOT);
    driver.tell(Event::Timer);
    let remote = |text: &str| driver.folder.index.locate(&path(text)).unwrap().unwrap().remote;
    assert!(remote("D").is_some_and(|remote| remote.name.is_none()));
    assert_eq!(remote("d"), None);
}

/// What was sent may have got the spelling of something that nobody knew of. The look that shows it tells the
/// name as well, where the service does (protocol U-50); once, only the next listing did.
#[test]
fn another_spelling_of_what_was_sent_is_known_when_it_is_seen() {
    for is_told in [true, false] {
        let mut driver = Driver::new(&["d"]);
        driver.claim("d", RemoteNode::Directory);
        let row = driver.row("d");
        driver.names_as_asked = !is_told;
        driver.directories[0] = "D".to_owned();
        let began = driver.seconds;
        driver.folder.claim_accepted(row, NodeId::ROOT);
        driver.tell(Event::Timer);
        let remote = driver.folder.index.node(row).unwrap().unwrap().remote.unwrap();
        assert!(!remote.claimed);
        let expected = if is_told { "D" } else { "d" };
        assert_eq!(remote.name.as_ref().map_or("d", StoredName::as_str), expected);
        assert_eq!(driver.asked_for("list_directory", began), 0, "{:?}", driver.asked);
    }
}

/// A local directory has the very name under which the service has what another row stands for, on which
/// nothing is agreed. Once, the two stood side by side for ever, and a proof said that all was in step.
#[test]
fn what_the_service_has_is_filed_under_a_local_entry_of_its_very_name_when_that_comes() {
    for (agreed, holder) in [(&[][..], "D"), (&["d"], "d"), (&["d/f"], "d")] {
        let mut driver = Driver::with(FolderSettings { mode: Mode::Pull, ..settings() }, &["d"]);
        for name in ["d", "d/f"] {
            let mut known = driver.folder.index.locate(&path(name)).unwrap().unwrap();
            known.base = known.base.filter(|_| agreed.contains(&name));
            if name == "d" {
                known.remote.as_mut().unwrap().name = StoredName::new("D");
            }
            driver.folder.index.save(&mut known).unwrap();
        }
        driver.directories.push("D".to_owned());
        driver.tell(Event::LocalHints(vec![LocalHint::Directory(RelativePath::root())]));
        let has_remote =
            |name: &str| driver.folder.index.locate(&path(name)).unwrap().unwrap().remote.is_some();
        assert_eq!((has_remote("d"), has_remote("D")), (holder == "d", holder == "D"), "{:?}", driver.asked);
    }
}

/// The service has what one of two local entries stands for under the name of the other one, and a `pull`
/// cannot give it that. Once, nothing told so: a proof said that all was in step, or the first one failed for
/// ever (`pull` 32000499 with `--rules`, 33000520 with `--disks`).
#[test]
fn a_local_entry_that_has_the_name_which_another_is_to_get_is_a_problem_until_one_of_them_has_it_no_more() {
    for gives_way in ["the one in the way", "the one that is to follow", "the service"] {
        let mut driver = Driver::with(FolderSettings { mode: Mode::Pull, ..settings() }, &["d"]);
        let mut known = driver.folder.index.locate(&path("d")).unwrap().unwrap();
        known.remote.as_mut().unwrap().name = StoredName::new("D");
        driver.folder.index.save(&mut known).unwrap();
        driver.directories.push("D".to_owned());
        driver.missing.extend(["d", "d/f"].map(str::to_owned));
        let root = || Event::LocalHints(vec![LocalHint::Directory(RelativePath::root())]);
        driver.tell(root());
        driver.folder.note_spelling(&known);
        driver.run_for(60);
        let problems = driver.folder.problems().unwrap();
        let told: Vec<_> = problems.iter().map(|problem| (problem.path.clone(), problem.kind)).collect();
        assert_eq!(told, [(path("D"), ProblemKind::NameClash)], "{:?}", driver.asked);
        assert_eq!(driver.status().verdict, Verdict::Problems);
        let began = driver.seconds + 1;
        driver.run_for(1);
        match gives_way {
            "the one in the way" => drop(driver.gone_locally.insert("D".to_owned())),
            "the one that is to follow" => drop(driver.gone_locally.insert("d".to_owned())),
            _ => {
                driver.missing = ["D", "D/f"].map(str::to_owned).into();
                driver.folder.rechecks.want(NodeId::ROOT);
            }
        }
        driver.tell(root());
        driver.run_for(7 * HOUR);
        assert_eq!(driver.folder.problems().unwrap(), [], "{gives_way}: {:?}", driver.asked);
        assert_eq!(driver.status().verdict, Verdict::InSync, "{gives_way}: {:?}", driver.asked);
        let renamed = usize::from(gives_way == "the one in the way");
        assert_eq!(driver.asked_for("move_local", began), renamed, "{gives_way}: {:?}", driver.asked);
        assert_eq!(driver.asked_for("download", began), 0, "{gives_way}: {:?}", driver.asked);
    }
}

/// Once, what only the service had stayed under the row of its old name, and was ignored as that was (`sync`
/// and `pull` 35004262 with `--rules`).
#[test]
fn a_rule_for_the_old_name_of_what_only_the_service_has_is_none_for_its_new_one() {
    let mut driver = Driver::unstarted(FolderSettings { mode: Mode::Sync, ..settings() }, &["d", "d/e"]);
    driver.rules.insert("d".to_owned(), "e");
    driver.gone_locally.extend(["d/e", "d/E"].map(str::to_owned));
    driver.missing.extend(["d/e/f", "d/E/f"].map(str::to_owned));
    driver.tell(Event::Started);
    driver.run_for(60);
    assert_eq!(driver.asked_for("make_local_directory", 0), 0, "{:?}", driver.asked);
    driver.directories[1] = "d/E".to_owned();
    driver.tell(Event::Request(Request::SyncNow));
    assert_eq!(driver.asked_for("make_local_directory", 0), 1, "{:?}", driver.asked);
    assert_eq!(driver.folder.index.locate(&path("d/e")).unwrap(), None);
}

/// Once, what had kept a local entry from following a name stayed a problem for ever where another entry came
/// that had the name (`pull` 36003324 with `--refusals --doubts`).
#[test]
fn what_kept_an_entry_from_following_a_name_is_no_problem_once_another_one_has_the_name() {
    let mut driver = Driver::with(FolderSettings { mode: Mode::Pull, ..settings() }, &["d"]);
    for name in ["d/f", "d"] {
        let mut known = driver.folder.index.locate(&path(name)).unwrap().unwrap();
        (known.base, known.remote) = (None, known.remote.filter(|_| name == "d"));
        if let Some(remote) = &mut known.remote {
            remote.name = StoredName::new("D");
        }
        driver.folder.index.save(&mut known).unwrap();
        driver.folder.note_spelling(&known);
    }
    driver.directories.push("D".to_owned());
    driver.gone_locally.insert("D".to_owned());
    driver.missing.extend(["d", "d/f", "D/f"].map(str::to_owned));
    driver.refusals.insert("move_local", refusal(RemoteErrorKind::Refused, None));
    driver.tell(Event::Request(Request::SyncNow));
    driver.run_for(10);
    let problems = driver.folder.problems().unwrap();
    let told: Vec<_> = problems.iter().map(|problem| (problem.path.clone(), problem.kind)).collect();
    assert_eq!(told, [(path("d"), ProblemKind::Refused)], "{:?}", driver.asked);
    driver.gone_locally.clear();
    driver.tell(Event::Request(Request::SyncNow));
    driver.run_for(60);
    assert_eq!(driver.folder.problems().unwrap(), [], "{:?}", driver.asked);
}

/// A path finds what is there under every spelling, so a look at what was sent may show the namesake beside
/// it. A listing tells the two apart, and is asked for at once, also right after a move of our own.
#[test]
fn what_was_sent_beside_a_namesake_is_looked_for_in_a_listing() {
    for is_shown in [false, true] {
        let mut driver = Driver::new(&["D", "d"]);
        driver.claim("d", RemoteNode::Directory);
        if !is_shown {
            driver.missing.extend(["d".to_owned(), "d/f".to_owned()]);
        }
        let (row, now) = (driver.row("d"), driver.now());
        driver.folder.recent_writes.moved(&Driver::stored("elsewhere"), &Driver::stored("d"), None, now);
        driver.folder.claim_accepted(row, NodeId::ROOT);
        let began = driver.seconds;
        driver.tell(Event::Timer);
        let remote = driver.folder.index.node(row).unwrap().unwrap().remote;
        assert_eq!(remote.is_some_and(|remote| !remote.claimed), is_shown, "{:?}", driver.asked);
        let asked = ["look", "list_directory"].map(|what| driver.asked_for(what, began));
        assert_eq!(asked, [0, 1], "{:?}", driver.asked);
    }
}
