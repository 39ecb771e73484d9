//! Looking and listing, under every answer that the service might give (protocol 4, U-01 to U-04).

use jottad_emulator::{Act, Effect, PutState, Source};
use jottad_transport::{Client, ErrorKind, RemotePath, Sighting, StreamedEntry};

use crate::account::{Account, content, path};

async fn list(client: &Client, directory: &RemotePath) -> jottad_transport::Result<Vec<String>> {
    let mut stream = client.list_stream(directory).await?;
    let mut seen = Vec::new();
    while let Some(batch) = stream.next_batch().await? {
        seen.extend(batch.into_iter().map(|entry| match entry {
            StreamedEntry::Folder(path) => format!("{path}/"),
            StreamedEntry::File { path, .. } => path.to_string(),
            StreamedEntry::Unusable { path, reason } => panic!("{path}: {reason}"),
        }));
    }
    assert!(stream.next_batch().await.unwrap().is_none(), "complete stays complete");
    seen.sort();
    Ok(seen)
}

/// A live tree, something in the trash, something unfinished.
async fn account_with_a_tree() -> Account {
    let account = Account::open().await;
    let state = account.state();
    for act in [
        Act::put("Jotta/Archive/x/a.txt", b"a"),
        Act::put("Jotta/Archive/x/sub/deep/b & c.txt", b"bc"),
        Act::mkdir("Jotta/Archive/x/empty"),
        Act::put("Jotta/Archive/x/gone.txt", b"gone"),
        Act::delete("Jotta/Archive/x/gone.txt"),
        Act::put("Jotta/Archive/x/old/c.txt", b"c"),
        Act::delete("Jotta/Archive/x/old"),
        Act::mkdir("Jotta/Archive/nothing"),
        Act::Put {
            path: "Jotta/Archive/x/half.iso".to_owned(),
            content: Source::Random { size: 100, seed: 1 },
            modified: None,
            created: None,
            state: PutState::Incomplete,
        },
    ] {
        state.act(&act).unwrap();
    }
    account
}

const TREE: [&str; 5] = ["a.txt", "empty/", "sub/", "sub/deep/", "sub/deep/b & c.txt"];

