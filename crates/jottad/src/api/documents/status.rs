//! `status`: what is known of each folder and of jottad as a whole.

use jottad_engine::{FolderStatus, Pending, Skipped, Verdict};
use serde::{Deserialize, Serialize};

use super::{Time, VerdictWord};
use crate::account::quota::{Fullness, QuotaWarning};
use crate::api::proven::{heard_word, listed_every};
use crate::daemon::pass::Done;

/// `status`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct StatusDocument {
    pub(crate) schema: u32,
    pub(crate) verdict: VerdictWord,
    pub(crate) version: String,
    /// Whether a daemon says so, which goes on keeping everything in step.
    #[serde(default = "is_usual")]
    pub(crate) daemon: bool,
    /// Of whoever keeps things in step at the moment; `None` if nobody does.
    pub(crate) pid: Option<u32>,
    pub(crate) started_at: Option<Time>,
    pub(crate) account: AccountStatus,
    pub(crate) noticing: NoticingDocument,
    pub(crate) folders: Vec<FolderDocument>,
    /// Problems of all folders; `None` while one of them is unknown.
    pub(crate) problems: Option<u64>,
    /// Why jottad as a whole does not move, in words.
    pub(crate) trouble: Option<String>,
    /// What mends that.
    #[serde(default)]
    pub(crate) remedy: Option<String>,
    /// Whether it is shown by a pass that has just ended.
    #[serde(skip)]
    pub(crate) after_pass: bool,
}

#[cfg(test)]
impl StatusDocument {
    /// What a daemon says of these folders.
    pub(crate) fn of(folders: Vec<FolderDocument>) -> Self {
        let verdicts = folders.iter().map(|folder| folder.verdict.0);
        Self {
            schema: super::SCHEMA,
            verdict: VerdictWord(crate::api::verdict::overall(verdicts)),
            version: String::new(),
            daemon: true,
            pid: Some(1),
            started_at: Some(Time(jottad_core::Timestamp::from_seconds(0))),
            account: AccountStatus::default(),
            noticing: NoticingDocument::default(),
            problems: folders.iter().map(|folder| folder.problems).sum(),
            folders,
            trouble: None,
            remedy: None,
            after_pass: false,
        }
    }
}

const fn is_usual() -> bool {
    true
}

/// The account in `status`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct AccountStatus {
    pub(crate) username: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) used_bytes: Option<u64>,
    pub(crate) quota_bytes: Option<u64>,
    pub(crate) checked_at: Option<Time>,
    /// Whether there is no quota; `None` while that is not known.
    #[serde(default)]
    pub(crate) unlimited: Option<bool>,
    /// `nearly_full` from 90 % on, `full` from 100 % on.
    #[serde(default)]
    pub(crate) quota_warning: Option<QuotaWarning>,
}

impl AccountStatus {
    /// How full it is, as far as that is known.
    pub(crate) fn fullness(&self) -> Fullness {
        Fullness { used_bytes: self.used_bytes, quota_bytes: self.quota_bytes, unlimited: self.unlimited }
    }
}

/// How changes by others are noticed, in `status`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NoticingDocument {
    /// `listening`, `connecting`, `waiting` (to try again) or `off` (no folder needs them now).
    pub(crate) events: String,
    /// Since when they are listened to.
    pub(crate) events_since: Option<Time>,
    /// When something last came on their connection.
    pub(crate) events_heard_at: Option<Time>,
    /// Why they are not listened to.
    pub(crate) events_trouble: Option<String>,
    /// `working`, `failing`, or `off` while no folder has polled yet.
    pub(crate) polls: String,
    /// When a poll was last answered.
    pub(crate) polled_at: Option<Time>,
    /// When the service was last heard of, in any way.
    pub(crate) heard_at: Option<Time>,
}

/// How often a folder died and was started anew, in `status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RestartsDocument {
    pub(crate) times: u32,
    pub(crate) at: Time,
    pub(crate) reason: String,
}

