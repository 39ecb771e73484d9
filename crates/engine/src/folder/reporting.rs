//! Questions about a folder. Nothing here changes anything.

use jottad_core::{
    Action, Decision, Operation, OperationKind, RelativePath, Side, Timestamp, is_conflict_copy,
    is_conflict_name,
};

use super::explaining;
use super::in_flight::Running;
use super::plan::places::Places;
use super::proving;
use super::resting;
use super::{Folder, FolderError, Pause, Purpose};
use crate::event::CommandId;
use crate::folder::plan::approvals;
use crate::folder::plan::deciding;
use crate::folder::plan::deleting;
use crate::index::{Amount, Cursor, Difference, Fact, HeldAction, Local, Node, NodeId, ProblemRow};
use crate::remote::{RemoteError, RemoteErrorKind};
use crate::scope::{self, Scope};
use crate::status::{
    Conflict, DeletesHeldFor, FolderStatus, Held, HeldOperation, HeldRoot, Hold, LogLine, Noted, NotedInFull,
    Paused, Pending, Problem, ProblemKind, RunEnd, Transfer, Verdict, Verification,
};

const PAGE: u32 = 512;
/// Most rows that are counted for one question: a fraction of a second.
const MOST_ROWS: usize = 16_384;
/// What every conflict name holds.
const CONFLICT_MARK: &[u8] = b"(conflict ";

impl Folder {
    /// The folder's state now.
    pub fn status(&self) -> Result<FolderStatus, FolderError> {
        let time = |fact| -> Result<Option<Timestamp>, FolderError> {
            Ok(self.index.number(fact)?.map(Timestamp::from_seconds))
        };
        // That the account is locked is one problem, however many entries wait for it.
        let locked = self.index.problem_count_of(ProblemKind::AccountLocked)?;
        let untold = if self.is_shut_out() { locked } else { locked.saturating_sub(1) };
        let problems = self.index.problem_count()? - untold
            + self.rules.refused().len() as u64
            + u64::from(self.folder_problem().is_some())
            + self.listing.unusable_entries() as u64
            + self.unseen_directories()?.len() as u64
            + self.last_words.problems.len() as u64;
        let held = self.hold()?;
        let is_at_rest = self.purpose == Purpose::Rest;
        // What runs and is not paused sees to it now.
        let is_left = is_at_rest || self.paused.is_some();
        let noted = if is_left { self.noted()? } else { None };
        let was_scanned = is_at_rest && self.index.number(Fact::LocalCheckedAt)?.is_some();
        let was_complete = self.scanning.was_complete();
        let scanned = was_complete || was_scanned;
        let totals = self.index.totals();
        let is_proven = self.index.number(Fact::ProvenAt)?.is_some();
        let pending = if scanned && self.listing.is_known() { self.pending()? } else { None };
        let pending = pending.map(|pending| self.with_what_is_being_sent(pending)).transpose()?;
        let settled = match self.purpose {
            Purpose::Work => self.is_settled() && !self.index.is_trying()?,
            Purpose::Look => self.is_looked_at(),
            Purpose::Rest => pending.is_some() && self.is_nothing_left()?,
        };
        let transfers: Vec<Transfer> =
            self.in_flight.iter().filter_map(|(command, running)| transfer(command, running)).collect();
        // While files travel, what cannot travel is not the last word.
        let has_problems = problems > 0 && transfers.is_empty();
        // Whatever the reason that it was not done yet: as long as anything is to be done, nothing is in
        // sync.
        let is_done = pending == Some(Pending::default());
        let agrees = settled && is_done && is_proven && !proving::is_proof_outdated(&self.index)?;
        let best = if self.is_out_of_order(settled) { Verdict::Offline } else { Verdict::InSync };
        Ok(FolderStatus {
            verdict: self.verdict(held.is_some() || self.has_noted_hold(), has_problems, agrees).min(best),
            settled,
            only_failures_left: self.has_only_failures_left(),
            proven_at: time(Fact::ProvenAt)?,
            caught_up_at: self.proving.caught_up_at(),
            heard: self.heard(),
            // A look is about now, not about what an earlier run has seen.
            local_checked_at: match self.purpose {
                Purpose::Look if !self.is_local_looked_at() => None,
                _ => time(Fact::LocalCheckedAt)?,
            },
            remote_checked_at: time(Fact::RemoteCheckedAt)?,
            polled_at: self.listing.polled_at(),
            files: scanned.then_some(totals.files),
            directories: scanned.then_some(totals.directories),
            bytes: scanned.then_some(totals.bytes),
            skipped: was_complete.then(|| self.skipping.total()).or(self.last_words.skipped),
            pending,
            transfers,
            paused: self.pause(),
            held,
            noted,
            problems,
            unheard_files: self.unheard_files(),
            unseen_directories: was_complete.then(|| self.scanning.waiting()),
            trouble: self
                .trouble()
                .or(self.clock.trouble())
                .or(self.last_words.trouble.as_deref())
                .map(str::to_owned),
            last_end: self.last_words.end.map(|(verdict, at)| RunEnd {
                at,
                verdict,
                reason: self.last_words.trouble.clone(),
                hold: None,
            }),
        })
    }

