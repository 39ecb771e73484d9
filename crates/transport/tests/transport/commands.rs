//! Orders, done once although the service says otherwise (protocol 6).

use jottad_core::Timestamp;
use jottad_emulator::{Act, Effect, ErrorBody, Fault, Matching};
use jottad_transport::{ErrorKind, MoveOutcome, Sighting};

use crate::account::{Account, MODIFIED, content, facts, path};

/// Everything that leaves it open whether an order was carried out.
fn uncertain() -> Vec<Effect> {
    vec![
        Effect::status(500),
        Effect::status(503),
        Effect::StatusAfter { status: 500, body: ErrorBody::Native },
        Effect::StatusAfter { status: 504, body: ErrorBody::Html },
        Effect::ResetBefore,
        Effect::ResetAfter,
        Effect::CutResponse { after: 5 },
    ]
}

#[tokio::test]
async fn folders_are_made_with_those_above() {
    let account = Account::open().await;
    let place = path("Jotta/Archive/a/b");
    account.client.make_folder(&place).await.unwrap();
    account.client.make_folder(&place).await.unwrap();
    assert_eq!(account.live(), ["a/", "a/b/"]);
    account.client.make_folder(&path("Jotta/Fresh/x")).await.unwrap();
    assert_eq!(account.client.look(&path("Jotta/Fresh/x")).await.unwrap(), Sighting::Folder);
}

#[tokio::test]
async fn a_folder_is_never_made_of_a_file() {
    for answer in ["refused", "no-effect"] {
        let account = Account::open().await;
        account.state().set_switch("U16", answer).unwrap();
        account.put("Jotta/Archive/a", b"x").await;
        let error = account.client.make_folder(&path("Jotta/Archive/a")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict, "{answer}");
        assert_eq!(account.live(), ["a"]);
    }
}

#[tokio::test]
async fn a_trashed_folder_comes_back_empty() {
    let account = Account::open().await;
    account.put("Jotta/Archive/a/x", b"x").await;
    account.client.trash_folder(&path("Jotta/Archive/a")).await.unwrap();
    assert_eq!(account.live(), [""; 0]);
    account.client.make_folder(&path("Jotta/Archive/a")).await.unwrap();
    assert_eq!(account.live(), ["a/"]);
}

#[tokio::test]
async fn orders_that_can_be_repeated_are() {
    for effect in uncertain() {
        let account = Account::open().await;
        account.put("Jotta/Archive/file", b"x").await;
        account.put("Jotta/Archive/folder/x", b"x").await;
        account.put("Jotta/Archive/touched", b"touched").await;
        for endpoint in ["mkDir", "dl", "dlDir", "cphash"] {
            account.fault(endpoint, effect.clone());
        }
        account.client.make_folder(&path("Jotta/Archive/made")).await.unwrap();
        account.client.trash_file(&path("Jotta/Archive/file")).await.unwrap();
        account.client.trash_folder(&path("Jotta/Archive/folder")).await.unwrap();
        let later = Timestamp::from_seconds(1_800_000_000);
        account
            .client
            .set_times(&path("Jotta/Archive/touched"), content(b"touched"), None, later)
            .await
            .unwrap();
        assert_eq!(account.live(), ["made/", "touched"], "{effect:?}");
        assert_eq!(account.state().entry("Jotta/Archive/touched").unwrap().modified, Some(1_800_000_000));
    }
}

/// Nothing may be concluded from a refusal that answers the second attempt: the first may have been carried
/// out.
#[tokio::test]
async fn a_refusal_after_a_lost_answer_leaves_open_what_was_done() {
    for (lost, is_open) in [(true, true), (false, false)] {
        let account = Account::open().await;
        for file in ["file", "folder/x", "touched"] {
            account.put(&format!("Jotta/Archive/{file}"), b"x").await;
        }
        for endpoint in ["mkDir", "dl", "dlDir", "cphash", "allocate"] {
            if lost {
                account.fault(endpoint, Effect::StatusAfter { status: 500, body: ErrorBody::Native });
            }
            account.state().add_fault(Fault::always(Matching::endpoint(endpoint), Effect::status(400)));
        }
        let (client, at) = (&account.client, |name: &str| path(&format!("Jotta/Archive/{name}")));
        let later = Timestamp::from_seconds(1_800_000_000);
        for error in [
            client.make_folder(&at("made")).await.unwrap_err(),
            client.trash_file(&at("file")).await.unwrap_err(),
            client.trash_folder(&at("folder")).await.unwrap_err(),
            client.set_times(&at("touched"), content(b"x"), None, later).await.unwrap_err(),
            client.upload(&at("new"), &facts(b"new"), &mut &b"new"[..]).await.unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
            assert_eq!(error.is_uncertain(), is_open, "{error}");
        }
    }
}

