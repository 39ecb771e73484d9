use jottad_core::Mode;

use super::*;
use crate::builders::{at, new_index, path};
use crate::event::Command;

type Hold = fn(&mut Root, String);

#[test]
fn a_hold_stands_while_it_is_looked_at_again() {
    let holds: [(Look, Hold); 4] = [
        (Look::Root, |root, reason| root.hold(reason, Look::Root, at(0))),
        (Look::Entries, |root, reason| root.hold(reason, Look::Entries, at(0))),
        (Look::Listing, |root, reason| root.hold_for_place(MissingPlace::Device, reason, at(0))),
        (Look::Entries, |root, reason| root.hold_unreadable(reason, Look::Entries, at(0))),
    ];
    let is_held = |root: &Root| {
        let for_place = root.held_for_place().map(|(_, reason)| reason);
        [root.held(), for_place, root.held_unreadable()].contains(&Some("why"))
    };
    for (ends_with, hold) in holds {
        let mut root = Root::default();
        assert!(!is_held(&root));
        hold(&mut root, "why".to_owned());
        assert!(is_held(&root), "{ends_with:?}");
        root.timer(at(61));
        assert_eq!(root.state, State::Unchecked);
        assert!(is_held(&root), "{ends_with:?}: nothing was seen yet");
        for look in [Look::Root, Look::Entries, Look::Listing] {
            root.state = State::Good;
            root.found_right(look);
            assert_eq!(is_held(&root), !seen_by(look, ends_with), "{ends_with:?}, {look:?}");
        }
        hold(&mut root, "why".to_owned());
        root.trust();
        assert!(!is_held(&root), "a person has decided");
    }
}

/// Whether the looks in their order, up to this one, include the one that ends a hold.
fn seen_by(look: Look, ends_with: Look) -> bool {
    let order = [Look::Root, Look::Entries, Look::Listing];
    let up_to = order.iter().position(|one| *one == look).unwrap_or_default();
    order[..=up_to].contains(&ends_with)
}

/// A root as it is seen, on a file system and with an inode, a birth time and a marker.
fn seen(file_system: u64, inode: u64, born: i64, marker: Option<&str>) -> RootIdentity {
    RootIdentity { file_system, identity: Identity { inode, born }, marker: marker.map(str::to_owned) }
}

/// A folder whose root was seen before, with a marker or without.
fn folder(mode: Mode, known: Option<&RootIdentity>) -> (tempfile::TempDir, Folder) {
    let (place, mut index) = new_index();
    if let Some(known) = known {
        index.set_fact(Fact::RootIdentity, Some(&identity_text(known))).unwrap();
        index.set_fact(Fact::RootMarker, known.marker.as_deref()).unwrap();
    }
    let settings = FolderSettings { mode, ..crate::builders::settings() };
    (place, Folder::new(settings, index).unwrap())
}

fn failed(kind: DiskErrorKind) -> DiskError {
    DiskError { action: "looking at", path: path(""), kind }
}

fn claimed(commands: &[Command]) -> Option<(RootIdentity, String)> {
    match &commands.last()?.task {
        Task::ClaimRoot { root, marker } => Some((root.clone(), marker.clone())),
        _ => None,
    }
}

