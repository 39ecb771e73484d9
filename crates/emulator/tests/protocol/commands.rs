//! Protocol 6 and 9: commands with their traps, sharing, trash.

use jottad_emulator::Act;

use crate::client::md5_of::md5;
use crate::client::{USER, World, send};

#[tokio::test]
async fn folders_are_made_with_their_parents_and_revived_alone() {
    let world = World::start().await;
    world.command("Jotta/Archive/a/b/c?mkDir=true").await.expect(200);
    world.upload("Jotta/Archive/a/b/file", b"x").await;
    world.command("Jotta/Archive/a?dlDir=true").await.expect(200);
    assert!(world.jfs("Jotta/Archive/a/b").await.expect(200).has("deleted="));
    world.command("Jotta/Archive/a/b?mkDir=true").await.expect(200);
    let listing = world.jfs("Jotta/Archive/a/b").await.expect(200);
    assert!(listing.has("<folder name=\"c\" deleted=\""), "former children stay trashed: {}", listing.text);
    assert!(!world.state().entry("Jotta/Archive/a/b").unwrap().deleted);
}

#[tokio::test]
async fn a_command_with_a_content_type_is_taken_for_an_upload() {
    let world = World::start().await;
    world.upload("Jotta/Archive/a", b"x").await;
    let url = world.url(&format!("/jfs/{USER}/Jotta/Archive/a?rm=true"));
    let request = world.http.post(url).bearer_auth(&world.access);
    send(request.header("content-type", "application/octet-stream")).await.expect(404);
    assert!(world.state().entry("Jotta/Archive/a").is_some());
}

#[tokio::test]
async fn unknown_parameters_are_500() {
    let world = World::start().await;
    world.upload("Jotta/Archive/a", b"x").await;
    for path in ["Jotta/Archive/a?restore=true", "Jotta/Archive/a", "Jotta/Archive/a?MKDIR=true"] {
        world.command(path).await.expect(500);
    }
}

#[tokio::test]
async fn the_forms_for_files_and_folders_are_not_interchangeable() {
    let world = World::start().await;
    world.upload("Jotta/Archive/file", b"x").await;
    world.command("Jotta/Archive/folder?mkDir=true").await.expect(200);
    for path in ["folder?dl=true", "folder?rm=true", "file?dlDir=true", "file?rmDir=true"] {
        world.command(&format!("Jotta/Archive/{path}")).await.expect(404);
    }
    world.transfer("mv", "Jotta/Archive/folder", "Jotta/Archive/x").await.expect(404);
    world.transfer("mvDir", "Jotta/Archive/folder", "Jotta/Archive/x").await.expect(404);
    world.transfer("mvDir", "Jotta/Archive/folder/", "Jotta/Archive/x").await.expect(200);
    assert_eq!(world.state().live_below("Jotta/Archive").len(), 2);
}

#[tokio::test]
async fn the_wrong_form_may_destroy_under_the_other_answers() {
    let world = World::answering("U13=destroys").await;
    world.command("Jotta/Archive/folder?mkDir=true").await.expect(200);
    world.command("Jotta/Archive/folder?dl=true").await.expect(200);
    assert!(world.state().entry("Jotta/Archive/folder").is_none());
    let world = World::answering("U14=works").await;
    world.upload("Jotta/Archive/file", b"x").await;
    world.command("Jotta/Archive/file?dlDir=true").await.expect(200);
    assert!(world.state().entry("Jotta/Archive/file").unwrap().deleted);
}

#[tokio::test]
async fn missing_things_are_missing_in_the_way_of_each_command() {
    let world = World::start().await;
    assert!(world.command("Jotta/Archive/no?dl=true").await.expect(200).has("deleted="));
    assert!(world.command("Jotta/Archive/no?rm=true").await.expect(404).has("NoSuchFileException"));
    assert!(world.command("Jotta/Archive/no?rmDir=true").await.expect(404).has("NoSuchPathException"));
    let moved = world.transfer("mv", "Jotta/Archive/no", "Jotta/Archive/x").await.expect(404);
    assert!(moved.has("NoSuchFileException: Source file"), "{}", moved.text);
    world.transfer("mvDir", "Jotta/Archive/no/", "Jotta/Archive/x").await.expect(404);
    world.transfer("cp", "Jotta/Archive/no", "Jotta/Archive/x").await.expect(404);
    assert!(world.jfs("Jotta/nowhere/x").await.expect(404).has("NoSuchMountPointException"));
}