    /// Whether a full account keeps files waiting that were not even tried.
    pub(super) fn waits_for_room(&self) -> Result<bool, FolderError> {
        Ok(!self.connection.takes_uploads() && self.pending()? != Some(Pending::default()))
    }

    fn verdict(&self, is_held: bool, has_problems: bool, agrees: bool) -> Verdict {
        if self.connection.is_login_needed() {
            Verdict::LoginNeeded
        } else if is_held {
            Verdict::Held
        } else if self.is_unreachable() {
            Verdict::Offline
        } else if has_problems {
            Verdict::Problems
        } else if self.paused.is_some() {
            Verdict::Paused
        } else if agrees {
            Verdict::InSync
        } else {
            Verdict::Working
        }
    }

    /// Whether the service cannot be reached.
    fn is_unreachable(&self) -> bool {
        self.connection.trouble().is_some_and(|trouble| trouble.scope == Scope::Network)
    }

    /// Whether the service fails at everything that is still to be done, although it answers.
    fn is_out_of_order(&self, settled: bool) -> bool {
        self.pacing.outage().is_some() && !settled
    }

    /// Why the folder does not get on, if it does not.
    pub(super) fn trouble(&self) -> Option<&str> {
        self.connection.trouble().map(|trouble| trouble.message).or(self.pacing.outage())
    }

    /// Problems that are in no index, and so are known only as long as this runs.
    pub(super) fn fleeting_problems(&self) -> Result<Vec<Problem>, FolderError> {
        Ok(self.folder_problem().into_iter().chain(self.unseen_directories()?).collect())
    }

    /// Whether the account may not even read, which is told of the whole folder.
    fn is_shut_out(&self) -> bool {
        self.connection.trouble().is_some_and(|trouble| trouble.kind == RemoteErrorKind::NotAllowed)
    }

    /// What keeps the whole folder from getting on although the service answers: nobody needs to look for an
    /// entry.
    fn folder_problem(&self) -> Option<Problem> {
        let trouble = self.connection.trouble()?;
        if trouble.scope == Scope::Network || trouble.kind == RemoteErrorKind::LoginNeeded {
            return None;
        }
        let failure = scope::remote_failure(&RemoteError::new(trouble.kind, trouble.message.to_owned()));
        // What is not allowed to a folder as a whole is not allowed to the account.
        let remedy = match trouble.kind {
            RemoteErrorKind::NotAllowed => scope::REMEDY_OF_LOCKED_ACCOUNT,
            _ => failure.remedy,
        };
        Some(Problem {
            path: RelativePath::root(),
            kind: failure.kind,
            reason: trouble.message.to_owned(),
            remedy: remedy.to_owned(),
            since: trouble.since,
            tries: trouble.tries,
            next_try: trouble.next_try,
            is_being_tried: trouble.next_try.is_none(),
        })
    }

