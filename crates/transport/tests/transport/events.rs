//! Change events (protocol 9.5).

use std::time::Duration;

use jottad_emulator::{Act, Effect};
use jottad_transport::{ErrorKind, Event, EventStream};

use crate::account::{Account, path};

#[tokio::test]
async fn what_another_device_does_is_told() {
    let account = Account::open().await;
    let mut events = account.client.events().await.unwrap();
    account.state().act(&Act::put("Jotta/Archive/a b.txt", b"x")).unwrap();
    let stored = next(&mut events).await;
    assert_eq!(stored.kind, "NEW_UPLOAD");
    assert_eq!(stored.path, Some(path("Jotta/Archive/a b.txt")));
    assert_eq!(stored.content.map(|content| content.size), Some(1));
    assert!(stored.modified.is_some());
    account.state().act(&Act::rename("Jotta/Archive/a b.txt", "Jotta/Archive/moved")).unwrap();
    let moved = next(&mut events).await;
    assert_eq!((moved.kind.as_str(), moved.to), ("MOVE", Some(path("Jotta/Archive/moved"))));
    assert!(events.last_word().time().is_some());
}

async fn next(events: &mut EventStream) -> Event {
    tokio::time::timeout(Duration::from_secs(20), events.next()).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_stream_that_is_cut_is_an_error() {
    let account = Account::open().await;
    let mut events = account.client.events().await.unwrap();
    assert_eq!(account.state().event_streams(), 1);
    account.state().cut_event_streams();
    let ended = tokio::time::timeout(Duration::from_secs(20), events.next()).await.unwrap();
    assert_eq!(ended.unwrap_err().kind(), ErrorKind::Offline);
    assert_eq!(account.state().event_streams(), 0);
}

/// Either form of ping may be the one that counts (U-40), and none must be missed.
#[tokio::test]
async fn an_idle_stream_is_kept_open_whatever_ping_the_service_wants() {
    for answer in ["both", "object", "text"] {
        let account = Account::open().await;
        account.state().set_switch("U40", answer).unwrap();
        let mut events = account.client.events().await.unwrap();
        tokio::time::pause();
        let quiet = tokio::time::timeout(Duration::from_mins(30), events.next()).await;
        assert!(quiet.is_err(), "{answer}: {quiet:?}");
        assert_eq!(account.state().event_streams(), 1, "{answer}");
        tokio::time::resume();
    }
}

#[tokio::test]
async fn a_lost_connection_is_an_error() {
    let account = Account::open().await;
    let mut events = account.client.events().await.unwrap();
    let client = account.client.clone();
    account.emulator.shutdown().await;
    let ended = tokio::time::timeout(Duration::from_secs(20), events.next()).await;
    // A server that vanished without a word is noticed by its silence; one that closed, at once.
    if let Ok(ended) = ended {
        assert_eq!(ended.unwrap_err().kind(), ErrorKind::Offline);
    }
    assert_eq!(client.events().await.unwrap_err().kind(), ErrorKind::Offline);
}

#[tokio::test]
async fn what_is_no_websocket_is_refused() {
    let account = Account::open().await;
    for effect in [Effect::Garbage, Effect::status(404), Effect::status(403)] {
        account.fault("events", effect.clone());
        assert!(account.client.events().await.is_err(), "{effect:?}");
    }
}
