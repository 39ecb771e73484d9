//! The JSON documents of the control API and of `--json`: a contract with scripts. Unknown is `null`, never
//! 0.

mod status;

use jottad_core::{Entry, Operation, OperationKind, Side, Timestamp};
use jottad_engine::{Explanation, HeldOperation, LogLine, Problem, Verdict, Verification};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::cli::output::{parse_rfc3339, path_text, rfc3339};

pub(crate) use status::{
    AccountStatus, ChoiceDocument, FolderDocument, HeldStatus, NotedStatus, NoticingDocument, PausedDocument,
    PendingDocument, RestartsDocument, SkippedDocument, StatusDocument, TransferDocument, WatchingDocument,
};

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

/// `problems`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ProblemsDocument {
    pub(crate) schema: u32,
    pub(crate) problems: Vec<ProblemDocument>,
    #[serde(default)]
    pub(crate) left_out: Vec<LeftOutFolder>,
}

/// A folder that an answer does not cover, because it does not run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct LeftOutFolder {
    pub(crate) name: String,
    pub(crate) verdict: VerdictWord,
    pub(crate) reason: Option<String>,
}

impl From<FolderDocument> for LeftOutFolder {
    fn from(folder: FolderDocument) -> Self {
        let reason = folder.held.map(|held| held.reason).or(folder.trouble);
        Self { name: folder.name, verdict: folder.verdict, reason }
    }
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
    /// Whether it is being tried at this moment.
    #[serde(default)]
    pub(crate) being_tried: bool,
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
            being_tried: problem.is_being_tried,
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
    /// Operations for what was changed or told of while it went on.
    pub(crate) meanwhile: u64,
    /// Whether the service was listed to the end since it began.
    #[serde(default)]
    pub(crate) compared: bool,
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
            meanwhile: verification.meanwhile,
            compared: false,
        }
    }
}

/// `conflicts`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ConflictsDocument {
    pub(crate) schema: u32,
    pub(crate) conflicts: Vec<ConflictDocument>,
    #[serde(default)]
    pub(crate) left_out: Vec<LeftOutFolder>,
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
    #[serde(default)]
    pub(crate) left_out: Vec<LeftOutFolder>,
}

/// What would be done in a folder.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PlannedFolder {
    pub(crate) name: String,
    /// The first ones.
    pub(crate) operations: Vec<OperationDocument>,
    /// How many there are; 0 from a version that does not say.
    #[serde(default)]
    pub(crate) count: u64,
    /// How many bytes travel with all of them.
    #[serde(default)]
    pub(crate) bytes: u64,
    /// How many entries were sent, and the service has not confirmed yet that it has them.
    #[serde(default)]
    pub(crate) unconfirmed: u64,
    /// How the folder stands; `None` from a version that does not say.
    #[serde(default)]
    pub(crate) verdict: Option<VerdictWord>,
    /// Whether a person stopped it.
    #[serde(default)]
    pub(crate) paused: Option<PausedDocument>,
    /// Directories in which something changed and that were not read since: what changed there is not in the
    /// plan. `None` before everything local was looked at.
    #[serde(default)]
    pub(crate) unseen_directories: Option<u64>,
    /// Why nothing of it is done before a person says so.
    #[serde(default)]
    pub(crate) held: Option<HeldStatus>,
    /// What the pass would leave to a person.
    #[serde(default)]
    pub(crate) would_hold: Vec<ForeseenDocument>,
}

/// Something that would be held, and by what measure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ForeseenDocument {
    /// `deletes` or `overwrites`.
    pub(crate) kind: String,
    pub(crate) reason: String,
    /// How many entries are to be deleted; `null` for what is overwritten.
    pub(crate) entries: Option<u64>,
    pub(crate) files: u64,
    /// Of how many files.
    pub(crate) of: u64,
    /// A word for the measure: a setting of `[guard]`, or what is built in.
    pub(crate) limit: String,
    /// What that allows: entries for `max_deletes`, else percent of the files.
    pub(crate) allowed: Option<u64>,
    /// Whether an earlier pass held of it already.
    #[serde(default)]
    pub(crate) held: bool,
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
    /// What a person decided and what is not done yet.
    #[serde(default)]
    pub(crate) noted: Vec<NotedFolder>,
    /// Whether something runs that sees to it.
    #[serde(default)]
    pub(crate) runs: bool,
}

/// A folder about which a person has decided.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct NotedFolder {
    /// `approved`, `rejected` or `wanted_back`.
    pub(crate) word: String,
    /// What that is about, as it was when it was held.
    #[serde(flatten)]
    pub(crate) about: HeldFolder,
}

impl NotedFolder {
    /// What was decided of a folder.
    pub(crate) fn new(folder: &str, status: NotedStatus, operations: &[HeldOperation]) -> Self {
        let NotedStatus { word, kind, reason, choices } = status;
        Self { word, about: HeldFolder::new(folder, HeldStatus { kind, reason, choices }, operations) }
    }
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
    /// Null also for what was only sent.
    pub(crate) remote: Option<EntryDocument>,
    /// Whether it was sent and not yet seen on the service.
    #[serde(default)]
    pub(crate) sent: bool,
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
            state: explanation.state.as_str().to_owned(),
            reason: explanation.reason.clone(),
            rule: explanation.rule.clone(),
            base: trees.map(|trees| trees.base.into()),
            local: trees.map(|trees| trees.local.into()),
            remote: trees.filter(|_| !explanation.is_claimed).map(|trees| trees.remote.into()),
            sent: explanation.is_sent,
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
    /// What was decided about, of a decision.
    #[serde(default)]
    pub(crate) about: Option<String>,
    /// What would be deleted for that is shown first, and asked about.
    #[serde(default)]
    pub(crate) shown_first: bool,
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
    fn events_carry_their_name() {
        let event = EventDocument::Verdict { folder: "docs".into(), verdict: VerdictWord(Verdict::InSync) };
        assert_eq!(
            serde_json::to_string(&event).unwrap(),
            r#"{"event":"verdict","folder":"docs","verdict":"in_sync"}"#
        );
    }
}
