//! How a command ends: the exit codes, and errors as people and scripts read them.

use std::fmt;
use std::io::{self, Write as _};
use std::process::ExitCode;

use jottad_core::in_words;
use jottad_engine::Verdict;
use serde_json::json;

use crate::cli::output::{Escaped, remark};
use crate::cli::typed;

/// The exit codes, a contract with scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done, or in sync.
    Done = 0,
    /// It failed.
    Failed = 1,
    /// The command line or the config file is wrong.
    Usage = 2,
    /// There is no daemon to ask.
    NotRunning = 3,
    /// Only a new login helps.
    LoginNeeded = 4,
    /// Working, not yet in sync.
    Working = 5,
    /// Some entries cannot be synced.
    Problems = 6,
    /// A person must decide.
    Held = 7,
    /// The service cannot be reached.
    Offline = 8,
    /// Something that must move does not.
    Stalled = 9,
    /// Stopped by a person.
    Paused = 10,
    /// Interrupted by a signal, as shells number it.
    Interrupted = 130,
}

impl Exit {
    const ALL: [Self; 12] = [
        Self::Done,
        Self::Failed,
        Self::Usage,
        Self::NotRunning,
        Self::LoginNeeded,
        Self::Working,
        Self::Problems,
        Self::Held,
        Self::Offline,
        Self::Stalled,
        Self::Paused,
        Self::Interrupted,
    ];

    /// The code of a word in a `--json` error; an unknown one is a plain failure.
    pub(crate) fn from_word(word: &str) -> Self {
        Self::ALL.into_iter().find(|exit| exit.as_str() == word).unwrap_or(Self::Failed)
    }

    /// The word for it in `--json` errors.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Usage => "usage",
            Self::NotRunning => "not_running",
            Self::LoginNeeded => "login_needed",
            Self::Working => "working",
            Self::Problems => "problems",
            Self::Held => "held",
            Self::Offline => "offline",
            Self::Stalled => "stalled",
            Self::Paused => "paused",
            Self::Interrupted => "interrupted",
        }
    }
}

impl From<Verdict> for Exit {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::LoginNeeded => Self::LoginNeeded,
            Verdict::Stalled => Self::Stalled,
            Verdict::Held => Self::Held,
            Verdict::Offline => Self::Offline,
            Verdict::Problems => Self::Problems,
            Verdict::Working => Self::Working,
            Verdict::Paused => Self::Paused,
            Verdict::InSync => Self::Done,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// What mends what the system does not let this user do, wherever that is found out.
pub(crate) const DENIED: &str = "let the user that runs jottad read and write it, with all that is in it; what was made with sudo is root's";
/// What mends a disk that has no room, wherever that is found out.
const MAKE_ROOM: &str = "free some space on that disk, and run it again";

/// Why a command could not do what was asked, with what mends it.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    message: String,
    path: Option<String>,
    hint: Option<String>,
    cause: Cause,
}

/// What tells a failure apart from others where something is decided by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    /// Whoever read the output has gone.
    ReaderGone,
    /// A person may have mistyped something.
    Mistake,
    /// A person ended a question instead of answering it.
    CalledOff,
    /// A local disk has no room.
    NoRoom,
    /// The system does not let this user do that.
    Denied,
    /// Nothing is decided by it.
    Other,
}

