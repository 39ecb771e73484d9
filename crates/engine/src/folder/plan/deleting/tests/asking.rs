//! What a delete asks for: what must still be there, to the last entry, when it is carried out.

use super::*;

const ROOT: Identity = Identity { inode: 2, born: 1 };

/// A folder in which nothing is held for its share.
fn folder(index: Index) -> Folder {
    let mut settings = settings();
    settings.delete_limits.max_delete_percent = 100;
    let mut folder = Folder::new(settings, index).unwrap();
    folder.root.found_as(ROOT);
    folder
}

/// What is asked for first.
fn asked(folder: &mut Folder) -> Option<Task> {
    for _ in 0..10_000 {
        folder.round.begin_step();
        let is_done = folder.plan_deletes(now(1)).unwrap();
        if is_done || !folder.commands.is_empty() {
            break;
        }
    }
    folder.commands.pop().map(|command| command.task)
}

fn row(index: &Index, id: NodeId) -> Node {
    index.node(id).unwrap().unwrap()
}

fn stat_of(index: &Index, id: NodeId) -> crate::disk::FileStat {
    let Local::File { stat, .. } = row(index, id).local else { panic!("it is no file") };
    stat
}

/// One side gave everything below a row up, and the row itself.
fn give_up(index: &mut Index, top: NodeId, side: Side) {
    match side {
        Side::Local => remove(index, top),
        Side::Remote => {
            for id in rows_from(index, top) {
                let mut node = row(index, id);
                node.remote = None;
                index.save(&mut node).unwrap();
            }
        }
    }
}

/// A directory with more files in it than a page has, in a directory with another file and an empty
/// directory. Also the digest of it on each side.
fn tree(index: &mut Index) -> (NodeId, TreeDigest, TreeDigest) {
    let (mut local, mut remote) = (TreeDigest::default(), TreeDigest::default());
    let top = directory(index, NodeId::ROOT, "top");
    let inner = directory(index, top, "inner");
    directory(index, top, "empty");
    let mut files = vec![("g".to_owned(), file(index, top, "g", 10))];
    for number in 0..300 {
        files.push((format!("inner/f{number}"), file(index, inner, &format!("f{number}"), number)));
    }
    for (path, id) in files {
        let node = row(index, id);
        let names = path.split('/').filter_map(jottad_core::StoredName::new).collect();
        remote.add_remote_file(&StoredPath::new(names), node.remote_entry().file().unwrap().content);
        local.add_local_file(&builders::path(&path), &stat_of(index, id));
    }
    for path in ["inner", "empty"] {
        local.add_local_directory(&builders::path(path));
    }
    (top, local, remote)
}

#[test]
fn a_delete_of_a_file_names_the_very_file_on_either_side() {
    for given_up_by in [Side::Local, Side::Remote] {
        let (_place, mut index) = new_index();
        let gone = file(&mut index, NodeId::ROOT, "gone", 10);
        let agreed = row(&index, gone).remote_entry().file().unwrap();
        let stat = stat_of(&index, gone);
        give_up(&mut index, gone, given_up_by);
        let mut folder = folder(index);
        match (given_up_by, asked(&mut folder)) {
            (Side::Local, Some(Task::TrashRemote { root, path, local: None, remote, expected })) => {
                assert_eq!(
                    (root, path.to_string(), remote.to_string()),
                    (ROOT, "gone".into(), "gone".into())
                );
                assert_eq!(expected, RemoteExpectation::File(agreed));
            }
            (Side::Remote, Some(Task::TrashLocal { path, remote, expected })) => {
                assert_eq!((path.to_string(), remote.to_string()), ("gone".into(), "gone".into()));
                assert_eq!(expected, LocalExpectation::File(stat));
            }
            (_, task) => panic!("{given_up_by:?}: {task:?}"),
        }
    }
}

