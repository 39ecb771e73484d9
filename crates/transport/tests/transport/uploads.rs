//! Sending files, with everything that can happen on the way (protocol 5).

use std::io;
use std::time::Duration;

use jottad_core::{Content, Md5};
use jottad_emulator::{Act, Effect, ErrorBody, Fault, Matching, PutState, Source};
use jottad_transport::{ErrorKind, RevisionState, Sighting, UploadFacts, UploadSource};

use crate::account::{Account, MODIFIED, content, facts, noise, path};

#[tokio::test]
async fn a_new_file_takes_two_requests_and_a_known_one_takes_one() {
    let account = Account::open().await;
    let place = path("Jotta/Archive/new/folder/a.txt");
    let sent = account.client.upload(&place, &facts(b"hello"), &mut &b"hello"[..]).await.unwrap();
    assert_eq!((sent.deduplicated, sent.sent_bytes, sent.resumed_at), (false, 5, 0));
    assert_eq!(account.state().counters().requests, 2);
    let again = path("Jotta/Archive/b.txt");
    let sent = account.client.upload(&again, &facts(b"hello"), &mut &b"hello"[..]).await.unwrap();
    assert_eq!((sent.deduplicated, sent.sent_bytes), (true, 0));
    assert_eq!(account.state().counters().requests, 3);
    for place in [place, again] {
        let seen = *account.client.look(&place).await.unwrap().file().unwrap();
        assert_eq!((seen.content, seen.modified), (content(b"hello"), Some(MODIFIED)));
    }
}

#[tokio::test]
async fn sizes_from_nothing_to_many_pieces() {
    let account = Account::open().await;
    for size in [0, 1, 65_535, 262_144, 262_145, 3_000_000] {
        let bytes = noise(size);
        let place = format!("Jotta/Archive/{size}.bin");
        account.put(&place, &bytes).await;
        assert_eq!(account.state().content(&place).unwrap(), bytes, "{size}");
    }
}

#[tokio::test]
async fn a_new_revision_keeps_the_old_one() {
    let account = Account::open().await;
    account.put("Jotta/Archive/a.txt", b"one").await;
    account.put("Jotta/Archive/a.txt", b"two").await;
    let details = account.client.file(&path("Jotta/Archive/a.txt")).await.unwrap().unwrap();
    assert_eq!(details.entry.live().unwrap().content, content(b"two"));
    assert_eq!(details.revisions[0].content(), Some(content(b"one")));
}

#[tokio::test]
async fn times_are_those_of_the_file() {
    let account = Account::open().await;
    let created = jottad_core::Timestamp::from_seconds(1_000_000_000);
    let facts = UploadFacts { created: Some(created), ..facts(b"x") };
    account.client.upload(&path("Jotta/Archive/a"), &facts, &mut &b"x"[..]).await.unwrap();
    let entry = account.state().entry("Jotta/Archive/a").unwrap();
    assert_eq!((entry.created, entry.modified), (Some(1_000_000_000), Some(MODIFIED.seconds())));
}

#[tokio::test]
async fn every_fault_on_the_way_is_overcome() {
    let bytes = noise(700_000);
    for endpoint in ["allocate", "upload"] {
        for effect in [
            Effect::status(500),
            Effect::status(503),
            Effect::StatusAfter { status: 500, body: ErrorBody::Empty },
            Effect::StatusAfter { status: 502, body: ErrorBody::Html },
            Effect::ResetBefore,
            Effect::ResetAfter,
            Effect::CutRequest { after: 20 },
            Effect::CutResponse { after: 10 },
            Effect::status(401),
        ] {
            let account = Account::open().await;
            account.fault(endpoint, effect.clone());
            account.put("Jotta/Archive/a.bin", &bytes).await;
            assert_eq!(
                account.state().content("Jotta/Archive/a.bin").unwrap(),
                bytes,
                "{endpoint} {effect:?}"
            );
        }
    }
}

#[tokio::test]
async fn an_upload_goes_on_where_the_connection_broke() {
    let account = Account::open().await;
    let bytes = noise(3_000_000);
    account.fault("upload", Effect::CutRequest { after: 1_000_000 });
    account.fault("upload", Effect::CutRequest { after: 1_000_000 });
    account.put("Jotta/Archive/a.bin", &bytes).await;
    assert_eq!(account.state().content("Jotta/Archive/a.bin").unwrap(), bytes);
    let counters = account.state().counters();
    assert_eq!((counters.of("allocate"), counters.of("upload")), (3, 3));
    assert!(counters.bytes_in < 4_500_000, "{}", counters.bytes_in);
}

