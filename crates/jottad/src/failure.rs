//! How a command ends: the exit codes, and errors as people and scripts read them.

use std::fmt;
use std::io;
use std::process::ExitCode;

use jottad_engine::Verdict;
use serde_json::json;

use crate::output::Escaped;

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

/// How the system and the index say that a disk has no room.
const FULL: [&str; 3] = ["No space left on device", "Disk quota exceeded", "database or disk is full"];
/// How the system says that a user may not do that, and what the library says of it.
const REFUSED: [&str; 2] = ["Permission denied", "permission denied"];
/// What mends that.
pub(crate) const DENIED: &str = "let the user that runs jottad read and write it, with all that is in it; what was made with sudo is root's";
const MAKE_ROOM: &str = "free some space on that disk, and run it again";

/// Why a command could not do what was asked, with what mends it.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    message: String,
    path: Option<String>,
    hint: Option<String>,
    reader_gone: bool,
    mistake: bool,
}

impl Failure {
    /// A failure with a message of the form "what failed, on which path, why".
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), path: None, hint: None, reader_gone: false, mistake: false }
    }

    /// The usual case: it failed.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::new(Exit::Failed, message)
    }

    /// The command line or the config asks for something that cannot be.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
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
        self.mistake = true;
        self
    }

    /// Whether asking a person once more may be enough.
    pub(crate) const fn is_mistake(&self) -> bool {
        self.mistake
    }

    /// Adds which file, folder or remote path it is about.
    pub(crate) fn path(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// Whoever read our output has gone: nothing more to say, and no failure.
    pub(crate) fn from_output(error: &io::Error) -> Self {
        let mut failure = Self::failed(format!("writing the output: {error}"));
        failure.reader_gone = error.kind() == io::ErrorKind::BrokenPipe;
        failure
    }

    /// Whoever reads may leave: what was done, and the verdict on it, is the same.
    pub(crate) fn unless_reader_gone(self) -> Result<(), Self> {
        if self.reader_gone { Ok(()) } else { Err(self) }
    }

    /// What mends it. A disk that has no room and a file that is somebody else's need no other word, wherever
    /// that is found out.
    fn remedy(&self) -> Option<&str> {
        let says = |words: &[&str]| words.iter().any(|words| self.message.contains(words));
        let usual = || says(&FULL).then_some(MAKE_ROOM).or_else(|| says(&REFUSED).then_some(DENIED));
        self.hint.as_deref().or_else(usual)
    }

    /// The code to exit with.
    pub(crate) const fn exit(&self) -> Exit {
        if self.reader_gone { Exit::Done } else { self.exit }
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

    /// The text for stderr, or the JSON document; `None` if there is nobody to tell.
    pub(crate) fn report(&self, json: bool) -> Option<String> {
        if self.reader_gone {
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
        write!(formatter, "error: {}", Escaped(&self.message))?;
        self.remedy().map_or(Ok(()), |hint| write!(formatter, "\nhint: {}", Escaped(hint)))
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
            ErrorKind::Offline => Some("check the network; `jottad doctor` tells more"),
            ErrorKind::RateLimited | ErrorKind::ServerFault | ErrorKind::Incomplete => {
                Some("try again in a while")
            }
            ErrorKind::QuotaExceeded => Some("free some space, or see `jottad account`"),
            ErrorKind::Locked => Some(
                "`jottad account` tells whether the account is locked; www.jottacloud.com or its support says why",
            ),
            ErrorKind::NotFound | ErrorKind::Conflict => Some("see what is there: jottad ls"),
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