#[tokio::test]
async fn a_yes_that_means_nothing_is_not_believed() {
    let account = Account::open().await;
    account.put("Jotta/Archive/file", b"x").await;
    account.put("Jotta/Archive/folder/x", b"x").await;
    for endpoint in ["mkDir", "dl", "dlDir", "cphash", "mv", "mvDir", "cp"] {
        account.state().add_fault(Fault::always(Matching::endpoint(endpoint), Effect::Garbage));
    }
    let (client, file, folder) = (&account.client, path("Jotta/Archive/file"), path("Jotta/Archive/folder"));
    let there = path("Jotta/Archive/there");
    for result in [
        client.make_folder(&there).await,
        client.trash_file(&file).await,
        client.trash_folder(&folder).await,
        client.set_times(&file, content(b"x"), None, MODIFIED).await,
        client.move_file(&file, &there).await.map(drop),
        client.move_folder(&folder, &there).await.map(drop),
        client.copy_file(&file, &there).await.map(drop),
    ] {
        assert_eq!(result.unwrap_err().kind(), ErrorKind::Protocol);
    }
    assert_eq!(account.live(), ["file", "folder/", "folder/x"]);
}

#[tokio::test]
async fn trashing_what_is_gone_is_fine() {
    let account = Account::open().await;
    account.client.trash_file(&path("Jotta/Archive/never")).await.unwrap();
    account.client.trash_folder(&path("Jotta/Archive/never")).await.unwrap();
    account.client.destroy_file(&path("Jotta/Archive/never")).await.unwrap();
    account.client.destroy_folder(&path("Jotta/Archive/never")).await.unwrap();
}

#[tokio::test]
async fn destroying_takes_only_what_was_meant() {
    for (file_on_folder, folder_on_file) in [("not-found", "not-found"), ("destroys", "works")] {
        let account = Account::open().await;
        account.state().set_switch("U13", file_on_folder).unwrap();
        account.state().set_switch("U14", folder_on_file).unwrap();
        account.put("Jotta/Archive/file", b"x").await;
        account.put("Jotta/Archive/folder/x", b"y").await;
        let error = account.client.destroy_file(&path("Jotta/Archive/folder")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict);
        let error = account.client.destroy_folder(&path("Jotta/Archive/file")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict);
        assert_eq!(account.live(), ["file", "folder/", "folder/x"]);
        account.client.destroy_file(&path("Jotta/Archive/file")).await.unwrap();
        account.client.destroy_folder(&path("Jotta/Archive/folder")).await.unwrap();
        assert_eq!(account.client.look(&path("Jotta/Archive/file")).await.unwrap(), Sighting::Missing);
        assert_eq!(account.client.look(&path("Jotta/Archive/folder")).await.unwrap(), Sighting::Missing);
    }
}

#[tokio::test]
async fn a_destruction_is_never_sent_twice() {
    for effect in uncertain() {
        let account = Account::open().await;
        account.put("Jotta/Archive/file", b"x").await;
        account.fault("rm", effect.clone());
        let _ = account.client.destroy_file(&path("Jotta/Archive/file")).await;
        assert_eq!(account.state().counters().of("rm"), 1, "{effect:?}");
    }
}

#[tokio::test]
async fn a_move_is_done_exactly_once_whatever_the_answer() {
    for effect in uncertain() {
        let account = Account::open().await;
        account.put("Jotta/Archive/a.txt", b"a").await;
        account.put("Jotta/Archive/folder/b.txt", b"b").await;
        for endpoint in ["mv", "mvDir", "cp"] {
            account.fault(endpoint, effect.clone());
        }
        let moved = [
            account.client.move_file(&path("Jotta/Archive/a.txt"), &path("Jotta/Archive/new/c.txt")).await,
            account
                .client
                .move_folder(&path("Jotta/Archive/folder"), &path("Jotta/Archive/deep/er/folder"))
                .await,
            account.client.copy_file(&path("Jotta/Archive/new/c.txt"), &path("Jotta/Archive/copy")).await,
        ];
        for outcome in moved {
            outcome.unwrap();
        }
        let expected =
            ["copy", "deep/", "deep/er/", "deep/er/folder/", "deep/er/folder/b.txt", "new/", "new/c.txt"];
        assert_eq!(account.live(), expected, "{effect:?}");
    }
}

#[tokio::test]
async fn a_move_that_was_done_in_silence_is_found_out() {
    let account = Account::open().await;
    account.put("Jotta/Archive/folder/b.txt", b"b").await;
    account.state().set_switch("U35", "on").unwrap();
    let outcome = account
        .client
        .move_folder(&path("Jotta/Archive/folder"), &path("Jotta/Archive/there"))
        .await
        .unwrap();
    assert_eq!(outcome, MoveOutcome::FoundDone);
    assert_eq!(account.live(), ["there/", "there/b.txt"]);
    assert_eq!(account.state().counters().of("mvDir"), 1);
}