#[tokio::test]
async fn a_moved_file_keeps_id_number_and_times() {
    let world = World::start().await;
    world.upload("Jotta/Archive/a b", b"x").await;
    let before = world.state().entry("Jotta/Archive/a b").unwrap();
    world.transfer("mv", "Jotta/Archive/a%20b", "Jotta/Sync/new folder/ä").await.expect(200);
    let after = world.state().entry("Jotta/Sync/new folder/ä").unwrap();
    assert_eq!(
        (before.uuid, before.revision, before.modified, before.created),
        (after.uuid, after.revision, after.modified, after.created)
    );
    assert!(world.state().entry("Jotta/Archive/a b").is_none());
    let foreign = format!("Jotta/Sync/new%20folder/%C3%A4?mv=%2F{USER}x%2FJotta%2FSync%2Fy");
    world.command(&foreign).await.expect(401);
}

#[tokio::test]
async fn a_move_onto_a_live_file_follows_the_switch() {
    for (answer, status, content, revisions) in [
        ("U10=refused", 409, "target", 1),
        ("U10=replaces", 200, "source", 1),
        ("U10=new-revision", 200, "source", 2),
    ] {
        let world = World::answering(answer).await;
        world.upload("Jotta/Archive/from", b"source").await;
        world.upload("Jotta/Archive/to", b"target").await;
        world.transfer("mv", "Jotta/Archive/from", "Jotta/Archive/to").await.expect(status);
        assert_eq!(world.state().content("Jotta/Archive/to").unwrap(), content, "{answer}");
        assert_eq!(world.state().entry("Jotta/Archive/to").unwrap().revisions, revisions, "{answer}");
    }
}

#[tokio::test]
async fn a_folder_moved_onto_a_live_folder_follows_the_switch() {
    for (answer, status, paths) in [
        ("U11=refused", 409, vec!["from", "from/a", "to", "to/b"]),
        ("U11=merges", 200, vec!["to", "to/a", "to/b"]),
        ("U11=nests", 200, vec!["to", "to/b", "to/from", "to/from/a"]),
    ] {
        let world = World::answering(answer).await;
        world.upload("Jotta/Archive/from/a", b"a").await;
        world.upload("Jotta/Archive/to/b", b"b").await;
        world.transfer("mvDir", "Jotta/Archive/from/", "Jotta/Archive/to").await.expect(status);
        let live: Vec<_> = world.state().live_below("Jotta/Archive").into_iter().map(|e| e.path).collect();
        assert_eq!(live, paths, "{answer}");
    }
}

#[tokio::test]
async fn a_move_of_letter_case_alone_follows_the_switch() {
    for (answer, status, name) in [
        ("U08=renames", 200, Some("NAME")),
        ("U08=no-effect", 200, Some("name")),
        ("U08=refused", 409, Some("name")),
        ("U08=trashed", 200, None),
    ] {
        let world = World::answering(answer).await;
        world.upload("Jotta/Archive/name", b"x").await;
        world.transfer("mv", "Jotta/Archive/name", "Jotta/Archive/NAME").await.expect(status);
        let live: Vec<_> = world.state().live_below("Jotta/Archive").into_iter().map(|e| e.path).collect();
        assert_eq!(live, Vec::from_iter(name), "{answer}");
    }
}

#[tokio::test]
async fn a_move_may_say_500_although_it_is_done() {
    let world = World::answering("U35=on").await;
    world.upload("Jotta/Archive/a", b"x").await;
    world.transfer("mv", "Jotta/Archive/a", "Jotta/Archive/b").await.expect(500);
    assert!(world.state().entry("Jotta/Archive/b").is_some());
    world.transfer("mv", "Jotta/Archive/a", "Jotta/Archive/b").await.expect(404);
}

#[tokio::test]
async fn trashed_children_move_or_stay() {
    for (answer, at) in [("U45=move", "to/t"), ("U45=stay", "from/t")] {
        let world = World::answering(answer).await;
        world.upload("Jotta/Archive/from/t", b"t").await;
        world.upload("Jotta/Archive/from/l", b"l").await;
        world.command("Jotta/Archive/from/t?dl=true").await.expect(200);
        world.transfer("mvDir", "Jotta/Archive/from/", "Jotta/Archive/to").await.expect(200);
        assert!(world.state().entry(&format!("Jotta/Archive/{at}")).unwrap().deleted, "{answer}");
        assert_eq!(world.state().content("Jotta/Archive/to/l").unwrap(), "l", "{answer}");
    }
}

#[tokio::test]
async fn a_copy_onto_a_tombstone_is_in_the_trash() {
    let world = World::start().await;
    world.upload("Jotta/Archive/from", b"x").await;
    world.upload("Jotta/Archive/to", b"old").await;
    world.command("Jotta/Archive/to?dl=true").await.expect(200);
    assert!(world.transfer("cp", "Jotta/Archive/from", "Jotta/Archive/to").await.expect(200).has("deleted="));
    world.cphash("Jotta/Archive/to", b"x", "").await.expect(200);
    assert_eq!(world.state().content("Jotta/Archive/to").unwrap(), "x");
    assert!(world.state().holds_content(&md5(b"old")));
}