#[tokio::test]
async fn an_upload_goes_on_after_a_restart_of_the_program() {
    let account = Account::open().await;
    let bytes = noise(2_000_000);
    let place = path("Jotta/Archive/a.bin");
    account
        .state()
        .add_fault(Fault::once(Matching::endpoint("upload"), Effect::CutRequest { after: 1_500_000 }));
    account.state().add_fault(Fault::always(Matching::endpoint("allocate"), Effect::status(503)).after(1));
    let broken = account.client.upload(&place, &facts(&bytes), &mut bytes.as_slice()).await.unwrap_err();
    assert_eq!(broken.kind(), ErrorKind::ServerFault);
    assert!(matches!(account.client.look(&place).await.unwrap(), Sighting::UnfinishedFile(_)));
    account.state().clear_faults();
    let sent = account.client.upload(&place, &facts(&bytes), &mut bytes.as_slice()).await.unwrap();
    assert_eq!((sent.resumed_at, sent.sent_bytes), (1_500_000, 500_000));
    assert_eq!(account.state().content("Jotta/Archive/a.bin").unwrap(), bytes);
}

/// The file was another one when its beginning was sent, and nobody knew.
#[tokio::test]
async fn what_was_built_on_a_wrong_beginning_is_sent_once_more_from_the_start() {
    for answer in ["split", "same"] {
        let account = Account::open().await;
        account.state().set_switch("U27", answer).unwrap();
        let (bytes, torn) = (noise(2_000_000), vec![7; 2_000_000]);
        let place = path("Jotta/Archive/a.bin");
        account.fault("upload", Effect::CutRequest { after: 1_500_000 });
        account.state().add_fault(Fault::once(Matching::endpoint("allocate"), Effect::status(400)).after(1));
        account.client.upload(&place, &facts(&bytes), &mut torn.as_slice()).await.unwrap_err();
        account.state().reset_counters();
        let sent = account.client.upload(&place, &facts(&bytes), &mut bytes.as_slice()).await.unwrap();
        assert_eq!((sent.resumed_at, account.state().counters().of("upload")), (1_500_000, 2), "{answer}");
        assert_eq!(account.state().content("Jotta/Archive/a.bin").unwrap(), bytes, "{answer}");
        // It is torn again and again: that is told.
        let (other, place) = ([noise(1_999_999), vec![9]].concat(), path("Jotta/Archive/b.bin"));
        account.fault("upload", Effect::CutRequest { after: 1_500_000 });
        account.state().add_fault(Fault::once(Matching::endpoint("allocate"), Effect::status(400)).after(1));
        account.client.upload(&place, &facts(&other), &mut torn.as_slice()).await.unwrap_err();
        account.state().reset_counters();
        let torn = account.client.upload(&place, &facts(&other), &mut torn.as_slice()).await;
        assert_eq!(torn.unwrap_err().kind(), ErrorKind::Corrupt, "{answer}");
        assert_eq!(account.state().counters().of("upload"), 2, "{answer}");
    }
}

/// A line that breaks every megabyte is a line that gets on.
#[tokio::test]
async fn an_upload_that_gets_a_good_deal_further_each_time_is_not_given_up() {
    for (each, is_sent) in [(2_000_000, true), (100_000, false)] {
        let account = Account::open_with(Duration::from_secs(5), 2).await;
        let bytes = noise(12_000_000);
        for _ in 0..5 {
            account.fault("upload", Effect::CutRequest { after: each });
        }
        let place = path("Jotta/Archive/a.bin");
        let sent = account.client.upload(&place, &facts(&bytes), &mut bytes.as_slice()).await;
        assert_eq!(sent.is_ok(), is_sent, "{each}: {sent:?}");
        assert_eq!(account.state().content("Jotta/Archive/a.bin").is_some_and(|kept| kept == bytes), is_sent);
    }
}

