//! `why`: how one path stands, and what is known, failed or waits there.

use jottad_core::{Action, Decision, OperationKind, RelativePath, shell_word};

use super::reporting::operation;
use super::{Folder, FolderError, Purpose};
use crate::folder::plan::deciding;
use crate::folder::plan::planning;
use crate::index::{HeldAction, Index, Local, Node, NodeId, ProblemRow};
use crate::settings::FolderSettings;
use crate::status::{EntryState, Explanation, Hold, Problem};

impl Folder {
    /// Everything that is known of one path.
    pub fn explain(&self, path: &RelativePath) -> Result<Explanation, FolderError> {
        let last_operations = self.index.history_of(path, 10)?;
        let mut explanation = Explanation {
            state: EntryState::Unknown,
            reason: "the index has nothing at this path".to_owned(),
            rule: None,
            trees: None,
            is_claimed: false,
            is_sent: false,
            next: None,
            paused: self.pause(),
            last_operations,
        };
        let mut above = Some(path.clone());
        while let Some(part) = above {
            let is_directory = part != *path;
            let known = self.index.locate(&part)?;
            let is_directory = is_directory || known.as_ref().is_some_and(is_directory_anywhere);
            let rule = self.rules.matching(&part, is_directory);
            // What was ignored before it was ever looked at may be either.
            let rule = rule.or_else(|| self.rules.matching(&part, true).filter(|_| known.is_none()));
            if let Some(rule) = rule {
                explanation.state = EntryState::Ignored;
                explanation.reason = format!("a rule ignores {part}");
                explanation.rule = Some(rule.to_string());
                // An outer directory decides: nothing below it is looked at.
            }
            above = part.parent();
        }
        if explanation.rule.is_some() {
            return Ok(explanation);
        }
        let node = self.index.locate(path)?;
        if let Some(problem) = self.problem_without_row(path)? {
            explanation.state = EntryState::Problem;
            explanation.reason = format!("{}; {}", problem.reason, problem.remedy);
            explanation.trees = node.and_then(|node| node.trees());
            return Ok(explanation);
        }
        let Some(node) = node else { return Ok(explanation) };
        explanation.trees = node.trees();
        explanation.is_claimed = node.remote.as_ref().is_some_and(|remote| remote.claimed);
        explanation.is_sent = self.is_sent(&node, path)?;
        let travelling = self.in_flight.at(node.id);
        if let Some(running) = travelling.filter(|running| running.carries_content()) {
            explanation.state = EntryState::Pending;
            let is_sent = running.kind == OperationKind::Upload;
            let reason = if is_sent { "it is being sent" } else { "it is being fetched" };
            reason.clone_into(&mut explanation.reason);
            return Ok(explanation);
        }
        if let Some(problem) = self.index.problem(node.id)? {
            explanation.state = EntryState::Problem;
            explanation.reason = format!("{}; {}", problem.reason, problem.remedy);
            return Ok(explanation);
        }
        if let Some(rule) = size_rule(&self.settings, &node) {
            explanation.state = EntryState::Ignored;
            explanation.reason = format!("{path} is larger than what is synced");
            explanation.rule = Some(rule);
            return Ok(explanation);
        }
        if let Some((directory, problem)) = problem_above(&self.index, node.parent)? {
            explanation.state = EntryState::Pending;
            explanation.reason = format!(
                "it waits for {directory}, which has a problem: {}; {}",
                problem.reason, problem.remedy
            );
            return Ok(explanation);
        }
        if let Some(waiting) = what_waits_at(&self.index, &node)? {
            explanation.state = EntryState::Held;
            let name = shell_word(&self.settings.name);
            explanation.reason = format!(
                "{}; that waits for a person: `jottad approve {name}` lets it happen, `jottad reject {name}` \
                 brings it back",
                match waiting {
                    HeldAction::Delete => "it would go to the trash",
                    HeldAction::Overwrite => "what the service has would be overwritten",
                }
            );
            return Ok(explanation);
        }
        let Some(decision) = deciding::decide(&self.index, &self.settings, &node)? else {
            explanation.state = EntryState::Pending;
            let what = if explanation.is_claimed {
                self.word_of_claim(&node, path)?
            } else {
                "it is being hashed, or something in it is being confirmed"
            };
            what.clone_into(&mut explanation.reason);
            return Ok(explanation);
        };
        explanation.next = operation(&node, path.clone(), decision);
        explanation.state = if explanation.next.is_some() { EntryState::Pending } else { EntryState::InSync };
        decision.because.clone_into(&mut explanation.reason);
        self.say_what_is_known_beside(&node, decision, &mut explanation)?;
        Ok(explanation)
    }