#[test]
fn a_delete_of_a_directory_says_what_it_holds_to_the_last_entry() {
    for most_rows in [1_000_000, 100, 1] {
        for given_up_by in [Side::Local, Side::Remote] {
            let (_place, mut index) = new_index();
            let (top, local, remote) = tree(&mut index);
            give_up(&mut index, top, given_up_by);
            let mut folder = folder(index);
            folder.round.set_most_rows(most_rows);
            match asked(&mut folder) {
                Some(Task::TrashRemote { expected, .. }) if given_up_by == Side::Local => {
                    assert_eq!(expected, RemoteExpectation::Directory(remote), "{most_rows} rows a step");
                }
                Some(Task::TrashLocal { expected, .. }) if given_up_by == Side::Remote => {
                    assert_eq!(expected, LocalExpectation::Directory(ROOT, local), "{most_rows} rows a step");
                }
                task => panic!("{given_up_by:?}: {task:?}"),
            }
        }
    }
}

/// What was gone through before belongs to other rows, or to another directory.
#[test]
fn what_a_directory_holds_is_gone_through_anew_after_a_change_and_for_another_one() {
    for is_another in [false, true] {
        let (_place, mut index) = new_index();
        let (top, _, remote) = tree(&mut index);
        let other = directory(&mut index, NodeId::ROOT, "other");
        let inside = file(&mut index, other, "x", 5);
        for id in [top, other] {
            give_up(&mut index, id, Side::Local);
        }
        let mut folder = folder(index);
        let doomed = |folder: &Folder, id| {
            let node = row(&folder.index, id);
            folder.doomed(node, &mut Places::default(), now(1)).unwrap().unwrap()
        };
        folder.round.set_most_rows(1);
        folder.round.begin_step();
        let first = doomed(&folder, top);
        assert_eq!(folder.digest(&first, true).unwrap(), None, "it takes more than one step");
        assert!(folder.round.deleting.digesting.is_some());
        folder.round.set_most_rows(1_000_000);
        folder.round.begin_step();
        if is_another {
            let second = doomed(&folder, other);
            let digest = folder.digest(&second, true).unwrap().unwrap();
            let mut expected = TreeDigest::default();
            let name = jottad_core::StoredName::new("x").unwrap();
            let content = row(&folder.index, inside).remote_entry().file().unwrap().content;
            expected.add_remote_file(&StoredPath::new(vec![name]), content);
            assert_eq!(digest, expected);
        } else {
            // The first directory that is gone through has one file more by now.
            let mut late = Node::new(top, name("late"));
            let content = Content { size: 1, md5: Md5::EMPTY };
            late.remote =
                Some(super::remote(RemoteNode::File(File { content, modified: Timestamp::from_seconds(1) })));
            folder.index.save(&mut late).unwrap();
            let digest = folder.digest(&first, true).unwrap().unwrap();
            let mut expected = remote;
            let name = jottad_core::StoredName::new("late").unwrap();
            expected.add_remote_file(&StoredPath::new(vec![name]), content);
            assert_eq!(digest, expected);
        }
    }
}

/// What took its place on the side that gave it up is what must be there when the other side's goes.
#[test]
fn a_delete_names_what_took_the_place() {
    let (_place, mut index) = new_index();
    let replaced = [file(&mut index, NodeId::ROOT, "a", 10), directory(&mut index, NodeId::ROOT, "b")];
    let identity = Identity { inode: 77, born: 1 };
    let stat = file_stat(78, 5);
    let places = [
        (Local::Directory(identity), DiskNode::Directory(identity)),
        (Local::File { stat, md5: Some(Md5::EMPTY) }, DiskNode::File(stat)),
    ];
    for (id, (local, _)) in replaced.into_iter().zip(places) {
        let mut node = row(&index, id);
        node.local = local;
        index.save(&mut node).unwrap();
    }
    let mut folder = folder(index);
    for (id, (_, there)) in replaced.into_iter().zip(places) {
        let doomed = folder.doomed(row(&folder.index, id), &mut Places::default(), now(1)).unwrap().unwrap();
        folder.issue_delete(&doomed, Loss::default(), TreeDigest::default()).unwrap();
        let task = folder.commands.pop().unwrap().task;
        let Task::TrashRemote { local, .. } = task else { panic!("{task:?}") };
        assert_eq!(local, Some(there));
    }
}