/// A folder in `status`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct FolderDocument {
    pub(crate) name: String,
    pub(crate) local: String,
    pub(crate) remote: String,
    pub(crate) mode: String,
    pub(crate) verdict: VerdictWord,
    /// Whether nothing is left that could be done now; `None` while that is not known.
    pub(crate) settled: Option<bool>,
    /// Whether nothing but failures is left, so that waiting brings nothing; `None` while that is unknown.
    #[serde(default)]
    pub(crate) only_failures_left: Option<bool>,
    pub(crate) proven_at: Option<Time>,
    /// As of when all that there was when a person last asked for a look, or the run began, is done, whatever
    /// has changed since; `None` until it is.
    #[serde(default)]
    pub(crate) caught_up_at: Option<Time>,
    pub(crate) local_checked_at: Option<Time>,
    pub(crate) remote_checked_at: Option<Time>,
    /// When the service last said whether anything may have changed.
    pub(crate) polled_at: Option<Time>,
    /// How others' changes are noticed: `events`, `polls`, or null if they are not.
    pub(crate) heard: Option<String>,
    /// With `polls`: how often everything is listed.
    pub(crate) listed_every_seconds: Option<u64>,
    pub(crate) files: Option<u64>,
    pub(crate) directories: Option<u64>,
    pub(crate) bytes: Option<u64>,
    /// What is left out on purpose, by kind.
    #[serde(default)]
    pub(crate) skipped: Option<SkippedDocument>,
    pub(crate) pending: Option<PendingDocument>,
    pub(crate) transfers: Vec<TransferDocument>,
    /// Whether a person stopped it; `None` also while that is not known.
    #[serde(default)]
    pub(crate) paused: Option<PausedDocument>,
    /// Directories in which something changed and that were not read since; while the folder is paused they
    /// wait.
    #[serde(default)]
    pub(crate) unseen_directories: Option<u64>,
    pub(crate) held: Option<HeldStatus>,
    /// What a person decided, where nobody sees to it at the moment.
    #[serde(default)]
    pub(crate) noted: Option<NotedStatus>,
    pub(crate) problems: Option<u64>,
    pub(crate) watching: Option<WatchingDocument>,
    /// `None` if it never died.
    pub(crate) restarts: Option<RestartsDocument>,
    /// Why the folder does not move, in words.
    pub(crate) trouble: Option<String>,
    /// What somebody who waits may be told that it waits for, sooner than it counts as trouble.
    #[serde(default)]
    pub(crate) waits_for: Option<String>,
    /// Its loop does not answer: for the daemon itself, which tells the system's watchdog.
    #[serde(skip)]
    pub(crate) is_silent: bool,
}

impl FolderDocument {
    /// How a folder is configured, and its verdict; nothing else is known of it.
    pub(crate) fn new(name: &str, local: String, remote: String, mode: &str, verdict: Verdict) -> Self {
        Self {
            name: name.to_owned(),
            local,
            remote,
            mode: mode.to_owned(),
            verdict: VerdictWord(verdict),
            settled: None,
            only_failures_left: None,
            proven_at: None,
            caught_up_at: None,
            local_checked_at: None,
            remote_checked_at: None,
            polled_at: None,
            heard: None,
            listed_every_seconds: None,
            files: None,
            directories: None,
            bytes: None,
            skipped: None,
            pending: None,
            transfers: Vec::new(),
            paused: None,
            unseen_directories: None,
            held: None,
            noted: None,
            problems: None,
            watching: None,
            restarts: None,
            trouble: None,
            waits_for: None,
            is_silent: false,
        }
    }

    /// With what the engine says of it, but for what needs more than that: the verdict, the hold, and how
    /// fast it goes.
    pub(crate) fn with_status(self, status: &FolderStatus) -> Self {
        Self {
            settled: Some(status.settled),
            only_failures_left: Some(status.only_failures_left),
            proven_at: status.proven_at.map(Time),
            caught_up_at: status.caught_up_at.map(Time),
            local_checked_at: status.local_checked_at.map(Time),
            remote_checked_at: status.remote_checked_at.map(Time),
            polled_at: status.polled_at.map(Time),
            heard: status.heard.map(|heard| heard_word(heard).to_owned()),
            listed_every_seconds: status.heard.and_then(listed_every),
            files: status.files,
            directories: status.directories,
            bytes: status.bytes,
            skipped: status.skipped.map(SkippedDocument::from),
            paused: status.paused.map(|paused| PausedDocument { until: paused.until.map(Time) }),
            unseen_directories: status.unseen_directories,
            problems: Some(status.problems),
            ..self
        }
    }
}