impl Failure {
    /// A failure with a message of the form "what failed, on which path, why". Numbers of the system's errors
    /// are left out.
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: in_words(message.into()), path: None, hint: None, cause: Cause::Other }
    }

    /// The usual case: it failed.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::new(Exit::Failed, message)
    }

    /// The command line or the config asks for something that cannot be.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// The system refused it: what was being done, and why that failed.
    pub(crate) fn of_system(action: impl fmt::Display, error: &io::Error) -> Self {
        Self::failed(format!("{action}: {error}")).because_of(error.kind())
    }

    /// Marks what the system said, where that alone says what mends it.
    fn because_of(mut self, kind: io::ErrorKind) -> Self {
        match kind {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => self.cause = Cause::NoRoom,
            io::ErrorKind::PermissionDenied => self.cause = Cause::Denied,
            _ => {}
        }
        self
    }

    /// A person ended a question instead of answering it.
    pub(crate) fn called_off() -> Self {
        Self { cause: Cause::CalledOff, ..Self::failed("called off") }
    }

    /// A person stopped it.
    pub(crate) fn interrupted() -> Self {
        Self::new(Exit::Interrupted, "interrupted").hint("run it again: it goes on where it was")
    }

    /// Adds what mends it.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Says first what was being done, where the message alone does not.
    pub(crate) fn because(mut self, action: &str) -> Self {
        self.message = format!("{action}: {}", self.message);
        self
    }

    /// Marks what a person may have mistyped: asking once more may be enough.
    pub(crate) fn mistake(mut self) -> Self {
        self.cause = Cause::Mistake;
        self
    }

    /// Marks that a local disk has no room, if that is so: what mends that need not be told by a hint.
    pub(crate) fn no_room_if(mut self, lacks_room: bool) -> Self {
        if lacks_room {
            self.cause = Cause::NoRoom;
        }
        self
    }

    /// Whether asking a person once more may be enough.
    pub(crate) fn is_mistake(&self) -> bool {
        self.cause == Cause::Mistake
    }

    /// Whether a person has called a question off, by its end of input or by Ctrl-C.
    pub(crate) fn is_called_off(&self) -> bool {
        self.exit == Exit::Interrupted || self.cause == Cause::CalledOff
    }

    /// Adds which file, folder or remote path it is about.
    pub(crate) fn path(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// Whoever read our output has gone: nothing more to say, and no failure.
    pub(crate) fn from_output(error: &io::Error) -> Self {
        let mut failure = Self::of_system("writing the output", error);
        if error.kind() == io::ErrorKind::BrokenPipe {
            failure.cause = Cause::ReaderGone;
        }
        failure
    }

    /// Whoever reads may leave: what was done, and the verdict on it, is the same.
    pub(crate) fn unless_reader_gone(self) -> Result<(), Self> {
        if self.cause == Cause::ReaderGone { Ok(()) } else { Err(self) }
    }

    /// What mends it.
    fn remedy(&self) -> Option<&str> {
        let usual = match self.cause {
            Cause::NoRoom => Some(MAKE_ROOM),
            Cause::Denied => Some(DENIED),
            _ => None,
        };
        self.hint.as_deref().or(usual)
    }

    /// The code to exit with.
    pub(crate) fn exit(&self) -> Exit {
        if self.cause == Cause::ReaderGone { Exit::Done } else { self.exit }
    }

    /// What failed, without the hint.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// Message, path and what mends it.
    pub(crate) fn into_parts(self) -> (String, Option<String>, Option<String>) {
        let remedy = self.remedy().map(str::to_owned);
        (self.message, self.path, remedy)
    }

    /// Tells it on stderr.
    pub(crate) fn tell(&self, json: bool) {
        match self.report(json) {
            // A document stays in one piece.
            Some(report) if json => {
                let _ = writeln!(io::stderr().lock(), "{report}");
            }
            Some(report) => remark(report),
            None => {}
        }
    }

    /// The text for stderr, or the JSON document; `None` if there is nobody to tell.
    fn report(&self, json: bool) -> Option<String> {
        if self.cause == Cause::ReaderGone {
            return None;
        }
        if json {
            let document = json!({
                "schema": 1,
                "error": {
                    "kind": self.exit.as_str(),
                    "message": self.message,
                    "path": self.path,
                    "hint": self.remedy(),
                },
            });
            return Some(document.to_string());
        }
        Some(self.to_string())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "error: {}", Escaped(&typed::text(&self.message)))?;
        self.remedy().map_or(Ok(()), |hint| write!(formatter, "\nhint: {}", Escaped(&typed::advice(hint))))
    }
}

