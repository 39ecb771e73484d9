//! A browser, as far as a login needs one: it goes where it is sent, and follows where that sends it.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use super::TIMEOUT;

/// Goes to an address and follows redirects; returns the status and text of the page where it ends.
#[track_caller]
pub(crate) fn browse(address: &str) -> (u16, String) {
    let page = visit(address);
    match page.location {
        Some(next) => browse(&next),
        None => (page.status, page.text),
    }
}

/// Where a page sends a browser, which does not go there.
#[track_caller]
pub(crate) fn where_to(address: &str) -> String {
    visit(address).location.expect("a redirect")
}

struct Page {
    status: u16,
    location: Option<String>,
    text: String,
}

#[track_caller]
fn visit(address: &str) -> Page {
    let rest = address.strip_prefix("http://").unwrap_or_else(|| panic!("{address:?} is not of a test"));
    let (host, target) = rest.split_once('/').unwrap_or((rest, ""));
    let mut stream = TcpStream::connect(host).unwrap_or_else(|error| panic!("{host}: {error}"));
    stream.set_read_timeout(Some(TIMEOUT)).unwrap();
    write!(stream, "GET /{target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, text) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let location = head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("location").then(|| value.to_owned())
    });
    Page { status, location, text: text.to_owned() }
}
