//! The JSON documents of the control API and of `--json`: a contract with scripts. Unknown is `null`, never 0.

use jottad_core::{Entry, Operation, OperationKind, Side, Timestamp};
use jottad_engine::{Explanation, HeldOperation, LogLine, Pending, Problem, Verdict, Verification};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::daemon::pass::Done;
use crate::output::{parse_rfc3339, path_text, rfc3339};
use crate::quota::{Fullness, QuotaWarning};

/// The version of all documents here.
pub(crate) const SCHEMA: u32 = 1;

/// Every verdict, worst first.
const VERDICTS: [Verdict; 8] = [
    Verdict::LoginNeeded,
    Verdict::Stalled,
    Verdict::Held,
    Verdict::Offline,
    Verdict::Problems,
    Verdict::Working,
    Verdict::Paused,
    Verdict::InSync,
];

/// A verdict as its word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct VerdictWord(pub(crate) Verdict);

impl Serialize for VerdictWord {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.as_str())
    }
}

impl<'de> Deserialize<'de> for VerdictWord {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        let verdict = VERDICTS.into_iter().find(|verdict| verdict.as_str() == word);
        verdict.map(Self).ok_or_else(|| serde::de::Error::custom(format!("unknown verdict {word:?}")))
    }
}

/// A time as RFC 3339.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Time(pub(crate) Timestamp);

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&rfc3339(self.0))
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse_rfc3339(&text)
            .map(Self)
            .ok_or_else(|| serde::de::Error::custom(format!("{text:?} is not a time")))
    }
}

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
    pub(crate) proven_at: Option<Time>,
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
    pub(crate) pending: Option<PendingDocument>,
    pub(crate) transfers: Vec<TransferDocument>,
    /// Whether a person stopped it; `None` also while that is not known.
    #[serde(default)]
    pub(crate) paused: Option<PausedDocument>,
    pub(crate) held: Option<HeldStatus>,
    pub(crate) problems: Option<u64>,
    pub(crate) watching: Option<WatchingDocument>,
    /// `None` if it never died.
    pub(crate) restarts: Option<RestartsDocument>,
    /// Why the folder does not move, in words.
    pub(crate) trouble: Option<String>,
}

/// A person stopped the folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PausedDocument {
    /// When it goes on by itself; `None` if a person must say so.
    pub(crate) until: Option<Time>,
}

/// What is still to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PendingDocument {
    pub(crate) uploads: u64,
    pub(crate) downloads: u64,
    pub(crate) moves: u64,
    pub(crate) deletes: u64,
    pub(crate) directories: u64,
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

/// `problems`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ProblemsDocument {
    pub(crate) schema: u32,
    pub(crate) problems: Vec<ProblemDocument>,
}

/// An entry that cannot be synced now.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ProblemDocument {
    pub(crate) folder: String,
    pub(crate) path: String,
    pub(crate) kind: String,
    pub(crate) reason: String,
    pub(crate) remedy: String,
    pub(crate) since: Time,
    pub(crate) tries: u32,
    pub(crate) next_try: Option<Time>,
}

impl ProblemDocument {
    /// What a folder says of one of its entries.
    pub(crate) fn new(folder: &str, problem: &Problem) -> Self {
        Self {
            folder: folder.to_owned(),
            path: path_text(&problem.path),
            kind: problem.kind.as_str().to_owned(),
            reason: problem.reason.clone(),
            remedy: problem.remedy.clone(),
            since: Time(problem.since),
            tries: problem.tries,
            next_try: problem.next_try.map(Time),
        }
    }
}

/// `verify`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct VerifiedDocument {
    pub(crate) schema: u32,
    pub(crate) folders: Vec<VerificationDocument>,
}

/// How far a folder's files were read again, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct VerificationDocument {
    pub(crate) name: String,
    pub(crate) began_at: Time,
    /// Null while it is under way.
    pub(crate) ended_at: Option<Time>,
    /// Files that hold what was synced.
    pub(crate) files: u64,
    pub(crate) bytes: u64,
    /// Files that do not.
    pub(crate) damaged: u64,
    /// Files that changed meanwhile or could not be read.
    pub(crate) unread: u64,
    /// Files that were sent, because the service had something else or nothing.
    pub(crate) sent: u64,
    /// Other entries that were brought in line.
    pub(crate) mended: u64,
}

impl VerificationDocument {
    pub(crate) fn new(folder: &str, verification: &Verification) -> Self {
        Self {
            name: folder.to_owned(),
            began_at: Time(verification.began),
            ended_at: verification.ended.map(Time),
            files: verification.files,
            bytes: verification.bytes,
            damaged: verification.damaged,
            unread: verification.unread,
            sent: verification.sent,
            mended: verification.mended,
        }
    }
}

/// `conflicts`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ConflictsDocument {
    pub(crate) schema: u32,
    pub(crate) conflicts: Vec<ConflictDocument>,
}