    /// Why a person must decide, if one must. Looks at no row.
    pub fn hold(&self) -> Result<Option<Hold>, FolderError> {
        if let Some(hold) = &self.last_words.hold {
            // It was decided; the next run will see to it.
            return Ok(Some(hold.clone()).filter(|_| self.decision.is_none()));
        }
        if let Some((missing, reason)) = self.root.held_for_place() {
            return Ok(Some(Hold::Place { missing, reason: reason.to_owned() }));
        }
        if let Some(reason) = self.root.held_unreadable() {
            return Ok(Some(Hold::Root { reason: reason.to_owned(), root: HeldRoot::Unreadable }));
        }
        if let Some(reason) = self.root.held() {
            let root = if self.listing.is_held_for_root() {
                HeldRoot::Remote
            } else if self.root.is_found() {
                HeldRoot::Local
            } else {
                HeldRoot::Missing
            };
            return Ok(Some(Hold::Root { reason: reason.to_owned(), root }));
        }
        Ok(match self.waiting_action()? {
            Some(HeldAction::Overwrite) => {
                let files = self.index.count_waiting(HeldAction::Overwrite)?;
                let rewritten = self.index.number(Fact::HeldRewrites)?.map(i64::cast_unsigned);
                Some(Hold::Overwrites { files, rewritten })
            }
            Some(HeldAction::Delete) => approvals::held_deletes(&self.index)?.map(Hold::from),
            None => None,
        })
    }

    pub(super) fn pause(&self) -> Option<Paused> {
        self.paused.is_some().then(|| Paused { until: self.paused_until() })
    }

    /// When the folder goes on by itself after a pause; `None` if it is not paused or a person must say so.
    pub fn paused_until(&self) -> Option<Timestamp> {
        match self.paused {
            Some(Pause::Until(time)) => Some(time),
            _ => None,
        }
    }

    /// How the last verification of this run went or how far it has come; `None` if nobody asked for one.
    pub fn verification(&self) -> Option<Verification> {
        self.verifying.report().cloned()
    }

    /// What is still to be done. It is counted row by row, anew when something changed, and at most so many
    /// rows for one question: while there are more, it is what was last counted to the end.
    pub(super) fn pending(&self) -> Result<Option<Pending>, FolderError> {
        Ok(self.left()?.map(|left| left.pending))
    }

    /// Whether the last run has seen to the end whatever it knew of. What was sent and not seen, or agrees on
    /// both sides and was not agreed on, is left, too.
    fn is_nothing_left(&self) -> Result<bool, FolderError> {
        Ok(self.left()? == Some(Left::default()))
    }

    fn left(&self) -> Result<Option<Left>, FolderError> {
        let mut tally = self.tally.borrow_mut();
        let revision = self.index.revision();
        if let Some((counted, left)) = tally.done
            && counted == revision
        {
            return Ok(Some(left));
        }
        let (began, mut left, walk) =
            tally.under_way.take().unwrap_or((revision, Left::default(), DifferenceWalk::default()));
        let rest = self.each_difference(walk, MOST_ROWS, |node, decision| {
            // What cannot be done now is told as a problem.
            if self.index.problem(node.id)?.is_none() {
                left.count(node, decision);
            }
            Ok(true)
        })?;
        match rest {
            Some(walk) => tally.under_way = Some((began, left, walk)),
            None => tally.done = Some((began, left)),
        }
        Ok(tally.done.map(|(_, left)| left))
    }

    /// What waits for a person, if anything does: what a word of theirs would be about, and nothing else.
    pub fn held(&self) -> Result<Option<Held>, FolderError> {
        let Some(hold) = self.hold()? else { return Ok(None) };
        let rows = match action_of(&hold) {
            Some(action) => self.index.waiting(action)?,
            None => Vec::new(),
        };
        Ok(Some(Held { hold, operations: self.held_operations(rows)? }))
    }

    /// Whether a root that is held was decided about and no run has followed that: it is held as before.
    fn has_noted_hold(&self) -> bool {
        self.last_words.hold.is_some() && self.decision.is_some()
    }

