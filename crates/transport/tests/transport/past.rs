//! Older revisions, the trash, public links (protocol 4.6, 9.1, 9.3).

use jottad_emulator::{Act, Effect};
use jottad_transport::{ErrorKind, Restored, Sighting};

use crate::account::{Account, content, path};

#[tokio::test]
async fn an_older_revision_becomes_the_current_one() {
    let account = Account::open().await;
    let place = path("Jotta/Archive/a.txt");
    account.put("Jotta/Archive/a.txt", b"one").await;
    account.put("Jotta/Archive/a.txt", b"two").await;
    let details = account.client.file(&place).await.unwrap().unwrap();
    assert!(account.client.restore_revision(&place, &details.revisions[0]).await.unwrap());
    assert_eq!(account.state().content("Jotta/Archive/a.txt").unwrap(), "one");
    account.state().set_switch("U19", "off").unwrap();
    assert!(!account.client.restore_revision(&place, &details.entry.current.unwrap()).await.unwrap());
    assert_eq!(account.state().content("Jotta/Archive/a.txt").unwrap(), "one");
}

#[tokio::test]
async fn the_trash_shows_the_top_of_what_was_deleted() {
    let account = Account::open().await;
    for place in ["a.txt", "folder/b.txt", "folder/sub/c.txt"] {
        account.put(&format!("Jotta/Archive/{place}"), place.as_bytes()).await;
    }
    account.client.trash_file(&path("Jotta/Archive/a.txt")).await.unwrap();
    account.client.trash_folder(&path("Jotta/Archive/folder")).await.unwrap();
    let trash = account.client.trash().await.unwrap();
    let folders: Vec<_> = trash.folders.iter().map(|it| it.path.to_string()).collect();
    let files: Vec<_> = trash.files.iter().map(|it| it.path.to_string()).collect();
    assert_eq!(
        (folders, files),
        (vec!["Jotta/Archive/folder".to_owned()], vec!["Jotta/Archive/a.txt".to_owned()])
    );
}

#[tokio::test]
async fn a_trashed_file_comes_back_with_its_time() {
    let account = Account::open().await;
    account.state().act(&Act::put_at("Jotta/Archive/a.txt", b"a", 1_000_000_000)).unwrap();
    account.client.trash_file(&path("Jotta/Archive/a.txt")).await.unwrap();
    let restored = account.client.restore(&path("Jotta/Archive/a.txt"), &mut |_| ()).await.unwrap();
    assert_eq!(restored, Restored { folders: 0, files: 1, left: vec![] });
    let entry = account.state().entry("Jotta/Archive/a.txt").unwrap();
    assert_eq!((entry.deleted, entry.modified), (false, Some(1_000_000_000)));
}

#[tokio::test]
async fn a_trashed_folder_comes_back_with_what_was_trashed_with_it() {
    let account = Account::open().await;
    for place in ["x/b.txt", "x/sub/c.txt", "x/earlier.txt"] {
        account.put(&format!("Jotta/Archive/{place}"), place.as_bytes()).await;
    }
    account.state().act(&Act::mkdir("Jotta/Archive/x/empty")).unwrap();
    account.client.trash_file(&path("Jotta/Archive/x/earlier.txt")).await.unwrap();
    account.state().advance_clock(60);
    account.client.trash_folder(&path("Jotta/Archive/x")).await.unwrap();
    account.fault("cphash", Effect::ResetAfter);
    account.fault("mkDir", Effect::StatusAfter { status: 500, body: jottad_emulator::ErrorBody::Native });
    let restored = account.client.restore(&path("Jotta/Archive/x"), &mut |_| ()).await.unwrap();
    assert_eq!(account.live(), ["x/", "x/b.txt", "x/empty/", "x/sub/", "x/sub/c.txt"]);
    assert_eq!(restored, Restored { folders: 3, files: 2, left: vec![] });
    assert!(matches!(
        account.client.look(&path("Jotta/Archive/x/earlier.txt")).await.unwrap(),
        Sighting::TrashedFile(_)
    ));
}

#[tokio::test]
async fn what_cannot_be_restored_is_told() {
    let account = Account::open().await;
    account.put("Jotta/Archive/x/a", b"a").await;
    account.client.trash_folder(&path("Jotta/Archive/x")).await.unwrap();
    account.fault("cphash", Effect::status(404));
    let restored = account.client.restore(&path("Jotta/Archive/x"), &mut |_| ()).await.unwrap();
    assert_eq!((restored.folders, restored.files, restored.left.len()), (1, 0, 1));
    assert_eq!(restored.left[0].0, path("Jotta/Archive/x/a"));
}

#[tokio::test]
async fn only_what_is_in_the_trash_is_restored() {
    let account = Account::open().await;
    account.put("Jotta/Archive/a", b"a").await;
    let error = account.client.restore(&path("Jotta/Archive/a"), &mut |_| ()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    let error = account.client.restore(&path("Jotta/Archive/never"), &mut |_| ()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn only_what_is_in_the_trash_is_purged() {
    let account = Account::open().await;
    for place in ["live", "dead", "folder/x"] {
        account.put(&format!("Jotta/Archive/{place}"), place.as_bytes()).await;
    }
    account.client.trash_file(&path("Jotta/Archive/dead")).await.unwrap();
    account.client.trash_folder(&path("Jotta/Archive/folder")).await.unwrap();
    assert_eq!(
        account.client.purge(&path("Jotta/Archive/live")).await.unwrap_err().kind(),
        ErrorKind::Conflict
    );
    account.client.purge(&path("Jotta/Archive/dead")).await.unwrap();
    assert_eq!(account.client.look(&path("Jotta/Archive/dead")).await.unwrap(), Sighting::Missing);
    let purged = account.client.purge_trash().await.unwrap();
    assert_eq!((purged.folders, account.live().len()), (1, 1));
}

#[tokio::test]
async fn a_link_is_made_and_ended() {
    let account = Account::open().await;
    account.put("Jotta/Archive/a b.txt", b"shared").await;
    let place = path("Jotta/Archive/a b.txt");
    let link = account.client.make_link(&place).await.unwrap();
    assert_eq!(account.client.make_link(&place).await.unwrap(), link);
    assert!(link.download.starts_with(&account.emulator.base_url()), "{link:?}");
    let linked = account.client.linked_files().await.unwrap();
    assert_eq!(linked.iter().map(|it| &it.path).collect::<Vec<_>>(), [&place]);
    account.client.remove_link(&place).await.unwrap();
    account.client.remove_link(&place).await.unwrap();
    assert_eq!(account.client.linked_files().await.unwrap(), []);
    account.state().act(&Act::mkdir("Jotta/Archive/folder")).unwrap();
    assert!(account.client.make_link(&path("Jotta/Archive/folder")).await.is_ok());
}

#[tokio::test]
async fn the_newest_files_are_told() {
    let account = Account::open().await;
    account.put("Jotta/Archive/a", b"a").await;
    let newest = account.client.newest_files().await.unwrap();
    assert_eq!(newest[0].path, path("Jotta/Archive/a"));
    assert_eq!(newest[0].file.live().unwrap().content, content(b"a"));
}