/// Two versions of one file that were both kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ConflictDocument {
    pub(crate) folder: String,
    /// The one that has the name.
    pub(crate) path: String,
    /// The one that was put beside it.
    pub(crate) copy: String,
}

/// `plan`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PlanDocument {
    pub(crate) schema: u32,
    pub(crate) folders: Vec<PlannedFolder>,
}

/// What would be done in a folder.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PlannedFolder {
    pub(crate) name: String,
    pub(crate) operations: Vec<OperationDocument>,
}

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OperationDocument {
    pub(crate) kind: String,
    pub(crate) path: String,
    pub(crate) to: Option<String>,
    pub(crate) bytes: Option<u64>,
    pub(crate) why: String,
}

impl From<&Operation> for OperationDocument {
    fn from(operation: &Operation) -> Self {
        Self {
            kind: operation.kind.as_str().to_owned(),
            path: path_text(&operation.path),
            to: operation.to.as_ref().map(path_text),
            bytes: operation.bytes,
            why: operation.because.to_owned(),
        }
    }
}

/// `held`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct HeldDocument {
    pub(crate) schema: u32,
    pub(crate) folders: Vec<HeldFolder>,
}

/// A folder that waits for a person.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct HeldFolder {
    pub(crate) name: String,
    /// `root`, `deletes` or `overwrites`.
    #[serde(default)]
    pub(crate) kind: String,
    pub(crate) reason: String,
    /// What a person can do about it.
    #[serde(default)]
    pub(crate) choices: Vec<ChoiceDocument>,
    pub(crate) deletes: Vec<HeldDelete>,
    /// Files whose content on the service would be overwritten.
    #[serde(default)]
    pub(crate) overwrites: Vec<HeldOverwrite>,
}

/// An overwrite that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HeldOverwrite {
    pub(crate) path: String,
}

/// A delete that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HeldDelete {
    pub(crate) path: String,
    /// `local` or `remote`: where the entry would go to the trash.
    pub(crate) side: String,
    /// The entry and everything in it.
    #[serde(default)]
    pub(crate) entries: u64,
    /// The files among them.
    #[serde(default)]
    pub(crate) files: u64,
}

impl HeldFolder {
    /// What waits in a folder, and why.
    pub(crate) fn new(folder: &str, status: HeldStatus, operations: &[HeldOperation]) -> Self {
        let deletes = operations.iter().filter_map(|held| match held.operation.kind {
            OperationKind::Trash(side) => Some(HeldDelete {
                path: path_text(&held.operation.path),
                side: if side == Side::Local { "local" } else { "remote" }.to_owned(),
                entries: held.entries,
                files: held.files,
            }),
            _ => None,
        });
        let overwrites = operations.iter().filter(|held| held.operation.kind == OperationKind::Upload);
        let overwrites = overwrites.map(|held| HeldOverwrite { path: path_text(&held.operation.path) });
        Self {
            name: folder.to_owned(),
            kind: status.kind,
            reason: status.reason,
            choices: status.choices,
            deletes: deletes.collect(),
            overwrites: overwrites.collect(),
        }
    }
}

/// `log`, one a line.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct LogDocument {
    pub(crate) folder: String,
    pub(crate) id: i64,
    pub(crate) at: Time,
    pub(crate) kind: String,
    pub(crate) path: String,
    pub(crate) to: Option<String>,
    pub(crate) bytes: Option<u64>,
    pub(crate) error: Option<String>,
}

impl LogDocument {
    /// A folder's line.
    pub(crate) fn new(folder: &str, line: &LogLine) -> Self {
        Self {
            folder: folder.to_owned(),
            id: line.id,
            at: Time(line.at),
            kind: line.kind.clone(),
            path: path_text(&line.path),
            to: line.to.as_ref().map(path_text),
            bytes: line.bytes,
            error: line.error.clone(),
        }
    }
}

/// `why`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct WhyDocument {
    pub(crate) schema: u32,
    pub(crate) folder: String,
    pub(crate) path: String,
    pub(crate) state: String,
    pub(crate) reason: String,
    pub(crate) rule: Option<String>,
    pub(crate) base: Option<EntryDocument>,
    pub(crate) local: Option<EntryDocument>,
    pub(crate) remote: Option<EntryDocument>,
    /// What would be done now.
    pub(crate) next: Option<OperationDocument>,
    pub(crate) last_operations: Vec<LogDocument>,
}