    /// What a person decided of what was held and what is not done yet.
    pub fn noted(&self) -> Result<Option<Noted>, FolderError> {
        if let (Some(decision), Some(hold)) = (&self.decision, &self.last_words.hold) {
            return Ok(Some(decision.about(hold.clone())));
        }
        Ok(match approvals::approved_action(&self.index)? {
            Some(HeldAction::Overwrite) => {
                let files = self.index.approved(HeldAction::Overwrite)?.len() as u64;
                Some(Noted::Approved(Hold::Overwrites { files, rewritten: None }))
            }
            Some(HeldAction::Delete) => {
                let Amount { entries, files, .. } = approvals::approved_amount(&self.index, &self.settings)?;
                let held_for = DeletesHeldFor::Amount;
                Some(Noted::Approved(Hold::Deletes { entries, files, lost_before: 0, held_for }))
            }
            None => {
                let mounts = resting::noted_mounts(&self.index)?;
                match self.index.count_restored()? {
                    _ if !mounts.is_empty() => Some(Noted::Mounts { at: mounts }),
                    0 => None,
                    entries => Some(Noted::WantedBack { entries }),
                }
            }
        })
    }

    /// The same, with what is to be done for it.
    pub fn noted_in_full(&self) -> Result<Option<NotedInFull>, FolderError> {
        let Some(noted) = self.noted()? else { return Ok(None) };
        let rows = match &noted {
            Noted::Approved(hold) => action_of(hold).map(|action| self.index.approved(action)).transpose()?,
            Noted::Rejected(_) | Noted::Mounts { .. } | Noted::WantedBack { .. } => None,
        };
        let operations = self.held_operations(rows.unwrap_or_default())?;
        Ok(Some(NotedInFull { noted, operations }))
    }

    /// What waits at rows, or was approved there, in the order of their paths.
    fn held_operations(&self, rows: Vec<NodeId>) -> Result<Vec<HeldOperation>, FolderError> {
        let mut operations = Vec::new();
        for id in rows {
            if let Some(node) = self.index.node(id)?
                && let Some(decision) = deciding::decide(&self.index, &self.settings, &node)?
                && let Some(operation) = operation(&node, self.index.path(id)?, decision)
            {
                let amount = match decision.action {
                    Action::Trash(side) => deleting::amount_at(&self.index, &node, side)?,
                    _ => Amount { entries: 1, files: 1, old_files: 1 },
                };
                operations.push(HeldOperation { operation, entries: amount.entries, files: amount.files });
            }
        }
        operations.sort_by(|one, other| one.operation.path.cmp(&other.operation.path));
        Ok(operations)
    }

    /// The entries that cannot be synced now.
    pub fn problems(&self) -> Result<Vec<Problem>, FolderError> {
        let (locked, rows): (Vec<ProblemRow>, Vec<ProblemRow>) =
            self.index.problems()?.into_iter().partition(|row| row.kind == ProblemKind::AccountLocked);
        rows.into_iter()
            .map(|row| {
                let is_being_tried = row.next_try == Some(super::BEING_TRIED);
                let is_at_rest = self.purpose == Purpose::Rest;
                // What was being tried when the last run ended is due.
                let due = (is_being_tried && is_at_rest).then_some(row.since);
                Ok(Problem {
                    path: self.index.path(row.node)?,
                    kind: row.kind,
                    reason: row.reason,
                    remedy: row.remedy,
                    since: row.since,
                    tries: row.tries,
                    next_try: row.next_try.filter(|_| !is_being_tried).or(due),
                    is_being_tried: is_being_tried && !is_at_rest,
                })
            })
            .chain(account_locked(&locked).filter(|_| !self.is_shut_out()).map(Ok))
            .chain(self.refused_rules().map(Ok))
            .chain(self.unusable_entries().map(Ok))
            .chain(self.fleeting_problems()?.into_iter().map(Ok))
            .chain(self.last_words.problems.iter().cloned().map(Ok))
            .collect()
    }

