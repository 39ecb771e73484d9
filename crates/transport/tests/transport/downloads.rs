//! Fetching content: resumed, verified, refused (protocol 4.5, 4.6).

use std::time::Duration;

use jottad_emulator::{Act, Effect, Fault, Matching};
use jottad_transport::{ErrorKind, PartialContent};

use crate::account::{Account, content, noise, path};

#[tokio::test]
async fn content_is_fetched_and_verified() {
    let account = Account::open().await;
    for size in [0, 1, 1_000_000] {
        let bytes = noise(size);
        account.put("Jotta/Archive/a.bin", &bytes).await;
        let mut sink = Vec::new();
        let place = path("Jotta/Archive/a.bin");
        account.state().reset_counters();
        account
            .client
            .download(&place, None, content(&bytes), PartialContent::default(), &mut sink)
            .await
            .unwrap();
        assert_eq!(sink, bytes);
        assert_eq!(account.state().counters().of("content"), u64::from(size > 0), "{size}");
    }
}

/// A line that breaks every megabyte is a line that gets on.
#[tokio::test]
async fn a_download_that_gets_a_good_deal_further_each_time_is_not_given_up() {
    for (first, each, is_fetched) in
        [(1_500_000, 1_500_000, true), (100_000, 100_000, false), (1_500_000, 100_000, false)]
    {
        let account = Account::open_with(Duration::from_secs(5), 2).await;
        let bytes = noise(8_000_000);
        account.put("Jotta/Archive/a.bin", &bytes).await;
        for after in [first, each, each, each, each] {
            account.fault("content", Effect::TruncateResponse { after });
        }
        let mut sink = Vec::new();
        let place = path("Jotta/Archive/a.bin");
        let fetched = account
            .client
            .download(&place, None, content(&bytes), PartialContent::default(), &mut sink)
            .await;
        assert_eq!(fetched.is_ok(), is_fetched, "{first} {each}: {fetched:?}");
        assert_eq!(sink == bytes, is_fetched, "{first} {each}");
    }
}

/// Whatever a service goes on sending, a disk takes no more of it than there should be.
#[tokio::test]
async fn more_than_there_should_be_is_not_written() {
    let account = Account::open().await;
    account.state().act(&Act::put("Jotta/Archive/a.bin", &noise(3_000_000))).unwrap();
    let mut sink = Vec::new();
    let place = path("Jotta/Archive/a.bin");
    let expected = content(&noise(1_000_000));
    let fetched = account.client.download(&place, None, expected, PartialContent::default(), &mut sink).await;
    assert_eq!(fetched.unwrap_err().kind(), ErrorKind::Conflict);
    assert!(sink.len() <= 1_000_000, "{}", sink.len());
}

/// A body that ends before anything came has nothing to go on with.
#[tokio::test]
async fn a_body_without_anything_in_it_is_asked_for_once() {
    let account = Account::open().await;
    account.put("Jotta/Archive/a.bin", b"expected").await;
    account.state().reset_counters();
    let effect = Effect::TruncateResponse { after: 0 };
    account.state().add_fault(Fault::always(Matching::endpoint("content"), effect));
    let place = path("Jotta/Archive/a.bin");
    let fetched = account
        .client
        .download(&place, None, content(b"expected"), PartialContent::default(), &mut Vec::new())
        .await;
    assert_eq!(fetched.unwrap_err().kind(), ErrorKind::Corrupt);
    assert_eq!(account.state().counters().of("content"), 1);
}

#[tokio::test]
async fn every_fault_on_the_way_is_overcome() {
    let bytes = noise(1_000_000);
    for effect in [
        Effect::status(500),
        Effect::status(401),
        Effect::ResetBefore,
        Effect::CutResponse { after: 400_000 },
        Effect::TruncateResponse { after: 400_000 },
    ] {
        let account = Account::open().await;
        account.put("Jotta/Archive/a.bin", &bytes).await;
        account.fault("content", effect.clone());
        let mut sink = Vec::new();
        let place = path("Jotta/Archive/a.bin");
        let fetched = account
            .client
            .download(&place, None, content(&bytes), PartialContent::default(), &mut sink)
            .await;
        fetched.unwrap_or_else(|error| panic!("{effect:?}: {error}"));
        assert_eq!(sink, bytes, "{effect:?}");
        // A reset may take bytes with it that had arrived; an early end does not.
        let went_on = account.state().counters().bytes_out < 1_100_000;
        assert!(went_on || matches!(effect, Effect::CutResponse { .. }), "{effect:?}");
    }
}