#[test]
fn no_more_than_a_few_are_asked_for_at_once_and_each_once() {
    let (_place, mut index) = new_index();
    for number in 0..10 {
        let id = file(&mut index, NodeId::ROOT, &format!("f{number}"), 10);
        remove(&mut index, id);
    }
    let mut folder = folder(index);
    for _ in 0..3 {
        folder.round.begin_step();
        assert!(!folder.plan_deletes(now(1)).unwrap());
        assert_eq!(folder.commands.len(), MOST_DELETES);
    }
    let asked: BTreeSet<String> =
        folder.commands.iter().map(|command| command.task.local_path().unwrap().to_string()).collect();
    assert_eq!(asked.len(), MOST_DELETES);
}

#[test]
fn nothing_is_removed_where_something_is_unsure_or_at_work() {
    type Change = fn(&mut Folder, NodeId, NodeId);
    let changes: [(&str, Change); 6] = [
        ("", |_, _, _| {}),
        ("something is at work at it", |folder, _, gone| folder.in_flight.set_at(gone, true)),
        ("something is at work above it", |folder, top, _| folder.in_flight.set_at(top, true)),
        ("its directory cannot be read", |folder, top, _| {
            let mut node = row(&folder.index, top);
            node.local = Local::UnreadableDirectory(ROOT);
            folder.index.save(&mut node).unwrap();
        }),
        ("it rests after a failure", |folder, _, gone| {
            let failure = Failure { kind: ProblemKind::Unreadable, remedy: "none", pause: None };
            folder.put_problem(gone, failure, "it lasts".to_owned(), now(1)).unwrap();
        }),
        ("its directory goes with it", |folder, top, _| remove(&mut folder.index, top)),
    ];
    for given_up_by in [Side::Local, Side::Remote] {
        for (what, change) in changes {
            let (_place, mut index) = new_index();
            let top = directory(&mut index, NodeId::ROOT, "top");
            let gone = file(&mut index, top, "gone", 10);
            give_up(&mut index, gone, given_up_by);
            let mut folder = folder(index);
            change(&mut folder, top, gone);
            let node = row(&folder.index, gone);
            let doomed = folder.doomed(node, &mut Places::default(), now(1)).unwrap();
            let side = doomed.map(|doomed| doomed.side);
            assert_eq!(side, what.is_empty().then(|| given_up_by.other()), "{given_up_by:?}: {what}");
        }
    }
}

#[test]
fn what_does_not_go_is_asked_to_go_a_few_times_and_then_is_a_problem() {
    let (_place, mut index) = new_index();
    let gone = file(&mut index, NodeId::ROOT, "gone", 10);
    remove(&mut index, gone);
    let mut folder = folder(index);
    let doomed = folder.doomed(row(&folder.index, gone), &mut Places::default(), now(1)).unwrap().unwrap();
    for (attempts, is_given_up) in
        [(None, false), (Some(MOST_ATTEMPTS), false), (Some(MOST_ATTEMPTS + 1), true)]
    {
        folder.attempts = attempts.map(|attempts| (gone, attempts)).into_iter().collect();
        assert_eq!(folder.give_up_removing(&doomed, now(1)).unwrap(), is_given_up, "{attempts:?}");
        assert_eq!(folder.index.problem(gone).unwrap().is_some(), is_given_up);
    }
    assert!(folder.attempts.is_empty());
}