/// Another device may have begun to send something else there since the service said how much it holds.
#[tokio::test]
async fn what_is_held_is_gone_on_with_only_as_long_as_it_is_of_this_content() {
    for (is_replaced, resumed_at) in [(false, 1_500_000), (true, 0)] {
        let account = Account::open().await;
        let bytes = noise(2_000_000);
        let place = path("Jotta/Archive/a.bin");
        account.fault("upload", Effect::CutRequest { after: 1_500_000 });
        account.state().add_fault(Fault::once(Matching::endpoint("allocate"), Effect::status(400)).after(1));
        account.client.upload(&place, &facts(&bytes), &mut bytes.as_slice()).await.unwrap_err();
        if is_replaced {
            let begun = Act::Put {
                path: "Jotta/Archive/a.bin".to_owned(),
                content: Source::Text { text: "another".to_owned() },
                modified: None,
                created: None,
                state: PutState::Incomplete,
            };
            account.fault("metadata", Effect::Act { acts: vec![begun] });
        }
        let sent = account.client.upload(&place, &facts(&bytes), &mut bytes.as_slice()).await.unwrap();
        assert_eq!((sent.resumed_at, sent.sent_bytes), (resumed_at, 2_000_000 - resumed_at));
        assert_eq!(account.state().content("Jotta/Archive/a.bin").unwrap(), bytes);
    }
}

#[tokio::test]
async fn what_is_held_of_another_content_is_not_built_upon() {
    for (kept, number) in [("dropped", "split"), ("kept", "same")] {
        let account = Account::open().await;
        account.state().set_switch("U20", kept).unwrap();
        account.state().set_switch("U27", number).unwrap();
        let (old, new) = (noise(2_000_000), [noise(1_999_999), vec![7]].concat());
        let place = path("Jotta/Archive/a.bin");
        account.fault("upload", Effect::CutRequest { after: 1_600_000 });
        account.state().add_fault(Fault::once(Matching::endpoint("allocate"), Effect::status(400)).after(1));
        account.client.upload(&place, &facts(&old), &mut old.as_slice()).await.unwrap_err();
        let sent = account.client.upload(&place, &facts(&new), &mut new.as_slice()).await.unwrap();
        assert_eq!((sent.resumed_at, sent.sent_bytes), (0, 2_000_000), "{kept}");
        assert_eq!(account.state().content("Jotta/Archive/a.bin").unwrap(), new, "{kept}");
    }
}

#[tokio::test]
async fn a_file_that_is_not_what_was_announced_is_never_current() {
    for answer in ["split", "same"] {
        let account = Account::open().await;
        account.state().set_switch("U27", answer).unwrap();
        let place = path("Jotta/Archive/a.txt");
        account.put("Jotta/Archive/a.txt", b"good").await;
        let lie = UploadFacts { content: Content { size: 4, md5: Md5::EMPTY }, ..facts(b"") };
        account.state().reset_counters();
        let error = account.client.upload(&place, &lie, &mut &b"evil"[..]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{answer}");
        assert_eq!(account.state().counters().of("upload"), 1, "{answer}: it is not sent once more as it is");
        assert_eq!(account.state().content("Jotta/Archive/a.txt").unwrap(), "good");
    }
}

#[tokio::test]
async fn an_earlier_corrupt_upload_is_replaced() {
    let account = Account::open().await;
    let corrupt = Act::Put {
        path: "Jotta/Archive/a.txt".to_owned(),
        content: Source::Text { text: "good".to_owned() },
        modified: None,
        created: None,
        state: PutState::Corrupt,
    };
    account.state().act(&corrupt).unwrap();
    let details = account.client.file(&path("Jotta/Archive/a.txt")).await.unwrap().unwrap();
    assert_eq!(details.entry.latest.map(|revision| revision.state), Some(RevisionState::Corrupt));
    account.put("Jotta/Archive/a.txt", b"good").await;
    assert_eq!(account.state().content("Jotta/Archive/a.txt").unwrap(), "good");
}

/// A file that gives a little at a time, and is interrupted in between.
struct Slow<'a> {
    bytes: &'a [u8],
    reads: usize,
}

impl UploadSource for Slow<'_> {
    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.reads += 1;
        if self.reads.is_multiple_of(3) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let little = buffer.len().min(10_000);
        (&mut &*self.bytes).read_at(offset, &mut buffer[..little])
    }
}

#[tokio::test]
async fn a_file_that_gives_a_little_at_a_time_is_sent_whole() {
    let account = Account::open().await;
    let bytes = noise(700_000);
    let place = path("Jotta/Archive/a.bin");
    account.client.upload(&place, &facts(&bytes), &mut Slow { bytes: &bytes, reads: 0 }).await.unwrap();
    assert_eq!(account.state().content("Jotta/Archive/a.bin").unwrap(), bytes);
}

/// A file that gets shorter, or cannot be read, after some bytes.
struct Vanishing(Option<io::ErrorKind>);

