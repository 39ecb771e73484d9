//! The service's error answers (protocol 7): XML from the metadata hosts, JSON from the others, anything from
//! a proxy in between.

use std::fmt;

use serde::Deserialize;

use crate::error::ErrorKind;
use crate::xml::Document;

/// An error answer: the status, and what else could be read from the body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerFault {
    status: u16,
    exception: Option<String>,
    message: Option<String>,
    wants_code: Option<String>,
}

#[derive(Deserialize)]
struct JsonFault {
    message: Option<String>,
    error_id: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
}

impl ServerFault {
    /// Reads what it can from a body that may be XML, JSON, HTML, cut off or empty. The status always counts.
    pub fn parse(status: u16, body: &[u8]) -> Self {
        let (exception, message) = parse_json(body).or_else(|| parse_xml(body)).unwrap_or_default();
        Self { status, exception, message: message.map(|text| printable(&text)), wants_code: None }
    }

    /// Notes that a one-time code is wanted (protocol 2.5), from the header that says so: `required; SMS`.
    pub(crate) fn with_code_header(mut self, header: Option<&str>) -> Self {
        let words = header.filter(|header| header.starts_with("required"));
        self.wants_code =
            words.map(|words| printable(words.split_once(';').map_or("SMS", |(_, way)| way.trim())));
        self
    }

    /// How a one-time code reaches the user, if the service wants one.
    pub fn wants_code(&self) -> Option<&str> {
        self.wants_code.as_deref()
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The name of the exception (`NoSuchFileException`, protocol 7.3) or of the login error
    /// (`invalid_grant`).
    pub fn exception(&self) -> Option<&str> {
        self.exception.as_deref()
    }

    /// What the service said, for people.
    pub fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }

    /// Classifies by status and exception (protocol 7.4).
    pub fn kind(&self) -> ErrorKind {
        match self.exception() {
            Some("UniqueFileException") => return ErrorKind::Conflict,
            Some("CorruptUploadOpenApiException") => return ErrorKind::Corrupt,
            Some("NoSuchFileException" | "NoSuchPathException" | "NoSuchMountPointException")
                if self.status < 500 =>
            {
                return ErrorKind::NotFound;
            }
            _ => {}
        }
        match self.status {
            401 => ErrorKind::LoginNeeded,
            403 => ErrorKind::Locked,
            404 | 410 => ErrorKind::NotFound,
            409 | 412 => ErrorKind::Conflict,
            413 => ErrorKind::TooLarge,
            420 => ErrorKind::Offline,
            421 => ErrorKind::Corrupt,
            429 => ErrorKind::RateLimited,
            460 | 507 => ErrorKind::QuotaExceeded,
            408 | 500..=599 => ErrorKind::ServerFault,
            400..=499 => ErrorKind::Refused,
            _ => ErrorKind::Protocol,
        }
    }
}

impl ServerFault {
    /// Whether the message is about what was asked for.
    fn tells_why(&self) -> bool {
        matches!(
            self.kind(),
            ErrorKind::Refused | ErrorKind::Conflict | ErrorKind::Locked | ErrorKind::LoginNeeded
        )
    }
}

/// In words for people, never the answer itself: that may be anything.
impl fmt::Display for ServerFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = match self.kind() {
            ErrorKind::QuotaExceeded => "the account is full",
            ErrorKind::NotFound => "not found",
            ErrorKind::LoginNeeded => "the login is not accepted",
            ErrorKind::Locked => "not allowed or the account is locked",
            ErrorKind::RateLimited => "too many requests",
            ErrorKind::Corrupt => "the service received other bytes than announced",
            ErrorKind::ServerFault => "the service failed",
            ErrorKind::Conflict => "the name is taken",
            ErrorKind::TooLarge => "the service does not take so many bytes",
            _ => "the service refused",
        };
        formatter.write_str(words)?;
        // What the service says of a failure of its own is for its operators; the log has it.
        let is_for_people = |message: &&String| message.contains(' ') && !message.contains(['<', '{']);
        match self.message.as_ref().filter(|message| self.tells_why() && is_for_people(message)) {
            Some(message) => write!(formatter, ": {message}"),
            None => Ok(()),
        }
    }
}

type Parts = (Option<String>, Option<String>);

fn parse_json(body: &[u8]) -> Option<Parts> {
    let fault: JsonFault = serde_json::from_slice(body).ok()?;
    Some((fault.error_id.or(fault.error).map(|id| printable(&id)), fault.message.or(fault.error_description)))
}

fn parse_xml(body: &[u8]) -> Option<Parts> {
    let root = Document::parse_whole(body).ok()?;
    if root.name() != "error" {
        return None;
    }
    let message = root.child_text("message")?;
    let (qualified, rest) = message.split_once(':').unwrap_or((message, ""));
    let exception = qualified.rsplit('.').next().unwrap_or(qualified).trim();
    if exception.ends_with("Exception") && !exception.contains(char::is_whitespace) {
        let rest = rest.trim();
        return Some((Some(printable(exception)), (!rest.is_empty()).then(|| rest.to_owned())));
    }
    Some((None, Some(message.to_owned())))
}