#[test]
fn only_the_very_root_is_good_unless_a_person_says_so() {
    for (known, found, reason) in [
        (seen(1, 2, 3, None), seen(1, 2, 3, None), None),
        // Another number of the file system matters only where there is no birth time.
        (seen(1, 2, 3, None), seen(9, 2, 3, None), None),
        (seen(1, 2, 0, None), seen(1, 2, 0, None), None),
        (seen(1, 2, 0, None), seen(9, 2, 0, None), Some("replaced by another directory")),
        (seen(1, 2, 3, None), seen(1, 9, 3, None), Some("replaced by another directory")),
        (seen(1, 2, 3, None), seen(1, 2, 9, None), Some("replaced by another directory")),
        (seen(1, 2, 3, Some("m")), seen(1, 2, 3, Some("m")), None),
        (seen(1, 2, 3, Some("m")), seen(1, 2, 3, None), Some("marker")),
        (seen(1, 2, 3, Some("m")), seen(1, 2, 3, Some("x")), Some("marker")),
        (seen(1, 2, 3, None), seen(1, 2, 3, Some("x")), None),
    ] {
        let (_place, mut folder) = folder(Mode::Backup, Some(&known));
        assert!(!folder.check_root(at(5)), "it is looked at first");
        assert!(matches!(folder.commands.pop().unwrap().task, Task::CheckRoot));
        folder.root.doubt();
        assert!(!folder.check_root(at(6)) && folder.commands.is_empty(), "it is looked at once");
        assert_eq!(folder.root.asked_at(), Some(Duration::from_secs(5)));
        assert!(!folder.root.is_found() && folder.root.found_text().is_none());
        folder.root_checked(Ok(found.clone()), at(7)).unwrap();
        let case = format!("{known:?}, then {found:?}: {:?}", folder.root.held());
        assert_eq!(folder.root.is_good(), reason.is_none(), "{case}");
        assert_eq!(folder.root.held().is_some(), reason.is_some(), "{case}");
        assert!(reason.is_none_or(|reason| folder.root.held().unwrap().contains(reason)), "{case}");
        assert!(folder.root.is_found());
        assert_eq!(folder.root.found_text(), Some(identity_text(&found)));
        if reason.is_some() {
            assert_eq!(folder.root.identity(), None, "{case}");
            assert!(!folder.root.is_held_for_what_is_missing());
            assert_eq!(folder.root.deadline(), Some(Duration::from_secs(67)));
            folder.root.trust();
            folder.root_checked(Ok(found.clone()), at(8)).unwrap();
            assert!(folder.root.is_good(), "{case}");
        }
        assert_eq!(folder.root.deadline(), None);
        assert_eq!(folder.root.identity(), Some(found.identity));
        assert_eq!(folder.index.fact(Fact::RootIdentity).unwrap(), Some(identity_text(&found)));
    }
}

#[test]
fn a_word_where_no_root_was_found_is_about_the_first_one_that_is_and_is_spent_once() {
    let (_place, mut folder) = folder(Mode::Backup, Some(&seen(1, 2, 3, None)));
    assert!(!folder.root.spend_word(), "nobody gave it");
    folder.root.trust();
    assert!(!folder.root.spend_word(), "its root was not looked at yet");
    folder.root_checked(Ok(seen(1, 9, 3, None)), at(1)).unwrap();
    assert!(folder.root.is_good());
    // Another one takes its place before its entries were looked at.
    folder.root_checked(Ok(seen(1, 8, 3, None)), at(2)).unwrap();
    assert!(folder.root.held().is_some());
    folder.root_checked(Ok(seen(1, 9, 3, None)), at(3)).unwrap();
    assert!(folder.root.is_good());
    assert!(folder.root.spend_word() && !folder.root.spend_word());
    // What it was about was not there to be seen.
    folder.root.trust();
    folder.root_checked(Err(failed(DiskErrorKind::RootLost)), at(4)).unwrap();
    folder.root_checked(Ok(seen(1, 7, 3, None)), at(5)).unwrap();
    assert!(folder.root.held().is_some());
}

#[test]
fn a_word_is_about_the_root_that_the_person_was_told_of() {
    let (known, told_of, other) = (seen(1, 2, 3, None), seen(1, 9, 3, None), seen(1, 8, 3, None));
    for (is_outdated, found, is_good) in [
        (false, &told_of, true),
        (false, &known, true),
        (false, &other, false),
        // Nobody knows which one the person has seen.
        (true, &told_of, false),
        (true, &known, true),
        (true, &other, false),
    ] {
        let (_place, mut folder) = folder(Mode::Backup, Some(&known));
        folder.root_checked(Ok(told_of.clone()), at(1)).unwrap();
        if is_outdated {
            folder.root.told_of();
        }
        folder.root.trust();
        assert!(!folder.check_root(at(2)) && folder.root.held().is_some() == is_outdated);
        folder.root_checked(Ok(found.clone()), at(3)).unwrap();
        assert_eq!(folder.root.is_good(), is_good, "{is_outdated} {found:?}");
        assert_eq!(folder.root.held().is_none(), is_good, "{is_outdated} {found:?}");
    }
}