/// What the service answered, in terms of exit codes and remedies.
impl From<jottad_transport::Error> for Failure {
    fn from(error: jottad_transport::Error) -> Self {
        use jottad_transport::ErrorKind;
        let kind = error.kind();
        let exit = match kind {
            ErrorKind::LoginNeeded => Exit::LoginNeeded,
            // Whatever answers does not do what Jottacloud does: it is as good as out of reach.
            ErrorKind::Offline | ErrorKind::ServerFault | ErrorKind::Protocol => Exit::Offline,
            _ => Exit::Failed,
        };
        let hint = match kind {
            ErrorKind::LoginNeeded => Some("log in with: jottad login"),
            ErrorKind::Offline if error.is_untrusted() => Some(
                "a proxy or the login page of this network may answer in its place: log in to the network, or name \
                 the authorities that you trust in SSL_CERT_FILE; a wrong clock looks the same",
            ),
            ErrorKind::Offline => Some("check the network; `jottad doctor` tells more"),
            ErrorKind::RateLimited | ErrorKind::ServerFault | ErrorKind::Incomplete => {
                Some("try again in a while")
            }
            ErrorKind::QuotaExceeded => Some("free some space, or see `jottad account`"),
            ErrorKind::Locked => Some(
                "`jottad account` tells whether the account is locked; www.jottacloud.com or its support says why",
            ),
            ErrorKind::NotFound | ErrorKind::Conflict => {
                Some("`jottad devices` lists the devices, and `jottad ls DEVICE/MOUNTPOINT` what is in them")
            }
            ErrorKind::Refused => Some("the service does not take this name or value; use another one"),
            ErrorKind::Corrupt | ErrorKind::SourceChanged => {
                Some("try again; nothing was kept of this attempt")
            }
            ErrorKind::Protocol => {
                Some("what answered may not be Jottacloud: check the addresses in the config, and any proxy")
            }
            ErrorKind::Setup => Some("check https_proxy and SSL_CERT_FILE, and the addresses in the config"),
            _ => None,
        };
        let failure = Self::new(exit, error.to_string());
        let failure = match error.of_system() {
            Some(kind) => failure.because_of(kind),
            None => failure,
        };
        match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_read_two_lines() {
        let failure = Failure::failed("reading /home/kari/x\u{1b}[2J: denied").hint("look at its mode");
        assert_eq!(
            failure.to_string(),
            "error: reading /home/kari/x\\u{1b}[2J: denied\nhint: look at its mode"
        );
    }

    #[test]
    fn scripts_read_one_document() {
        let failure = Failure::new(Exit::NotRunning, "no daemon").path("/run/x").hint("start it");
        assert_eq!(
            failure.report(true).unwrap(),
            r#"{"error":{"hint":"start it","kind":"not_running","message":"no daemon","path":"/run/x"},"schema":1}"#
        );
    }

    #[test]
    fn a_reader_that_left_is_no_failure() {
        let failure = Failure::from_output(&io::ErrorKind::BrokenPipe.into());
        assert_eq!((failure.exit(), failure.report(false)), (Exit::Done, None));
    }

    #[test]
    fn what_mends_an_error_of_the_system_is_told_by_its_kind_and_not_by_its_text() {
        let of = |kind| Failure::of_system("writing x", &io::Error::new(kind, "some text"));
        for (kind, remedy) in [
            (io::ErrorKind::StorageFull, Some(MAKE_ROOM)),
            (io::ErrorKind::QuotaExceeded, Some(MAKE_ROOM)),
            (io::ErrorKind::PermissionDenied, Some(DENIED)),
            (io::ErrorKind::NotFound, None),
        ] {
            assert_eq!(of(kind).remedy(), remedy, "{kind:?}");
            let (_, _, told) = of(kind).because("keeping y").into_parts();
            assert_eq!(told.as_deref(), remedy, "{kind:?}");
            let source = io::Error::new(kind, "some text");
            let action = || "fetching x".to_owned();
            let sink = jottad_transport::Error::Sink { action: action(), source };
            assert_eq!(Failure::from(sink).remedy(), remedy, "{kind:?}");
        }
        for text in ["No space left on device", "permission denied by a filter of the service"] {
            assert_eq!(Failure::failed(text).remedy(), None, "{text}");
        }
        let told = of(io::ErrorKind::StorageFull).hint("put it elsewhere");
        assert_eq!(told.remedy(), Some("put it elsewhere"), "what is known more closely goes before");
    }

    #[test]
    fn a_question_is_called_off_by_what_was_done_and_not_by_its_text() {
        assert!(Failure::called_off().hint("again").because("asking").is_called_off());
        assert!(Failure::interrupted().is_called_off());
        assert!(!Failure::failed("called off").is_called_off());
    }

    #[test]
    fn verdicts_exit_as_documented() {
        let codes = [
            (Verdict::InSync, 0),
            (Verdict::LoginNeeded, 4),
            (Verdict::Working, 5),
            (Verdict::Problems, 6),
            (Verdict::Held, 7),
            (Verdict::Offline, 8),
            (Verdict::Stalled, 9),
            (Verdict::Paused, 10),
        ];
        for (verdict, code) in codes {
            assert_eq!(Exit::from(verdict) as u8, code, "{verdict:?}");
        }
    }
}