/// Until it can be sent from where it is now, what the service has is all that it has of it.
#[test]
fn what_has_arrived_where_nothing_is_sent_from_stays_on_the_service() {
    for given_up_by in [Side::Local, Side::Remote] {
        let (_place, mut index) = new_index();
        let closed = directory(&mut index, NodeId::ROOT, "closed");
        let gone = file(&mut index, NodeId::ROOT, "gone", 10);
        let mut arrived = Node::new(closed, name("arrived"));
        arrived.local = row(&index, gone).local;
        index.save(&mut arrived).unwrap();
        give_up(&mut index, gone, given_up_by);
        let mut folder = folder(index);
        for is_closed in [false, true] {
            if is_closed {
                let mut node = row(&folder.index, closed);
                node.local = Local::UnreadableDirectory(ROOT);
                folder.index.save(&mut node).unwrap();
            }
            let node = row(&folder.index, gone);
            let doomed = folder.doomed(node, &mut Places::default(), now(1)).unwrap();
            let stays = is_closed && given_up_by == Side::Local;
            assert_eq!(doomed.is_none(), stays, "{given_up_by:?}, {is_closed}");
        }
    }
}

#[test]
fn only_what_goes_with_a_directory_that_a_file_replaced_was_counted_with_it() {
    for (is_replaced, is_changed_inside) in [(false, false), (true, false), (true, true)] {
        let (_place, mut index) = new_index();
        let top = directory(&mut index, NodeId::ROOT, "top");
        let inside = file(&mut index, top, "inside", 10);
        remove(&mut index, top);
        if is_replaced {
            let mut node = row(&index, top);
            node.local = Local::File { stat: file_stat(9, 5), md5: Some(Md5::EMPTY) };
            index.save(&mut node).unwrap();
        }
        if is_changed_inside {
            let mut new = Node::new(top, name("new"));
            let file = File { content: Content::EMPTY, modified: Timestamp::from_seconds(1) };
            new.remote = Some(super::remote(RemoteNode::File(file)));
            index.save(&mut new).unwrap();
        }
        let found = is_in_replaced(&index, &settings(), &row(&index, inside)).unwrap();
        assert_eq!(found, is_replaced && !is_changed_inside, "{is_replaced}, {is_changed_inside}");
    }
}

/// The file that a user has moved may be the very one that others have moved back (`sync` 53001307).
#[test]
fn what_others_may_have_moved_to_its_place_stays_on_the_service() {
    use jottad_core::Mode::{Backup, Sync};
    for (mode, copy, is_looked_at, is_removed, is_agreed) in [
        (Sync, None, false, true, true),
        (Sync, Some(true), false, true, true),
        // A look will tell whether the copy is still there.
        (Sync, Some(true), true, false, true),
        (Sync, Some(false), false, false, false),
        (Sync, Some(false), true, false, false),
        // Nothing goes locally there.
        (Backup, Some(false), false, true, true),
    ] {
        let (_place, mut index) = new_index();
        let gone = file(&mut index, NodeId::ROOT, "gone", 10);
        give_up(&mut index, gone, Side::Local);
        let other = directory(&mut index, NodeId::ROOT, "other");
        let copied = copy.map(|is_on_service| (file(&mut index, other, "copy", 10), is_on_service));
        if let Some((copied, false)) = copied {
            give_up(&mut index, copied, Side::Remote);
        }
        let mut settings = FolderSettings { mode, ..settings() };
        settings.delete_limits.max_delete_percent = 100;
        let mut folder = Folder::new(settings, index).unwrap();
        folder.root.found_as(ROOT);
        folder.issue_rechecks(now(1)).unwrap();
        if is_looked_at {
            folder.rechecks.want(other);
        }
        let asked = asked(&mut folder);
        let was_removed =
            folder.commands.iter().map(|command| &command.task).chain(&asked).any(
                |task| matches!(task, Task::TrashRemote { path, .. } if *path == builders::path("gone")),
            );
        let case = format!("{mode} {copy:?} {is_looked_at}");
        assert_eq!(was_removed, is_removed, "{case}: {asked:?}");
        assert_eq!(row(&folder.index, gone).base.is_some(), is_agreed, "{case}");
    }
}