#[tokio::test]
async fn nothing_is_moved_onto_something() {
    for (file, folder, copy) in [
        ("refused", "refused", "refused"),
        ("replaces", "merges", "new-revision"),
        ("new-revision", "nests", "refused"),
    ] {
        let account = Account::open().await;
        account.state().set_switch("U10", file).unwrap();
        account.state().set_switch("U11", folder).unwrap();
        account.state().set_switch("U12", copy).unwrap();
        for place in ["a", "b", "x/1", "y/2"] {
            account.put(&format!("Jotta/Archive/{place}"), place.as_bytes()).await;
        }
        let before = account.live();
        let client = &account.client;
        for result in [
            client.move_file(&path("Jotta/Archive/a"), &path("Jotta/Archive/b")).await,
            client.move_folder(&path("Jotta/Archive/x"), &path("Jotta/Archive/y")).await,
            client.move_file(&path("Jotta/Archive/a"), &path("Jotta/Archive/y")).await,
            client.copy_file(&path("Jotta/Archive/a"), &path("Jotta/Archive/b")).await,
        ] {
            assert_eq!(result.unwrap_err().kind(), ErrorKind::Conflict);
        }
        assert_eq!(account.live(), before);
    }
}

#[tokio::test]
async fn a_move_of_nothing_is_said_so() {
    let account = Account::open().await;
    let (from, to) = (path("Jotta/Archive/never"), path("Jotta/Archive/there"));
    assert_eq!(account.client.move_file(&from, &to).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(account.client.move_folder(&from, &to).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(account.client.copy_file(&from, &to).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_move_without_trouble_takes_two_requests() {
    let account = Account::open().await;
    account.put("Jotta/Archive/folder/b.txt", b"b").await;
    account.state().reset_counters();
    let outcome = account
        .client
        .move_folder(&path("Jotta/Archive/folder"), &path("Jotta/Archive/there"))
        .await
        .unwrap();
    assert_eq!(outcome, MoveOutcome::Done);
    assert_eq!(account.state().counters().requests, 2);
}

#[tokio::test]
async fn a_copy_onto_a_trashed_file_is_live() {
    let account = Account::open().await;
    account.put("Jotta/Archive/a", b"a").await;
    account.put("Jotta/Archive/b", b"b").await;
    account.client.trash_file(&path("Jotta/Archive/b")).await.unwrap();
    account.client.copy_file(&path("Jotta/Archive/a"), &path("Jotta/Archive/b")).await.unwrap();
    assert_eq!(account.state().content("Jotta/Archive/b").unwrap(), "a");
    assert_eq!(account.live(), ["a", "b"]);
}

#[tokio::test]
async fn a_time_is_set_without_sending_a_byte() {
    let account = Account::open().await;
    account.put("Jotta/Archive/a", b"a").await;
    let later = Timestamp::from_seconds(1_800_000_000);
    account.client.set_times(&path("Jotta/Archive/a"), content(b"a"), None, later).await.unwrap();
    let entry = account.state().entry("Jotta/Archive/a").unwrap();
    assert_eq!((entry.created, entry.modified), (Some(MODIFIED.seconds()), Some(1_800_000_000)));
    assert_eq!(account.state().counters().of("upload"), 1);
}

#[tokio::test]
async fn setting_a_time_never_changes_a_content() {
    let account = Account::open().await;
    account.put("Jotta/Archive/other", b"other").await;
    account.put("Jotta/Archive/a", b"new").await;
    let error = account
        .client
        .set_times(&path("Jotta/Archive/a"), content(b"other"), None, MODIFIED)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(account.state().content("Jotta/Archive/a").unwrap(), "new");
    let error = account
        .client
        .set_times(&path("Jotta/Archive/never"), content(b"x"), None, MODIFIED)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn thirty_percent_of_faults_are_survived() {
    let account = Account::open().await;
    account.state().act(&Act::mkdir("Jotta/Archive/deep")).unwrap();
    account.state().set_random_faults(jottad_emulator::RandomFaults::percent(30.0));
    let mut done = 0;
    for number in 0..40 {
        let (from, to) = (format!("Jotta/Archive/{number}"), format!("Jotta/Archive/deep/{number}"));
        let bytes = from.clone().into_bytes();
        let facts = crate::account::facts(&bytes);
        let Ok(_) = account.client.upload(&path(&from), &facts, &mut bytes.as_slice()).await else {
            continue;
        };
        let Ok(_) = account.client.move_file(&path(&from), &path(&to)).await else { continue };
        let seen = account.state().content(&to);
        assert_eq!(seen.as_deref(), Some(bytes.as_slice()), "{to}");
        done += 1;
    }
    account.state().clear_faults();
    assert!(done > 20, "{done} of 40");
}

#[tokio::test]
async fn a_host_that_asks_for_a_pause_gets_it_from_every_request() {
    let account = Account::open().await;
    let busy = Effect::Status { status: 503, body: ErrorBody::Empty, retry_after: Some(1) };
    account.state().add_fault(Fault::once(Matching::endpoint("metadata"), busy));
    let start = std::time::Instant::now();
    account.client.look(&path("Jotta/Archive")).await.unwrap();
    assert!(start.elapsed().as_millis() >= 950);
    let long = Effect::Status { status: 429, body: ErrorBody::Empty, retry_after: Some(3600) };
    account.fault("metadata", long);
    for _ in 0..3 {
        let error = account.client.look(&path("Jotta/Archive")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RateLimited);
        assert!(error.retry_after().unwrap().as_secs() > 3500);
    }
    assert_eq!(account.state().counters().of("metadata"), 3, "two of the first look, one of the second");
}