impl UploadSource for Vanishing {
    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0 {
            _ if offset < 300_000 => {
                buffer.fill(1);
                Ok(buffer.len())
            }
            Some(kind) => Err(kind.into()),
            None => Ok(0),
        }
    }
}

#[tokio::test]
async fn a_file_that_changes_or_fails_while_it_is_sent_is_said_so() {
    let account = Account::open().await;
    let facts = UploadFacts { content: Content { size: 1_000_000, md5: Md5::EMPTY }, ..facts(b"") };
    let place = path("Jotta/Archive/a.bin");
    for (trouble, kind) in
        [(None, ErrorKind::SourceChanged), (Some(io::ErrorKind::PermissionDenied), ErrorKind::Local)]
    {
        let error = account.client.upload(&place, &facts, &mut Vanishing(trouble)).await.unwrap_err();
        assert_eq!(error.kind(), kind);
        assert!(!account.client.look(&place).await.unwrap().is_live());
    }
}

#[tokio::test]
async fn a_full_account_is_said_so_whatever_its_status() {
    let account = Account::open().await;
    account.state().set_capacity(Some(3));
    for (answer, kind) in
        [("460", ErrorKind::QuotaExceeded), ("507", ErrorKind::QuotaExceeded), ("403", ErrorKind::Locked)]
    {
        account.state().set_switch("U29", answer).unwrap();
        let error = account
            .client
            .upload(&path("Jotta/Archive/a"), &facts(b"hello"), &mut &b"hello"[..])
            .await
            .unwrap_err();
        assert_eq!(error.kind(), kind, "{answer}");
        assert!(!error.is_retryable());
    }
}

#[tokio::test]
async fn a_refused_name_costs_one_request() {
    let account = Account::open().await;
    let long = "x".repeat(300);
    let error = account
        .client
        .upload(&path(&format!("Jotta/Archive/{long}")), &facts(b"x"), &mut &b"x"[..])
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert_eq!(account.state().counters().requests, 1);
}

#[tokio::test]
async fn the_token_is_renewed_while_one_upload_outlives_it() {
    let account = Account::open().await;
    account.state().set_access_lifetime(Duration::from_secs(3));
    account.state().expire_access_tokens();
    account.client.customer().await.unwrap();
    account.state().reset_counters();
    // Four seconds and more at 200 KB a second.
    account.client.set_limits(Some(200_000), None);
    let bytes = noise(900_000);
    account.put("Jotta/Archive/slow.bin", &bytes).await;
    let counters = account.state().counters();
    assert!(counters.of("token") >= 1 && counters.of("upload") == 1, "{counters:?}");
    assert_eq!(account.state().content("Jotta/Archive/slow.bin").unwrap(), bytes);
}

#[tokio::test]
async fn single_use_addresses_and_expired_tokens_do_no_harm() {
    let account = Account::open().await;
    account.state().set_switch("U23", "single-use").unwrap();
    account.fault("upload", Effect::CutRequest { after: 100_000 });
    account.fault("upload", Effect::status(401));
    let bytes = noise(400_000);
    account.put("Jotta/Archive/a.bin", &bytes).await;
    assert_eq!(account.state().content("Jotta/Archive/a.bin").unwrap(), bytes);
}

#[tokio::test]
async fn what_hangs_is_given_up() {
    for endpoint in ["allocate", "upload", "metadata"] {
        let account = Account::open_with(Duration::from_millis(300), 2).await;
        account.state().add_fault(Fault::always(Matching::endpoint(endpoint), Effect::Hang));
        let place = path("Jotta/Archive/a");
        let error = match endpoint {
            "metadata" => account.client.look(&place).await.unwrap_err(),
            _ => account.client.upload(&place, &facts(b"x"), &mut &b"x"[..]).await.unwrap_err(),
        };
        assert_eq!(error.kind(), ErrorKind::Offline, "{endpoint}");
    }
}

#[tokio::test]
async fn a_trashed_file_is_revived_by_an_upload() {
    let account = Account::open().await;
    for content in [&b"same"[..], b"other"] {
        account.state().act(&Act::put("Jotta/Archive/a.txt", b"same")).unwrap();
        account.state().act(&Act::delete("Jotta/Archive/a.txt")).unwrap();
        account.put("Jotta/Archive/a.txt", content).await;
        assert_eq!(account.state().content("Jotta/Archive/a.txt").unwrap(), content);
    }
}
