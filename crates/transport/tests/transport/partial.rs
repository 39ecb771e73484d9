//! Parts of content, as a service may also answer: as a whole, as another part, as other bytes than it was sent.

use std::sync::{Arc, Mutex};

use jottad_core::Md5;
use jottad_emulator::{Act, Effect, Fault, Matching};
use jottad_transport::{Client, ClientOptions, Endpoints, ErrorKind, PartialContent, UploadFacts};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::account::{Account, content, facts, log_in, noise, path};

/// A service that answers each request with what follows from its head. It keeps the heads.
struct Service {
    address: String,
    heads: Arc<Mutex<Vec<String>>>,
}

/// Reads a request to its end; its head.
async fn read(stream: &mut TcpStream) -> String {
    let mut request = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&request);
        if let Some((head, _)) = text.split_once("\r\n\r\n") {
            let length = head.to_lowercase().lines().find_map(|line| {
                line.strip_prefix("content-length:").map(|length| length.trim().parse::<usize>().unwrap())
            });
            if request.len() >= head.len() + 4 + length.unwrap_or(0) {
                return head.to_owned();
            }
        }
        if stream.read_buf(&mut request).await.unwrap_or(0) == 0 {
            return String::new();
        }
    }
}

impl Service {
    async fn start(answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let heads = Arc::new(Mutex::new(Vec::new()));
        let (noted, answer) = (Arc::clone(&heads), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (noted, answer) = (Arc::clone(&noted), Arc::clone(&answer));
                tokio::spawn(async move {
                    let head = read(&mut stream).await;
                    let answer = answer(&head);
                    noted.lock().unwrap().push(head.to_lowercase());
                    let _ = stream.write_all(&answer).await;
                });
            }
        });
        Self { address, heads }
    }

    /// A client that takes it for the service in one respect.
    async fn client(&self, account: &Account, take: impl FnOnce(&mut Endpoints, String)) -> Client {
        let session = log_in(&account.emulator, &account.directory).await.unwrap();
        let mut endpoints = Endpoints::on_one_host(&account.emulator.base_url());
        take(&mut endpoints, self.address.clone());
        Client::new(endpoints, session, ClientOptions::default()).unwrap()
    }
}