#[test]
fn what_was_seen_of_a_root_before_something_was_told_of_it_is_not_believed() {
    let known = seen(1, 2, 3, None);
    let (_place, mut folder) = folder(Mode::Backup, Some(&known));
    assert!(!folder.check_root(at(1)));
    folder.root.told_of();
    folder.root_checked(Ok(known.clone()), at(2)).unwrap();
    assert!(!folder.check_root(at(2)));
    assert_eq!(folder.commands.len(), 2, "it is looked at again");
    folder.root_checked(Ok(known), at(3)).unwrap();
    assert!(folder.root.is_good());
}

#[test]
fn a_root_is_claimed_where_it_is_written_to_once_in_a_run_and_keeps_its_marker() {
    for mode in Mode::ALL {
        for (known, found) in [
            (None, seen(1, 2, 3, None)),
            (None, seen(1, 2, 3, Some("m"))),
            (Some(seen(1, 2, 3, Some("m"))), seen(1, 2, 3, Some("m"))),
        ] {
            let (_place, mut folder) = folder(mode, known.as_ref());
            folder.root_checked(Ok(found.clone()), at(1)).unwrap();
            let asked = claimed(&folder.commands);
            assert_eq!(asked.is_some(), mode.pulls(), "{mode}, {known:?}");
            assert_eq!(folder.root.is_good(), !mode.pulls());
            let Some((root, marker)) = asked else { continue };
            assert_eq!(root, found);
            assert!(found.marker.as_ref().is_none_or(|found| *found == marker));
            folder.commands.clear();
            folder.root_claimed(Ok(()), at(2)).unwrap();
            assert!(folder.root.is_good());
            assert_eq!(folder.index.fact(Fact::RootMarker).unwrap(), Some(marker.clone()));
            // Another look in the same run finds nothing to claim.
            folder.root_checked(Ok(seen(1, 2, 3, Some(&marker))), at(3)).unwrap();
            assert!(folder.root.is_good() && folder.commands.is_empty());
            // A person says that the one without the marker is right: it gets one again.
            folder.root.trust();
            folder.root_checked(Ok(seen(1, 2, 3, None)), at(4)).unwrap();
            assert!(claimed(&folder.commands).is_some());
        }
        let (_place, mut folder) = folder(mode, None);
        folder.purpose = Purpose::Look;
        folder.root_checked(Ok(seen(1, 2, 3, None)), at(1)).unwrap();
        assert!(folder.root.is_good() && folder.commands.is_empty(), "{mode}: who only looks writes nothing");
    }
}

