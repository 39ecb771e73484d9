//! A service that answers nonsense, without an end, or from somewhere else: an error each time, and soon.

use std::time::Duration;

use jottad_core::StoredName;
use jottad_emulator::{Act, Effect, Fault, Matching};
use jottad_transport::{Client, ClientOptions, Endpoints, Error, ErrorKind};

use crate::account::{Account, content, facts, log_in, path};

/// Every method once; the errors of those that failed.
async fn ask_everything(client: &Client) -> Vec<Result<(), Error>> {
    let place = path("Jotta/Archive/a.txt");
    let folder = path("Jotta/Archive/folder");
    let mut sink = Vec::new();
    let held = jottad_transport::PartialContent::default();
    let listing = async {
        let mut stream = client.list_stream(&folder).await?;
        while stream.next_batch().await?.is_some() {}
        Ok(())
    };
    vec![
        client.customer().await.map(drop),
        client.user().await.map(drop),
        client.device(&StoredName::new("Jotta").unwrap()).await.map(drop),
        client.folder(&folder).await.map(drop),
        client.file(&place).await.map(drop),
        client.look(&place).await.map(drop),
        listing.await,
        client.upload(&path("Jotta/Archive/up"), &facts(b"up"), &mut &b"up"[..]).await.map(drop),
        client.set_times(&place, content(b"a"), None, crate::account::MODIFIED).await,
        client.download(&place, None, content(b"a"), held, &mut sink).await,
        client.trash().await.map(drop),
    ]
}

async fn account() -> Account {
    let account = Account::open().await;
    account.state().act(&Act::put("Jotta/Archive/a.txt", b"a")).unwrap();
    account.state().act(&Act::put("Jotta/Archive/folder/b.txt", b"b")).unwrap();
    account
}

#[tokio::test]
async fn without_faults_everything_works() {
    let account = account().await;
    for result in ask_everything(&account.client).await {
        result.unwrap();
    }
}

#[tokio::test]
async fn nonsense_is_an_error_everywhere() {
    for effect in [
        Effect::Garbage,
        Effect::Redirect { to: "https://evil.example/".to_owned() },
        Effect::Redirect { to: "http://127.0.0.1:1/".to_owned() },
        Effect::Redirect { to: "\u{7}".to_owned() },
        Effect::TruncateResponse { after: 0 },
        Effect::EndlessHeaders,
    ] {
        let account = account().await;
        account.state().add_fault(Fault::always(Matching::any(), effect.clone()));
        let asking = tokio::time::timeout(Duration::from_mins(1), ask_everything(&account.client));
        for (number, result) in asking.await.unwrap().into_iter().enumerate() {
            let error = result.expect_err(&format!("{effect:?} {number}"));
            let words = error.to_string();
            assert!(!words.contains('\n') && words.len() < 600, "{words}");
        }
    }
}

#[tokio::test]
async fn an_endless_document_is_not_read_to_its_end() {
    let account = account().await;
    let huge = Effect::Huge { bytes: 300 << 20 };
    account.state().add_fault(Fault::always(Matching::endpoint("metadata"), huge.clone()));
    account.state().add_fault(Fault::always(Matching::endpoint("customer"), huge));
    assert!(account.client.customer().await.is_err());
    assert!(account.client.folder(&path("Jotta/Archive/folder")).await.is_err());
    let read = account.state().counters().bytes_out;
    assert!(read < 200 << 20, "{read}");
}

#[tokio::test]
async fn a_redirect_on_the_same_host_is_followed_for_questions_only() {
    let account = account().await;
    let to = format!("{}/jfs/u7k2m9qp0example/Jotta/Archive/folder", account.emulator.base_url());
    account.fault("metadata", Effect::Redirect { to: to.clone() });
    assert!(account.client.folder(&path("Jotta/Archive/elsewhere")).await.unwrap().is_some());
    account.fault("dlDir", Effect::Redirect { to });
    assert!(account.client.trash_folder(&path("Jotta/Archive/elsewhere")).await.is_err());
    assert_eq!(account.live(), ["a.txt", "folder/", "folder/b.txt"]);
}

#[tokio::test]
async fn an_unreachable_service_is_offline() {
    let account = account().await;
    let client = account.client.clone();
    account.emulator.shutdown().await;
    let error = client.customer().await.unwrap_err();
    assert_eq!(error.kind(), jottad_transport::ErrorKind::Offline);
}

/// Answers every request on one connection after another with the same document.
async fn answering(document: String) -> String {
    let head = "Content-Type: application/json\r\nConnection: close";
    let length = document.len();
    let answer = format!("HTTP/1.1 200 OK\r\n{head}\r\nContent-Length: {length}\r\n\r\n{document}");
    answering_by(move |_| answer.clone()).await
}

/// Answers each request on a connection of its own with the bytes that follow from its beginning.
async fn answering_by(answer: impl Fn(&str) -> String + Send + 'static) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = vec![0; 4096];
            let length = stream.read(&mut request).await.unwrap_or(0);
            let answer = answer(&String::from_utf8_lossy(&request[..length]));
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    address
}

/// What lies between may have cut it off at any place, the right one included.
#[tokio::test]
async fn a_listing_that_ends_with_the_connection_alone_proves_nothing() {
    let account = account().await;
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nConnection: close\r\n";
    let document = |body: &str| format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>{body}");
    let looked = document("<folder name=\"folder\"/>");
    let listed = document(
        "<liststream><folder><path>/Archive/folder/in</path></folder>\
         <stats><folders>1</folders><files>0</files></stats></liststream>",
    );
    let session = log_in(&account.emulator, &account.directory).await.unwrap();
    for is_complete in [true, false] {
        let marked = |body: &str| format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
        let listing = if is_complete { marked(&listed) } else { format!("{head}\r\n{listed}") };
        let look = marked(&looked);
        let answering =
            move |request: &str| if request.contains("liststream") { &listing } else { &look }.clone();
        let own = Endpoints::on_one_host(&account.emulator.base_url());
        let endpoints = Endpoints { jfs_url: answering_by(answering).await, ..own };
        let client = Client::new(endpoints, session.clone(), ClientOptions::default()).unwrap();
        let mut stream = client.list_stream(&path("Jotta/Archive/folder")).await.unwrap();
        assert_eq!(stream.next_batch().await.unwrap().unwrap().len(), 1);
        match stream.next_batch().await {
            Ok(end) => assert!(end.is_none() && is_complete),
            Err(error) => assert!(matches!(error, Error::Incomplete { .. }) && !is_complete, "{error}"),
        }
    }
}

#[tokio::test]
async fn content_goes_to_no_host_that_is_not_the_services_own() {
    let account = account().await;
    let session = log_in(&account.emulator, &account.directory).await.unwrap();
    let upload_url = "https://upload.example/take?it=all";
    let document = format!(r#"{{"state":"INCOMPLETE","upload_url":"{upload_url}","resume_pos":0}}"#);
    let endpoints = Endpoints {
        api_url: answering(document).await,
        ..Endpoints::on_one_host(&account.emulator.base_url())
    };
    let client = Client::new(endpoints, session, ClientOptions::default()).unwrap();
    let place = path("Jotta/Archive/up");
    let error = client.upload(&place, &facts(b"up"), &mut &b"up"[..]).await.unwrap_err();
    assert!(matches!(&error, Error::ForeignHost { host, .. } if host == "upload.example"), "{error:?}");
    assert_eq!(error.kind(), ErrorKind::Protocol);
}