    /// The rules that are none. Such a file is synced like any other, so this is no state of its row.
    pub(super) fn refused_rules(&self) -> impl Iterator<Item = Problem> {
        self.rules.refused().into_iter().map(|refused| Problem {
            path: refused.path,
            kind: refused.kind,
            reason: refused.reason,
            remedy: refused.remedy.to_owned(),
            since: refused.since,
            tries: 1,
            next_try: None,
            is_being_tried: false,
        })
    }

    /// The conflict copies whose originals are there too. A pair of which one is gone is settled.
    pub fn conflicts(&self) -> Result<Vec<Conflict>, FolderError> {
        let is_there = |node: &Node| node.local.kind().is_some() || node.remote.is_some();
        let mut conflicts = Vec::new();
        for copy in self.index.named_with(CONFLICT_MARK)? {
            if !is_there(&copy) || !is_conflict_name(&copy.name) {
                continue;
            }
            let siblings = self.index.children(copy.parent)?;
            let original = siblings
                .iter()
                .find(|original| is_there(original) && is_conflict_copy(&copy.name, &original.name));
            if let Some(original) = original {
                let directory = self.index.path(copy.parent)?;
                conflicts.push(Conflict {
                    path: directory.join(&original.name),
                    copy: directory.join(&copy.name),
                });
            }
        }
        conflicts.sort_by(|one, other| (&one.path, &one.copy).cmp(&(&other.path, &other.copy)));
        Ok(conflicts)
    }

    /// The newest operations behind `after`, oldest first.
    pub fn log(&self, after: i64, limit: u32) -> Result<Vec<LogLine>, FolderError> {
        Ok(self.index.history(after, limit)?)
    }

    /// Visits the rows that differ until told to stop, but for those that are left alone; at most so many
    /// rows. Tells where to go on if there are more.
    pub(super) fn each_difference(
        &self,
        mut walk: DifferenceWalk,
        most: usize,
        mut visit: impl FnMut(&Node, Option<Decision>) -> Result<bool, FolderError>,
    ) -> Result<Option<DifferenceWalk>, FolderError> {
        let mut places = Places::default();
        // Rows come directory by directory.
        let mut last_directory = (NodeId::NEW, false);
        let mut looked_at = 0;
        loop {
            let side = if walk.is_remote_only { Difference::RemoteOnly } else { Difference::Unsettled };
            let page = self.index.page(side, walk.cursor, PAGE)?;
            let Some(last) = page.last() else {
                if !walk.is_remote_only && (self.settings.mode.pulls() || self.index.is_restoring()?) {
                    walk = DifferenceWalk { is_remote_only: true, cursor: Cursor::default() };
                    continue;
                }
                return Ok(None);
            };
            if looked_at >= most {
                return Ok(Some(walk));
            }
            looked_at += page.len();
            walk.cursor = Cursor::after(last);
            for node in &page {
                let here = self.place(&mut places, node.parent)?;
                if last_directory.0 != node.parent {
                    let is_left_alone = explaining::problem_above(&self.index, node.parent)?.is_some()
                        || self.is_in_what_nothing_is_sent_for(&here)?;
                    last_directory = (node.parent, is_left_alone);
                }
                if here.frozen || last_directory.1 || self.is_left_to_remote(node, &here) {
                    continue;
                }
                let decision = deciding::decide(&self.index, &self.settings, node)?;
                let is_removed_there =
                    decision.is_some_and(|decision| decision.action == Action::Trash(Side::Remote));
                if is_removed_there && self.is_where_nothing_is_sent(node)? {
                    continue;
                }
                if !visit(node, decision)? {
                    return Ok(None);
                }
            }
        }
    }
}

/// What waits at rows for such a hold.
const fn action_of(hold: &Hold) -> Option<HeldAction> {
    match hold {
        Hold::Deletes { .. } => Some(HeldAction::Delete),
        Hold::Overwrites { .. } => Some(HeldAction::Overwrite),
        Hold::Root { .. } | Hold::Place { .. } => None,
    }
}