#[tokio::test]
async fn the_same_tree_is_listed_whatever_the_service_does() {
    let account = account_with_a_tree().await;
    for root in ["liststream", "filelist"] {
        for folders in ["without-files", "every-folder"] {
            for empty in ["one-folder", "nothing"] {
                account.state().set_switch("U01", root).unwrap();
                account.state().set_switch("U02", folders).unwrap();
                account.state().set_switch("U03", empty).unwrap();
                let context = format!("{root} {folders} {empty}");
                assert_eq!(list(&account.client, &path("Jotta/Archive/x")).await.unwrap(), TREE, "{context}");
                assert_eq!(list(&account.client, &path("jotta/archive/X")).await.unwrap(), TREE, "{context}");
                assert_eq!(
                    list(&account.client, &path("Jotta/Archive/nothing")).await.unwrap(),
                    [""; 0],
                    "{context}"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_trashed_or_missing_folder_has_no_listing() {
    let account = account_with_a_tree().await;
    for answer in ["not-found", "empty", "tombstones"] {
        account.state().set_switch("U04", answer).unwrap();
        for gone in ["Jotta/Archive/x/old", "Jotta/Archive/x/never", "Jotta/Nowhere", "Nobody/Archive"] {
            let error = list(&account.client, &path(gone)).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NotFound, "{answer} {gone}");
        }
    }
    let error = list(&account.client, &path("Jotta/Archive/x/a.txt")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
}

#[tokio::test]
async fn a_damaged_listing_is_never_complete() {
    let account = account_with_a_tree().await;
    let directory = path("Jotta/Archive/x");
    let complete = account.state().counters().bytes_out;
    list(&account.client, &directory).await.unwrap();
    let size = account.state().counters().bytes_out - complete;
    let mut effects =
        vec![Effect::WithoutStats, Effect::WrongStats, Effect::Garbage, Effect::Huge { bytes: 10_000 }];
    for after in (0..size.min(2000)).step_by(97) {
        effects.push(Effect::CutResponse { after });
        effects.push(Effect::TruncateResponse { after });
    }
    for effect in effects {
        account.fault("liststream", effect.clone());
        let result = list(&account.client, &directory).await;
        let kind = result.as_ref().map_err(jottad_transport::Error::kind);
        // A cut beyond the listing's end does no harm.
        assert!(
            matches!(kind, Err(ErrorKind::Incomplete | ErrorKind::Offline))
                || result.is_ok_and(|it| it == TREE),
            "{effect:?}"
        );
        account.state().clear_faults();
    }
}

#[tokio::test]
async fn a_failed_stream_stays_failed() {
    let account = account_with_a_tree().await;
    account.fault("liststream", Effect::WithoutStats);
    let mut stream = account.client.list_stream(&path("Jotta/Archive/x")).await.unwrap();
    let mut failed = 0;
    for _ in 0..5 {
        match stream.next_batch().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("complete without stats"),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Incomplete);
                failed += 1;
            }
        }
    }
    assert!(failed >= 4);
}

#[tokio::test]
async fn a_long_listing_comes_in_batches() {
    let account = Account::open().await;
    let fill = Act::Populate {
        path: "Jotta/Archive/big".to_owned(),
        files: 5000,
        per_folder: 100,
        size: 4,
        modified: None,
    };
    account.state().act(&fill).unwrap();
    let mut stream = account.client.list_stream(&path("Jotta/Archive/big")).await.unwrap();
    let (mut files, mut folders, mut batches) = (0, 0, 0);
    while let Some(batch) = stream.next_batch().await.unwrap() {
        batches += 1;
        for entry in batch {
            match entry {
                StreamedEntry::File { .. } => files += 1,
                StreamedEntry::Folder(_) => folders += 1,
                StreamedEntry::Unusable { path, reason } => panic!("{path}: {reason}"),
            }
        }
    }
    assert_eq!((files, folders), (5000, 50));
    assert!(batches >= 5);
}

#[tokio::test]
async fn a_folder_shows_all_that_is_in_it() {
    let account = account_with_a_tree().await;
    let listing = account.client.folder(&path("Jotta/Archive/x")).await.unwrap().unwrap();
    assert!(listing.is_live() && listing.proves_absence);
    let live: Vec<_> =
        listing.files.iter().filter(|it| it.live().is_some()).map(|it| it.name.as_str()).collect();
    assert_eq!(live, ["a.txt"]);
    assert_eq!(listing.files.iter().filter(|it| it.trashed.is_some()).count(), 1);
    let trashed: Vec<_> =
        listing.folders.iter().filter(|it| it.trashed.is_some()).map(|it| it.name.as_str()).collect();
    assert_eq!(trashed, ["old"]);
    let old = account.client.folder(&path("Jotta/Archive/x/old")).await.unwrap().unwrap();
    assert!(!old.is_live());
    assert_eq!(account.client.folder(&path("Jotta/Archive/never")).await.unwrap(), None);
    let error = account.client.folder(&path("Jotta/Archive/x/a.txt")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
}

#[tokio::test]
async fn a_look_tells_what_is_there() {
    let account = account_with_a_tree().await;
    let look = async |place: &str| account.client.look(&path(place)).await.unwrap();
    assert_eq!(look("Jotta/Archive/x").await, Sighting::Folder);
    assert_eq!(look("Jotta/Archive").await, Sighting::Folder);
    assert_eq!(look("Jotta/Archive/x/old").await, Sighting::TrashedFolder);
    assert_eq!(look("Jotta/Archive/x/never").await, Sighting::Missing);
    assert_eq!(look("Jotta/Archive/never/at/all").await, Sighting::Missing);
    assert_eq!(look("Jotta/Archive/x/A.TXT").await.file().unwrap().content, content(b"a"));
    assert!(matches!(look("Jotta/Archive/x/gone.txt").await, Sighting::TrashedFile(_)));
    assert!(matches!(look("Jotta/Archive/x/half.iso").await, Sighting::UnfinishedFile(_)));
}

#[tokio::test]
async fn devices_and_mountpoints() {
    let account = Account::open().await;
    let name = |text: &str| jottad_core::StoredName::new(text).unwrap();
    let user = account.client.user().await.unwrap();
    assert_eq!(user.username, "u7k2m9qp0example");
    assert!(user.devices.iter().any(|device| device.name == name("Jotta")));
    account.client.create_device(&name("My PC")).await.unwrap();
    account.client.create_device(&name("My PC")).await.unwrap();
    let made = account.client.create_mountpoint(&name("My PC"), &name("Set + 1")).await.unwrap();
    assert_eq!(made.name, name("Set + 1"));
    account.client.create_mountpoint(&name("My PC"), &name("Set + 1")).await.unwrap();
    let details = account.client.device(&name("My PC")).await.unwrap().unwrap();
    assert_eq!(details.mountpoints.len(), 1);
    assert_eq!(account.client.device(&name("Nobody")).await.unwrap(), None);
}

#[tokio::test]
async fn reads_are_repeated_until_they_are_whole() {
    let account = account_with_a_tree().await;
    for effect in [
        Effect::status(500),
        Effect::status(503),
        Effect::status(429),
        Effect::ResetBefore,
        Effect::CutResponse { after: 0 },
        Effect::CutResponse { after: 300 },
    ] {
        account.fault("metadata", effect.clone());
        account.fault("metadata", effect.clone());
        let listing = account.client.folder(&path("Jotta/Archive/x")).await.unwrap().unwrap();
        assert_eq!(listing.files.len(), 3, "{effect:?}");
    }
}