#[test]
fn a_root_that_cannot_be_used_is_held_with_its_reason_and_read_anew_when_it_is_back() {
    let (_place, mut folder) = folder(Mode::Sync, None);
    let known = seen(1, 2, 3, None);
    folder.root_checked(Ok(known.clone()), at(1)).unwrap();
    folder.root_claimed(Err(failed(DiskErrorKind::PermissionDenied)), at(1)).unwrap();
    assert!(folder.root.held_unreadable().unwrap().contains("cannot be written"));
    assert_eq!(folder.index.fact(Fact::RootMarker).unwrap(), None);
    folder.root_checked(Ok(known.clone()), at(2)).unwrap();
    folder.root_claimed(Err(failed(DiskErrorKind::NoSpace)), at(2)).unwrap();
    assert!(folder.root.held_unreadable().unwrap().contains("no space left"));
    folder.root_checked(Ok(known.clone()), at(3)).unwrap();
    folder.root_claimed(Ok(()), at(3)).unwrap();
    assert!(folder.root.is_good());
    let marker = folder.index.fact(Fact::RootMarker).unwrap().unwrap();
    let known = RootIdentity { marker: Some(marker), ..known };

    for (kind, is_unreadable, words) in [
        (DiskErrorKind::PermissionDenied, true, "let the user that runs jottad read it"),
        (DiskErrorKind::RootLost, false, "jottad folder set docs local=PATH"),
        (DiskErrorKind::TooManyFiles, false, "too many files are open"),
    ] {
        folder.scanning = crate::folder::local::scanning::Scanning::default();
        folder.scanning.set_claimed();
        folder.commands.clear();
        folder.root_checked(Err(failed(kind)), at(10)).unwrap();
        let told = [folder.root.held_unreadable(), folder.root.held()];
        let reason = told[usize::from(!is_unreadable)].unwrap_or_else(|| panic!("{told:?}"));
        assert!(reason.contains(words), "{reason}");
        assert!(told[usize::from(is_unreadable)].is_none(), "{told:?}");
        assert!(!folder.root.is_good() && !folder.root.is_found() && folder.root.found_text().is_none());
        assert_eq!(folder.root.deadline(), Some(Duration::from_secs(70)));
        folder.root.timer(at(69));
        assert!(!folder.check_root(at(69)) && folder.commands.pop().is_none());
        folder.root.timer(at(70));
        assert_eq!(folder.root.deadline(), None);
        assert!(!folder.check_root(at(70)) && folder.commands.pop().is_some());
        assert!(folder.scanning.is_idle());
        folder.root_checked(Ok(known.clone()), at(71)).unwrap();
        assert!(folder.root.is_good());
        assert!(!folder.scanning.is_idle(), "what happened below it was not heard");
    }
    assert!(why_root_is_unreadable(&DiskErrorKind::TooManyFiles).contains("check the local disk"));
}

#[test]
fn a_root_is_lost_by_what_says_so_and_by_nothing_else() {
    let (_place, mut folder) = folder(Mode::Backup, None);
    folder.root_checked(Ok(seen(1, 2, 3, None)), at(1)).unwrap();
    assert!(!folder.take_lost_root(&failed(DiskErrorKind::NotFound), at(2)));
    assert!(folder.root.is_good());
    assert!(folder.take_lost_root(&failed(DiskErrorKind::RootLost), at(2)));
    assert!(folder.root.held().is_some() && !folder.root.is_found() && !folder.scanning.is_idle());

    let missing = |kind| RemoteError::new(kind, "no such device".to_owned());
    folder.root_checked(Ok(seen(1, 2, 3, None)), at(3)).unwrap();
    assert!(!folder.take_missing_place(&missing(RemoteErrorKind::NotFound), at(3)));
    assert!(folder.root.held_for_place().is_none());
    assert!(folder.take_missing_place(&missing(RemoteErrorKind::PlaceMissing(MissingPlace::Device)), at(3)));
    assert_eq!(folder.root.held_for_place(), Some((MissingPlace::Device, "no such device")));
    folder.root.forget_hold();
    folder.root.doubt();
    assert!(folder.root.held_for_place().is_none());
}

#[test]
fn what_is_missing_in_a_root_is_another_hold_than_which_directory_it_is() {
    for (look, is_for_what_is_missing) in [(Look::Root, false), (Look::Entries, true), (Look::Listing, true)]
    {
        let mut root = Root::default();
        assert!(!root.is_held_for_what_is_missing());
        root.hold("why".to_owned(), look, at(0));
        assert_eq!(root.is_held_for_what_is_missing(), is_for_what_is_missing, "{look:?}");
        root.hold_unreadable("why".to_owned(), look, at(0));
        assert!(!root.is_held_for_what_is_missing(), "{look:?}");
    }
}