/// What is said of entries that wait for a locked account: it is no problem of theirs.
fn account_locked(rows: &[ProblemRow]) -> Option<Problem> {
    let first = rows.first()?;
    let is_being_tried = rows.iter().any(|row| row.next_try == Some(super::BEING_TRIED));
    Some(Problem {
        path: RelativePath::root(),
        kind: first.kind,
        reason: match rows {
            [_] => "the account is locked for writing: 1 entry waits".to_owned(),
            _ => format!("the account is locked for writing: {} entries wait", rows.len()),
        },
        remedy: first.remedy.clone(),
        since: rows.iter().map(|row| row.since).min().unwrap_or(first.since),
        tries: rows.iter().map(|row| row.tries).max().unwrap_or(first.tries),
        next_try: rows.iter().filter_map(|row| row.next_try).min().filter(|_| !is_being_tried),
        is_being_tried,
    })
}

/// What is still to be done, as far as it was counted.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// The last count that came to its end, and what the rows were like when it began.
    done: Option<((u64, u64), Left)>,
    under_way: Option<((u64, u64), Left, DifferenceWalk)>,
}

/// What no run has seen to the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Left {
    /// What is still to be done on either side.
    pending: Pending,
    /// Rows that are not settled, whether or not anything is to be done for them.
    rows: u64,
}

/// Where a walk over the rows that differ stands.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct DifferenceWalk {
    is_remote_only: bool,
    cursor: Cursor,
}

impl Left {
    fn count(&mut self, node: &Node, decision: Option<Decision>) {
        let pending = &mut self.pending;
        let size = match node.local {
            Local::File { stat, .. } => stat.size,
            _ => 0,
        };
        let action = decision.map(|decision| decision.action);
        if matches!(action, Some(Action::Nothing | Action::Block)) {
            // It stays as it is.
            return;
        }
        self.rows += 1;
        match action {
            // Sent and not seen yet.
            None if node.remote.as_ref().is_some_and(|remote| remote.claimed) => {}
            // Not hashed yet: it may turn out to be an upload.
            None | Some(Action::Upload) => {
                pending.uploads += 1;
                pending.bytes += size;
            }
            Some(Action::Download) => {
                pending.downloads += 1;
                pending.bytes += node.remote_entry().file().map_or(0, |file| file.content.size);
            }
            Some(Action::Trash(_)) => pending.deletes += 1,
            Some(Action::MakeDirectory(_)) => pending.directories += 1,
            Some(Action::MoveAside(_)) => pending.moves += 1,
            Some(Action::SetTime(_)) => pending.times += 1,
            Some(Action::Adopt | Action::Forget | Action::Nothing | Action::Block) => {}
        }
    }
}

fn transfer(command: CommandId, running: &Running) -> Option<Transfer> {
    let to = match running.kind {
        OperationKind::Upload => Side::Remote,
        OperationKind::Download => Side::Local,
        _ => return None,
    };
    Some(Transfer { path: running.path.clone(), to, total_bytes: running.bytes?, command })
}

/// The operation that a decision leads to; `None` where nothing has to be done.
pub(super) fn operation(node: &Node, path: RelativePath, decision: Decision) -> Option<Operation> {
    let kind = match decision.action {
        Action::Nothing | Action::Adopt | Action::Forget | Action::Block => return None,
        Action::Upload => OperationKind::Upload,
        Action::Download => OperationKind::Download,
        Action::MakeDirectory(side) => OperationKind::MakeDirectory(side),
        Action::Trash(side) => OperationKind::Trash(side),
        Action::SetTime(side) => OperationKind::SetTime(side),
        Action::MoveAside(side) => OperationKind::MoveAside(side),
    };
    let bytes = match (decision.action, node.local, node.remote_entry().file()) {
        (Action::Upload, Local::File { stat, .. }, _) => Some(stat.size),
        (Action::Download, _, Some(file)) => Some(file.content.size),
        _ => None,
    };
    Some(Operation { kind, path, to: None, bytes, because: decision.because })
}