/// Local entries that are left out on purpose, by kind. An ignored directory is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SkippedDocument {
    /// A rule ignores them.
    pub(crate) rules: u64,
    /// Files that are larger than `max_size`.
    pub(crate) max_size: u64,
    /// Symbolic links.
    pub(crate) links: u64,
    /// Pipes, sockets and devices.
    pub(crate) special: u64,
}

impl From<Skipped> for SkippedDocument {
    fn from(skipped: Skipped) -> Self {
        let Skipped { rules, max_size, links, special } = skipped;
        Self { rules, max_size, links, special }
    }
}

/// A person stopped the folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PausedDocument {
    /// When it goes on by itself; `None` if a person must say so.
    pub(crate) until: Option<Time>,
}

/// What is still to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct PendingDocument {
    pub(crate) uploads: u64,
    pub(crate) downloads: u64,
    pub(crate) moves: u64,
    pub(crate) deletes: u64,
    pub(crate) directories: u64,
    /// Modification times to set.
    #[serde(default)]
    pub(crate) times: u64,
    pub(crate) bytes: u64,
    /// Files that have travelled since there was last nothing to do.
    #[serde(default)]
    pub(crate) done_files: u64,
    /// Their bytes.
    #[serde(default)]
    pub(crate) done_bytes: u64,
    /// Of all transfers together, lately; `None` if nothing moved.
    #[serde(default)]
    pub(crate) bytes_per_second: Option<u64>,
    /// How long that much takes at this rate.
    #[serde(default)]
    pub(crate) seconds_left: Option<u64>,
}

impl PendingDocument {
    /// What is to be done, and how fast it goes.
    pub(crate) fn new(
        pending: Pending,
        transfers: &[TransferDocument],
        travelled: Done,
        rate: Option<u64>,
    ) -> Self {
        let done: u64 = transfers.iter().filter_map(|transfer| transfer.bytes).sum();
        let left = pending.bytes.saturating_sub(done);
        let rate = rate.filter(|_| left > 0);
        Self {
            bytes_per_second: rate,
            seconds_left: rate.filter(|rate| *rate > 0).map(|rate| left.div_ceil(rate)),
            bytes: left,
            done_files: travelled.files,
            done_bytes: travelled.bytes,
            uploads: pending.uploads,
            downloads: pending.downloads,
            moves: pending.moves,
            deletes: pending.deletes,
            directories: pending.directories,
            times: pending.times,
        }
    }
}

/// A file that travels now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TransferDocument {
    pub(crate) path: String,
    /// `up` or `down`.
    pub(crate) direction: String,
    pub(crate) bytes: Option<u64>,
    pub(crate) total_bytes: u64,
    pub(crate) bytes_per_second: Option<u64>,
}

/// Why a person must decide, in `status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HeldStatus {
    /// `root`, `place`, `folder`, `deletes` or `overwrites`.
    pub(crate) kind: String,
    pub(crate) reason: String,
    /// What a person can do about it.
    #[serde(default)]
    pub(crate) choices: Vec<ChoiceDocument>,
}

/// What a person decided of what was held, and what is not done yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NotedStatus {
    /// `approved`, `rejected` or `wanted_back`.
    pub(crate) word: String,
    /// What it is about: the kinds of a hold, or `entries`.
    pub(crate) kind: String,
    pub(crate) reason: String,
    /// How it is taken back.
    #[serde(default)]
    pub(crate) choices: Vec<ChoiceDocument>,
}