fn answer(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head =
        format!("HTTP/1.1 {status}\r\nConnection: close\r\n{headers}Content-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// A service need not know of parts. All of it is right as well, only slower.
#[tokio::test]
async fn a_part_is_taken_out_of_the_whole_if_the_service_sends_that() {
    let bytes = noise(300_000);
    let account = Account::open().await;
    let whole = bytes.clone();
    let service = Service::start(move |_| answer("200 OK", "", &whole)).await;
    let client = service.client(&account, |endpoints, address| endpoints.jfs_url = address).await;
    let place = path("Jotta/Archive/a");
    for (offset, length) in
        [(0, None), (0, Some(10)), (5, None), (250_000, None), (200_000, Some(70_000)), (299_999, Some(5))]
    {
        let mut stream = client.open_content(&place, None, offset, length).await.unwrap();
        let mut part = Vec::new();
        while let Some(chunk) = stream.next_chunk().await.unwrap() {
            part.extend_from_slice(&chunk);
        }
        let start = usize::try_from(offset).unwrap();
        let end =
            length.map_or(bytes.len(), |length| bytes.len().min(start + usize::try_from(length).unwrap()));
        assert!(part == bytes[start..end], "{offset} {length:?}: {} bytes", part.len());
    }
    let mut sink = bytes[..100_000].to_vec();
    let mut held = PartialContent::default();
    held.update(&sink);
    client.download(&place, None, content(&bytes), held, &mut sink).await.unwrap();
    assert!(sink == bytes);
}

/// Bytes from another place than was asked for would be appended where they do not belong.
#[tokio::test]
async fn another_part_than_was_asked_for_is_refused() {
    for (range, is_taken) in [
        ("Content-Range: bytes 5-9/10\r\n", true),
        ("Content-Range: bytes 5-9/*\r\n", true),
        ("Content-Range: bytes 4-8/10\r\n", false),
        ("Content-Range: bytes 0-9/10\r\n", false),
        ("Content-Range: bytes */10\r\n", false),
        ("Content-Range: 5-9/10\r\n", false),
        ("", false),
    ] {
        let account = Account::open().await;
        let service = Service::start(move |_| answer("206 Partial Content", range, b"fghij")).await;
        let client = service.client(&account, |endpoints, address| endpoints.jfs_url = address).await;
        match client.open_content(&path("Jotta/Archive/a"), None, 5, Some(5)).await {
            Ok(mut stream) => {
                assert!(is_taken, "{range}");
                assert_eq!(stream.next_chunk().await.unwrap().unwrap(), "fghij");
            }
            Err(error) => {
                assert!(!is_taken, "{range}: {error}");
                assert_eq!(error.kind(), ErrorKind::Protocol);
            }
        }
    }
}

/// Each byte that is asked for is paid for by somebody.
#[tokio::test]
async fn no_more_of_a_file_is_asked_for_than_is_wanted() {
    let account = Account::open().await;
    account.put("Jotta/Archive/a", &noise(1000)).await;
    account.state().act(&Act::put("Jotta/Archive/empty", b"")).unwrap();
    for (name, offset, length, sent) in [
        ("a", 0, None, 1000),
        ("a", 0, Some(1), 1),
        ("a", 10, Some(20), 20),
        ("a", 990, None, 10),
        ("a", 999, Some(5), 1),
        ("empty", 0, None, 0),
    ] {
        account.state().reset_counters();
        let place = path(&format!("Jotta/Archive/{name}"));
        let mut stream = account.client.open_content(&place, None, offset, length).await.unwrap();
        while stream.next_chunk().await.unwrap().is_some() {}
        assert_eq!(account.state().counters().bytes_out, sent, "{name} {offset} {length:?}");
    }
}

/// What the service says it has stored is what was to be sent, as far as it says anything.
#[tokio::test]
async fn an_upload_is_done_if_the_service_says_that_it_has_just_what_was_sent() {
    let md5 = content(b"hello").md5.to_string();
    let other = Md5::EMPTY.to_string();
    for (stored, is_right) in [
        (format!(r#"{{"bytes":5,"md5":"{md5}"}}"#), true),
        (format!(r#"{{"bytes":5,"md5":"{}"}}"#, md5.to_uppercase()), true),
        (r#"{"bytes":5}"#.to_owned(), true),
        (format!(r#"{{"md5":"{md5}"}}"#), true),
        ("{}".to_owned(), true),
        (format!(r#"{{"bytes":4,"md5":"{md5}"}}"#), false),
        (format!(r#"{{"bytes":5,"md5":"{other}"}}"#), false),
        (format!(r#"{{"bytes":0,"md5":"{other}"}}"#), false),
        (r#"{"bytes":6}"#.to_owned(), false),
        (r#"{"md5":"no hash"}"#.to_owned(), false),
    ] {
        let account = Account::open().await;
        let said = stored.clone();
        let address = Arc::new(Mutex::new(String::new()));
        let named = Arc::clone(&address);
        let service = Service::start(move |head| {
            let allocated = format!(
                r#"{{"state":"INCOMPLETE","upload_url":"{}/take","resume_pos":0}}"#,
                named.lock().unwrap()
            );
            let document = if head.contains("allocate") { &allocated } else { &said };
            answer("200 OK", "Content-Type: application/json\r\n", document.as_bytes())
        })
        .await;
        service.address.clone_into(&mut address.lock().unwrap());
        let client = service.client(&account, |endpoints, address| endpoints.api_url = address).await;
        let sent = client.upload(&path("Jotta/Archive/a"), &facts(b"hello"), &mut &b"hello"[..]).await;
        match sent {
            Ok(sent) => assert_eq!((is_right, sent.sent_bytes), (true, 5), "{stored}"),
            Err(error) => assert_eq!((is_right, error.kind()), (false, ErrorKind::Corrupt), "{stored}"),
        }
        let heads = service.heads.lock().unwrap();
        assert_eq!(heads.len(), 2, "{heads:?}");
        assert!(heads.iter().all(|head| !head.contains("\r\nrange:")), "all of it is sent: {heads:?}");
    }
}

/// Nothing of it is sent again, and the answer tells whether it is right.
#[tokio::test]
async fn what_has_arrived_to_the_last_byte_is_only_confirmed() {
    let account = Account::open().await;
    let bytes = noise(2_000_000);
    account.fault("upload", Effect::CutRequest { after: 2_000_000 });
    let place = path("Jotta/Archive/a.bin");
    let sent = account.client.upload(&place, &facts(&bytes), &mut bytes.as_slice()).await.unwrap();
    assert_eq!(account.state().content("Jotta/Archive/a.bin").unwrap(), bytes);
    assert!(sent.sent_bytes <= 2_000_000, "{sent:?}");
}

/// Whoever is told of the failure has to look what is there, if any attempt may have had its effect.
#[tokio::test]
async fn an_upload_that_fails_in_the_end_may_be_done_if_any_of_its_attempts_may_be() {
    for (first, may_be_done) in [(Some(Effect::ResetAfter), true), (None, false)] {
        let account = Account::open().await;
        // It is refused for sure after that.
        let refusal = Fault::always(Matching::endpoint("allocate"), Effect::status(403));
        account.state().add_fault(if first.is_some() { refusal.after(1) } else { refusal });
        if let Some(effect) = first {
            account.fault("upload", effect);
        }
        let facts = UploadFacts { created: None, ..facts(b"hello") };
        let sent = account.client.upload(&path("Jotta/Archive/a"), &facts, &mut &b"hello"[..]).await;
        assert_eq!(sent.unwrap_err().is_uncertain(), may_be_done);
    }
}

/// What has arrived of it is not sent again. Where the service says that it holds all that there is and still
/// waits, or more than that, it has something else.
#[tokio::test]
async fn an_upload_goes_on_where_the_service_says_unless_nothing_would_be_left_to_send() {
    for (arrived, sent) in [(0, 5), (1, 4), (4, 1), (5, 5), (6, 5), (5_000_000_000_u64, 5)] {
        let account = Account::open().await;
        let address = Arc::new(Mutex::new(String::new()));
        let named = Arc::clone(&address);
        let attempts = Mutex::new(0);
        let service = Service::start(move |head| {
            let mut attempts = attempts.lock().unwrap();
            let json = "Content-Type: application/json\r\n";
            if head.contains("allocate") {
                let arrived = if *attempts == 0 { 0 } else { arrived };
                let address = named.lock().unwrap();
                let document = format!(
                    r#"{{"state":"INCOMPLETE","upload_url":"{address}/take","resume_pos":{arrived}}}"#
                );
                return answer("200 OK", json, document.as_bytes());
            }
            *attempts += 1;
            let status = if *attempts == 1 { "500 Internal Server Error" } else { "200 OK" };
            answer(status, json, b"{}")
        })
        .await;
        service.address.clone_into(&mut address.lock().unwrap());
        let client = service.client(&account, |endpoints, address| endpoints.api_url = address).await;
        client.upload(&path("Jotta/Archive/a"), &facts(b"hello"), &mut &b"hello"[..]).await.unwrap();
        let heads = service.heads.lock().unwrap();
        let last = heads.last().unwrap();
        assert!(last.contains(&format!("\r\ncontent-length: {sent}\r\n")), "{arrived}: {last}");
        assert_eq!(last.contains("\r\nrange: bytes="), sent < 5, "{arrived}: {last}");
    }
}