impl WhyDocument {
    /// What a folder knows of a path.
    pub(crate) fn new(folder: &str, path: String, explanation: &Explanation) -> Self {
        let trees = explanation.trees;
        Self {
            schema: SCHEMA,
            folder: folder.to_owned(),
            path,
            state: explanation.state.to_owned(),
            reason: explanation.reason.clone(),
            rule: explanation.rule.clone(),
            base: trees.map(|trees| trees.base.into()),
            local: trees.map(|trees| trees.local.into()),
            remote: trees.map(|trees| trees.remote.into()),
            next: explanation.next.as_ref().map(OperationDocument::from),
            last_operations: explanation
                .last_operations
                .iter()
                .map(|line| LogDocument::new(folder, line))
                .collect(),
        }
    }
}

/// What one of the three trees has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct EntryDocument {
    /// `absent`, `file`, `directory` or `untracked`.
    pub(crate) kind: String,
    pub(crate) size: Option<u64>,
    pub(crate) md5: Option<String>,
    pub(crate) modified: Option<Time>,
}

impl From<Entry> for EntryDocument {
    fn from(entry: Entry) -> Self {
        let kind = match entry {
            Entry::Absent => "absent",
            Entry::File(_) => "file",
            Entry::Directory => "directory",
            Entry::Untracked => "untracked",
        };
        let file = entry.file();
        Self {
            kind: kind.to_owned(),
            size: file.map(|file| file.content.size),
            md5: file.map(|file| file.content.md5.to_string()),
            modified: file.map(|file| Time(file.modified)),
        }
    }
}

/// What `GET /v1/events` sends, one a message.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum EventDocument {
    /// An operation began.
    Started { folder: String, kind: String, path: String },
    /// An operation ended.
    Ended(LogDocument),
    /// A folder's verdict is another now.
    Verdict { folder: String, verdict: VerdictWord },
    /// Messages were left out because the reader was too slow: ask for the status.
    Missed,
}

/// What a `POST` may say: which folder, and what.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct OrderDocument {
    /// All folders if it is not given.
    pub(crate) folder: Option<String>,
    /// How long, of a pause.
    pub(crate) seconds: Option<u64>,
}

/// How an order was taken.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct AcceptedDocument {
    pub(crate) schema: u32,
    /// The folders that it reached.
    pub(crate) folders: Vec<String>,
    /// The daemon's time.
    pub(crate) at: Time,
    /// Nothing runs: it is written down for the next run.
    #[serde(default)]
    pub(crate) noted: bool,
}

/// An error as the control API and `--json` tell it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ErrorDocument {
    pub(crate) schema: u32,
    pub(crate) error: ErrorBody,
}

/// What went wrong.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ErrorBody {
    pub(crate) kind: String,
    pub(crate) message: String,
    pub(crate) path: Option<String>,
    pub(crate) hint: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

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
                name: "docs".into(),
                local: "/home/kari/docs".into(),
                remote: "Jotta/Archive/docs".into(),
                mode: "backup".into(),
                verdict: VerdictWord(Verdict::Working),
                settled: Some(false),
                proven_at: None,
                local_checked_at: None,
                remote_checked_at: None,
                polled_at: None,
                heard: None,
                listed_every_seconds: None,
                files: None,
                directories: None,
                bytes: None,
                pending: None,
                transfers: vec![],
                paused: None,
                held: None,
                problems: Some(0),
                watching: Some(WatchingDocument {
                    directories: 3,
                    polled_directories: 0,
                    polled_files: 0,
                    notice: None,
                    remedy: None,
                }),
                restarts: None,
                trouble: None,
            }],
            problems: Some(0),
            trouble: None,
            remedy: None,
        };
        let text = serde_json::to_string(&document).unwrap();
        assert_eq!(
            text,
            r#"{"schema":1,"verdict":"working","version":"0.1.0","daemon":true,"pid":7,"started_at":"1970-01-01T00:00:00Z","account":{"username":null,"email":null,"used_bytes":null,"quota_bytes":null,"checked_at":null,"unlimited":null,"quota_warning":null},"noticing":{"events":"off","events_since":null,"events_heard_at":null,"events_trouble":null,"polls":"off","polled_at":null,"heard_at":null},"folders":[{"name":"docs","local":"/home/kari/docs","remote":"Jotta/Archive/docs","mode":"backup","verdict":"working","settled":false,"proven_at":null,"local_checked_at":null,"remote_checked_at":null,"polled_at":null,"heard":null,"listed_every_seconds":null,"files":null,"directories":null,"bytes":null,"pending":null,"transfers":[],"paused":null,"held":null,"problems":0,"watching":{"directories":3,"polled_directories":0,"polled_files":0,"notice":null,"remedy":null},"restarts":null,"trouble":null}],"problems":0,"trouble":null,"remedy":null}"#
        );
        let read: StatusDocument = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), text);
    }

    #[test]
    fn events_carry_their_name() {
        let event = EventDocument::Verdict { folder: "docs".into(), verdict: VerdictWord(Verdict::InSync) };
        assert_eq!(
            serde_json::to_string(&event).unwrap(),
            r#"{"event":"verdict","folder":"docs","verdict":"in_sync"}"#
        );
    }
}