impl NotedStatus {
    /// The decision, what it is about and who follows it, in words.
    pub(crate) fn in_words(&self, runs: bool) -> String {
        let when = if runs { "once the folder goes on" } else { "by the next run" };
        match self.word.as_str() {
            "wanted_back" => format!("{}, {when}", self.reason),
            word => format!("{word}, to be done {when}: {}", self.reason),
        }
    }
}

/// One of the things that a person can do about a hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ChoiceDocument {
    /// What it brings about.
    pub(crate) means: String,
    pub(crate) command: String,
}

impl HeldStatus {
    /// Whether nothing of the folder goes on; deletes and overwrites wait alone.
    pub(crate) fn is_of_everything(&self) -> bool {
        !matches!(self.kind.as_str(), "deletes" | "overwrites")
    }

    /// What a person can do about it, in one line.
    pub(crate) fn choices_in_words(&self) -> String {
        let choices = self.choices.iter().map(|choice| format!("{}: {}", choice.means, choice.command));
        choices.collect::<Vec<_>>().join("; ")
    }
}

/// What is watched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WatchingDocument {
    pub(crate) directories: u64,
    pub(crate) polled_directories: u64,
    /// Files that have names outside of the folder, through which a change is not heard of.
    #[serde(default)]
    pub(crate) polled_files: u64,
    /// Why some are polled, and the command that mends it.
    pub(crate) notice: Option<String>,
    /// The command alone; `None` if there is none.
    #[serde(default)]
    pub(crate) remedy: Option<String>,
}

#[cfg(test)]
mod tests {
    use jottad_core::Timestamp;

    use super::*;
    use crate::api::documents::SCHEMA;

    #[test]
    fn status_reads_as_documented() {
        let document = StatusDocument {
            schema: SCHEMA,
            verdict: VerdictWord(Verdict::Working),
            version: "0.1.0".into(),
            daemon: true,
            pid: Some(7),
            started_at: Some(Time(Timestamp::from_seconds(0))),
            account: AccountStatus::default(),
            noticing: NoticingDocument {
                events: "off".into(),
                polls: "off".into(),
                ..NoticingDocument::default()
            },
            folders: vec![FolderDocument {
                settled: Some(false),
                only_failures_left: Some(false),
                skipped: Some(SkippedDocument { rules: 2, max_size: 0, links: 1, special: 0 }),
                problems: Some(0),
                watching: Some(WatchingDocument {
                    directories: 3,
                    polled_directories: 0,
                    polled_files: 0,
                    notice: None,
                    remedy: None,
                }),
                ..FolderDocument::new(
                    "docs",
                    "/home/kari/docs".into(),
                    "Jotta/Archive/docs".into(),
                    "backup",
                    Verdict::Working,
                )
            }],
            problems: Some(0),
            trouble: None,
            remedy: None,
            after_pass: false,
        };
        let text = serde_json::to_string(&document).unwrap();
        assert_eq!(
            text,
            r#"{"schema":1,"verdict":"working","version":"0.1.0","daemon":true,"pid":7,"started_at":"1970-01-01T00:00:00Z","account":{"username":null,"email":null,"used_bytes":null,"quota_bytes":null,"checked_at":null,"unlimited":null,"quota_warning":null},"noticing":{"events":"off","events_since":null,"events_heard_at":null,"events_trouble":null,"polls":"off","polled_at":null,"heard_at":null},"folders":[{"name":"docs","local":"/home/kari/docs","remote":"Jotta/Archive/docs","mode":"backup","verdict":"working","settled":false,"only_failures_left":false,"proven_at":null,"caught_up_at":null,"local_checked_at":null,"remote_checked_at":null,"polled_at":null,"heard":null,"listed_every_seconds":null,"files":null,"directories":null,"bytes":null,"skipped":{"rules":2,"max_size":0,"links":1,"special":0},"pending":null,"transfers":[],"paused":null,"unseen_directories":null,"held":null,"noted":null,"problems":0,"watching":{"directories":3,"polled_directories":0,"polled_files":0,"notice":null,"remedy":null},"restarts":null,"trouble":null,"waits_for":null}],"problems":0,"trouble":null,"remedy":null}"#
        );
        let read: StatusDocument = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), text);
    }
}
