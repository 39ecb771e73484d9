//! Change events (protocol 9.5).

use std::time::Duration;

use jottad_emulator::{Act, Effect};
use jottad_transport::ErrorKind;

use crate::account::{Account, path};

#[tokio::test]
async fn what_another_device_does_is_told() {
    let account = Account::open().await;
    let mut events = account.client.events().await.unwrap();
    // A subscription takes effect a moment after it was sent: act until something comes.
    let mut number = 0;
    let first = loop {
        account.state().act(&Act::put(&format!("Jotta/Archive/{number}: a.txt"), b"x")).unwrap();
        number += 1;
        if let Ok(event) = tokio::time::timeout(Duration::from_millis(50), events.next()).await {
            break event.unwrap();
        }
        assert!(number < 200, "no event came");
    };
    assert_eq!(first.kind, "NEW_UPLOAD");
    assert!(first.path.unwrap().starts_with(&path("Jotta/Archive")));
    account.state().act(&Act::rename("Jotta/Archive/0: a.txt", "Jotta/Archive/moved")).unwrap();
    let moved = loop {
        let event = tokio::time::timeout(Duration::from_secs(10), events.next()).await.unwrap().unwrap();
        if event.kind == "MOVE" {
            break event;
        }
    };
    assert_eq!(moved.to, Some(path("Jotta/Archive/moved")));
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