#[tokio::test]
async fn a_partial_file_is_completed() {
    let account = Account::open().await;
    let bytes = noise(500_000);
    account.put("Jotta/Archive/a.bin", &bytes).await;
    let mut sink = bytes[..300_000].to_vec();
    let mut held = PartialContent::default();
    held.update(&sink);
    account.state().reset_counters();
    account
        .client
        .download(&path("Jotta/Archive/a.bin"), None, content(&bytes), held, &mut sink)
        .await
        .unwrap();
    assert_eq!(sink, bytes);
    assert!(account.state().counters().bytes_out < 210_000);
}

#[tokio::test]
async fn other_bytes_than_expected_are_never_accepted() {
    let account = Account::open().await;
    let place = path("Jotta/Archive/a.bin");
    account.put("Jotta/Archive/a.bin", b"expected").await;
    let fetch = async |sink: &mut Vec<u8>| {
        account.client.download(&place, None, content(b"expected"), PartialContent::default(), sink).await
    };
    account.state().add_fault(Fault::always(Matching::endpoint("content"), Effect::WrongContent));
    assert_eq!(fetch(&mut Vec::new()).await.unwrap_err().kind(), ErrorKind::Corrupt);
    account.state().clear_faults();
    for other in [&b"EXPECTED"[..], b"short", b"much longer than that"] {
        account.state().act(&Act::put("Jotta/Archive/a.bin", other)).unwrap();
        assert_eq!(fetch(&mut Vec::new()).await.unwrap_err().kind(), ErrorKind::Conflict, "{other:?}");
    }
    account.state().act(&Act::delete("Jotta/Archive/a.bin")).unwrap();
    assert_eq!(fetch(&mut Vec::new()).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn an_older_revision_is_fetched_by_its_number() {
    let account = Account::open().await;
    account.put("Jotta/Archive/a", b"one").await;
    account.put("Jotta/Archive/a", b"two!").await;
    let place = path("Jotta/Archive/a");
    let details = account.client.file(&place).await.unwrap().unwrap();
    let old = &details.revisions[0];
    let mut sink = Vec::new();
    account
        .client
        .download(&place, old.number, old.content().unwrap(), PartialContent::default(), &mut sink)
        .await
        .unwrap();
    assert_eq!(sink, b"one");
}

#[tokio::test]
async fn a_part_is_fetched_alone() {
    let account = Account::open().await;
    let bytes = noise(100_000);
    account.put("Jotta/Archive/a", &bytes).await;
    let place = path("Jotta/Archive/a");
    for (offset, length) in [
        (0, None),
        (0, Some(10)),
        (99_999, Some(1)),
        (5, Some(70_000)),
        (50_000, None),
        (90_000, Some(1 << 40)),
    ] {
        account.state().reset_counters();
        let mut stream = account.client.open_content(&place, None, offset, length).await.unwrap();
        let mut part = Vec::new();
        while let Some(chunk) = stream.next_chunk().await.unwrap() {
            part.extend_from_slice(&chunk);
        }
        let start = usize::try_from(offset).unwrap();
        let end =
            length.map_or(bytes.len(), |length| bytes.len().min(start + usize::try_from(length).unwrap()));
        assert_eq!(part, bytes[start..end], "{offset} {length:?}");
        let sent = account.state().counters().bytes_out;
        assert!(sent < (end - start) as u64 + 10_000, "{offset} {length:?}: {sent}");
    }
    let beyond = account.client.open_content(&place, None, 100_001, None).await.unwrap_err();
    assert_eq!(beyond.kind(), ErrorKind::Refused);
}

#[tokio::test]
async fn a_sink_that_fails_ends_the_download() {
    struct Full;
    impl std::io::Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let account = Account::open().await;
    account.put("Jotta/Archive/a", b"x").await;
    let place = path("Jotta/Archive/a");
    let error = account
        .client
        .download(&place, None, content(b"x"), PartialContent::default(), &mut Full)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Local);
    assert_eq!(account.state().counters().of("content"), 1);
}