    /// Adds to what the path rules say of a row what they do not know.
    fn say_what_is_known_beside(
        &self,
        node: &Node,
        decision: Decision,
        explanation: &mut Explanation,
    ) -> Result<(), FolderError> {
        if decision.action.is_delete() && self.index.is_approved(node.id, HeldAction::Delete)? {
            explanation.reason = format!("{}; that was approved", decision.because);
        }
        if explanation.state == EntryState::InSync {
            self.say_what_is_looked_at(node, explanation)?;
        }
        if decision.action == Action::Upload
            && let Some(pause) = self.resending.pause_of(node.id)
        {
            let seconds = pause.as_secs();
            explanation.reason =
                format!("it keeps changing, so it is sent again {seconds} s after it was sent last");
        }
        if let Some(Hold::Root { .. } | Hold::Place { .. }) = self.hold()? {
            let name = shell_word(&self.settings.name);
            let reason = &explanation.reason;
            explanation.reason =
                format!("{reason}, as of the last look; the folder is held, see `jottad held {name}`");
        }
        Ok(())
    }

    /// Both sides agreed when they were looked at last; says so where something is known to have changed
    /// since or to be found out.
    fn say_what_is_looked_at(&self, node: &Node, explanation: &mut Explanation) -> Result<(), FolderError> {
        if self.purpose == Purpose::Rest {
            return Ok(());
        }
        let agreed = &explanation.reason;
        if self.hints.tells_of(&self.index.stored_path(node.id)?) {
            explanation.state = EntryState::Pending;
            explanation.reason = format!(
                "{agreed}, as of the last look; the service has told of a change since, which is looked at next"
            );
        } else if self.paused.is_none() && !(self.scanning.is_idle() && self.listing.is_idle()) {
            explanation.reason = format!("{agreed}, as of the last look; another one is under way");
        }
        Ok(())
    }

    /// What is wrong at a path that is told of no row.
    fn problem_without_row(&self, path: &RelativePath) -> Result<Option<Problem>, FolderError> {
        if path.is_root() {
            return Ok(None);
        }
        let mut problems = self.refused_rules().chain(self.unusable_entries()).collect::<Vec<_>>();
        problems.extend(self.fleeting_problems()?);
        problems.extend(self.last_words.problems.iter().cloned());
        Ok(problems.into_iter().find(|problem| problem.path == *path))
    }

    /// Whether the file at this path is being sent or fetched.
    pub(crate) fn is_travelling(&self, path: &RelativePath) -> bool {
        self.in_flight.carries(path)
    }
}

fn is_directory_anywhere(node: &Node) -> bool {
    node.local.is_directory() || node.remote_entry() == jottad_core::Entry::Directory
}

/// The nearest directory from this one upwards that has a problem, for which all that is in it waits. One
/// that is on both sides keeps nothing waiting.
pub(super) fn problem_above(
    index: &Index,
    directory: NodeId,
) -> Result<Option<(RelativePath, ProblemRow)>, FolderError> {
    if !index.has_problems() {
        return Ok(None);
    }
    for node in index.directories_above(directory)? {
        let is_on_both_sides =
            node.local.is_directory() && node.remote_entry() == jottad_core::Entry::Directory;
        if let Some(problem) = index.problem(node.id)?.filter(|_| !is_on_both_sides) {
            return Ok(Some((index.path(node.id)?, problem)));
        }
    }
    Ok(None)
}

/// What waits for a person at a row, by itself or with a directory above it.
pub(super) fn what_waits_at(index: &Index, node: &Node) -> Result<Option<HeldAction>, FolderError> {
    if index.waits(node.id, HeldAction::Overwrite)? {
        return Ok(Some(HeldAction::Overwrite));
    }
    let above = index.directories_above(node.parent)?;
    for id in std::iter::once(node.id).chain(above.iter().map(|directory| directory.id)) {
        if index.waits(id, HeldAction::Delete)? {
            return Ok(Some(HeldAction::Delete));
        }
    }
    Ok(None)
}

/// The rule that keeps a file out for its size, when those for its path do not.
fn size_rule(settings: &FolderSettings, node: &Node) -> Option<String> {
    let is_too_large = node.local == Local::Ignored || planning::is_remote_too_large(settings, node);
    let most = settings.max_size.filter(|_| is_too_large)?;
    Some(format!("max_size = {most} bytes (in the configuration)"))
}