#[tokio::test]
async fn the_trash_shows_tops_and_is_no_place() {
    let world = World::start().await;
    world.upload("Jotta/Archive/d/sub/a", b"x").await;
    world.upload("Jotta/Archive/b", b"y").await;
    world.command("Jotta/Archive/d?dlDir=true").await.expect(200);
    world.command("Jotta/Archive/b?dl=true").await.expect(200);
    let trash = world.jfs("Jotta/Trash").await.expect(200);
    assert!(trash.has("total=\"2\" num_folders=\"1\" num_files=\"1\""), "{}", trash.text);
    assert!(trash.has("contextType=\"TRASH\"") && !trash.has("name=\"sub\""));
    world.transfer("mv", "Jotta/Trash/b", "Jotta/Archive/c").await.expect(404);
    world.command("Jotta/Trash/b?restore=true").await.expect(500);
    world.jfs("Jotta/Archive/b?mode=bin").await.expect(404);
    let purged = world.post("/files/v1/purge_trash").await.expect(200).json();
    assert_eq!((&purged["folders"], &purged["files"]), (&2.into(), &2.into()));
    world.jfs("Jotta/Archive/b").await.expect(404);
}

#[tokio::test]
async fn the_trash_forgets_after_thirty_days() {
    let world = World::start().await;
    world.upload("Jotta/Archive/a", b"x").await;
    world.command("Jotta/Archive/a?dl=true").await.expect(200);
    world.state().advance_clock(29 * 24 * 3600);
    assert!(world.state().entry("Jotta/Archive/a").is_some());
    world.state().advance_clock(2 * 24 * 3600);
    assert!(world.state().entry("Jotta/Archive/a").is_none());
}

#[tokio::test]
async fn links_are_made_seen_by_anyone_and_taken_away() {
    let world = World::start().await;
    world.upload("Jotta/Archive/d/a", b"shared").await;
    let uri_of = |answer: &crate::client::Answer| {
        let (_, rest) = answer.text.split_once("<publicURI>").unwrap();
        rest.split_once('<').unwrap().0.to_owned()
    };
    let uri = uri_of(&world.jfs("Jotta/Archive/d/a?mode=enableShare").await.expect(200));
    assert_eq!(uri, uri_of(&world.jfs("Jotta/Archive/d/a?mode=enableShare").await.expect(200)));
    let public = world.url(&format!("/opin/io/downloadPublic/{USER}/{uri}"));
    assert_eq!(send(world.http.get(&public)).await.expect(200).text, "shared");
    assert!(world.jfs("Jotta/Links").await.expect(200).has("num_folders=\"1\""));
    let folder = uri_of(&world.jfs("Jotta/Archive/d?mode=enableShare").await.expect(200));
    let zip = send(world.http.get(world.url(&format!("/opin/io/downloadPublic/{USER}/{folder}")))).await;
    assert!(zip.expect(200).text.starts_with("PK"));
    assert!(!world.jfs("Jotta/Archive/d/a?mode=disableShare").await.expect(200).has("publicURI"));
    send(world.http.get(&public)).await.expect(404);
}

#[tokio::test]
async fn a_live_entry_takes_the_place_of_a_tombstone_or_stands_beside_it() {
    for (answer, entries) in [("U18=replaced", 1), ("U18=both", 2)] {
        let world = World::answering(answer).await;
        world.state().act(&Act::put("Jotta/Archive/a", b"1")).unwrap();
        world.state().act(&Act::put("Jotta/Archive/b", b"2")).unwrap();
        world.command("Jotta/Archive/a?dl=true").await.expect(200);
        world.transfer("mv", "Jotta/Archive/b", "Jotta/Archive/a").await.expect(200);
        let listing = world.jfs("Jotta/Archive").await.expect(200);
        assert_eq!(listing.text.matches("<file name=\"a\"").count(), entries, "{answer}: {}", listing.text);
        assert_eq!(world.state().content("Jotta/Archive/a").unwrap(), "2", "{answer}");
    }
}

#[tokio::test]
async fn a_locked_account_is_not_written() {
    let world = World::start().await;
    world.state().set_locks(false, true);
    world.allocate("Jotta/Archive/a", b"x").await.expect(403);
    world.command("Jotta/Archive/d?mkDir=true").await.expect(403);
    assert!(world.jfs("").await.expect(200).has("<write-locked>true</write-locked>"));
}