/// One bounded line without control characters: the text goes to terminals and logs.
fn printable(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn xml(status: u16, message: &str) -> ServerFault {
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<error>\n  <code>{status}</code>\n  \
             <message>{message}</message>\n  <reason>Whatever</reason>\n  <cause></cause>\n  \
             <hostname>dn-1</hostname>\n  <x-id>1</x-id>\n</error>\n"
        );
        ServerFault::parse(status, body.as_bytes())
    }

    #[test]
    fn the_exception_is_read_from_xml() {
        let fault = xml(404, "no.jotta.backup.errors.NoSuchPathException: Directory /u/Jotta/x");
        assert_eq!(fault.exception(), Some("NoSuchPathException"));
        assert_eq!(fault.message(), Some("Directory /u/Jotta/x"));
        assert_eq!(fault.kind(), ErrorKind::NotFound);
        assert_eq!(fault.to_string(), "not found");
    }

    #[test]
    fn the_exception_is_read_from_json() {
        let fault = ServerFault::parse(420, br#"{"code":420,"error_id":"IncompleteUploadOpenApiException"}"#);
        assert_eq!(fault.exception(), Some("IncompleteUploadOpenApiException"));
        let fault =
            ServerFault::parse(400, br#"{"error":"invalid_grant","error_description":"Stale token"}"#);
        assert_eq!(fault.exception(), Some("invalid_grant"));
        assert_eq!(fault.message(), Some("Stale token"));
    }

    #[test]
    fn the_status_counts_when_the_body_says_nothing() {
        for body in [&b""[..], b"<html>", b"{", b"<error><message>cut", b"\xff\xfe", b"[1]"] {
            let fault = ServerFault::parse(503, body);
            assert_eq!((fault.exception(), fault.kind()), (None, ErrorKind::ServerFault), "{body:?}");
        }
    }

    #[test]
    fn every_status_of_the_protocol_has_its_kind() {
        for (status, kind) in [
            (400, ErrorKind::Refused),
            (401, ErrorKind::LoginNeeded),
            (403, ErrorKind::Locked),
            (404, ErrorKind::NotFound),
            (408, ErrorKind::ServerFault),
            (409, ErrorKind::Conflict),
            (410, ErrorKind::NotFound),
            (412, ErrorKind::Conflict),
            (413, ErrorKind::TooLarge),
            (416, ErrorKind::Refused),
            (420, ErrorKind::Offline),
            (421, ErrorKind::Corrupt),
            (422, ErrorKind::Refused),
            (423, ErrorKind::Refused),
            (451, ErrorKind::Refused),
            (429, ErrorKind::RateLimited),
            (460, ErrorKind::QuotaExceeded),
            (500, ErrorKind::ServerFault),
            (502, ErrorKind::ServerFault),
            (507, ErrorKind::QuotaExceeded),
            (509, ErrorKind::ServerFault),
        ] {
            assert_eq!(ServerFault::parse(status, b"").kind(), kind, "{status}");
        }
        for (exception, kind) in [
            ("UniqueFileException", ErrorKind::Conflict),
            ("NoSuchFileException", ErrorKind::NotFound),
            ("NoSuchPathException", ErrorKind::NotFound),
            ("NoSuchMountPointException", ErrorKind::NotFound),
            ("CorruptUploadOpenApiException", ErrorKind::Corrupt),
        ] {
            assert_eq!(xml(400, &format!("a.b.{exception}")).kind(), kind, "{exception}");
        }
    }

    #[test]
    fn an_answer_is_told_in_words_and_never_as_it_came() {
        let json = |status, message: &str| {
            ServerFault::parse(status, format!("{{\"message\":\"{message}\"}}").as_bytes()).to_string()
        };
        for (told, expected) in [
            (xml(503, "a.b.BusyException: node dn-1 is <down>").to_string(), "the service failed"),
            (
                xml(400, "a.b.BadNameException: the name is odd").to_string(),
                "the service refused: the name is odd",
            ),
            (json(400, "<html>no such thing</html>"), "the service refused"),
            (
                json(403, "the file holds a virus"),
                "not allowed or the account is locked: the file holds a virus",
            ),
            (ServerFault::parse(502, b"<html>Bad gateway</html>").to_string(), "the service failed"),
            (ServerFault::parse(429, b"").to_string(), "too many requests"),
        ] {
            assert_eq!(told, expected);
        }
    }

    #[test]
    fn messages_are_harmless_on_a_terminal() {
        let fault = ServerFault::parse(400, br#"{"message":"bad\u001b[31m\nname"}"#);
        assert_eq!(fault.message(), Some("bad [31m name"));
    }

    #[test]
    fn each_kind_of_refusal_has_words_of_its_own() {
        for (status, words) in [
            (400, "the service refused"),
            (401, "the login is not accepted"),
            (403, "not allowed or the account is locked"),
            (404, "not found"),
            (409, "the name is taken"),
            (413, "the service does not take so many bytes"),
            (429, "too many requests"),
            (500, "the service failed"),
            (507, "the account is full"),
        ] {
            assert_eq!(ServerFault::parse(status, b"").to_string(), words, "{status}");
        }
    }
}
