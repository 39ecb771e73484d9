//! `plan`: what a pass would begin with.

use jottad_core::moves::{Parked, arrange};
use jottad_core::{Operation, OperationKind, RelativePath, Side};

use crate::folder::explaining;
use crate::folder::remote::unconfirmed::Claim;
use crate::folder::reporting::{DifferenceWalk, operation};
use crate::folder::{Folder, FolderError};
use crate::index::{HeldAction, Local, Node, NodeId};
use crate::settings::FolderSettings;
use crate::status::{Preview, WAITS_FOR_A_PERSON};

/// Why what the other side has is brought where something steps aside.
const TAKES_THE_NAME: &str = "takes the name that is free then";
const AS_A_COPY: &str = "under its conflict name, beside the other one";

impl Folder {
    /// What would be done now, of which the first `limit` operations are named. Moves come first; what they
    /// bring about is not foreseen.
    pub fn plan_preview(&self, limit: usize) -> Result<Preview, FolderError> {
        let mut operations = Preview::new(limit);
        let mut moved: Vec<RelativePath> = Vec::new();
        let is_directory = |path: &RelativePath| {
            self.index.locate(path).ok().flatten().is_some_and(|node| {
                node.id == NodeId::ROOT
                    || node.local.is_directory()
                    || node.remote_entry() == jottad_core::Entry::Directory
            })
        };
        for step in arrange(self.find_moves()?, is_directory) {
            if step.parked == Parked::To {
                continue;
            }
            moved.extend([step.from.clone(), step.to.clone()]);
            operations.push(Operation {
                kind: OperationKind::Move(Side::Remote),
                path: step.from,
                to: Some(step.to),
                bytes: None,
                because: "moved here",
            });
        }
        for (from, to) in self.spellings_to_follow()? {
            operations.push(Operation {
                kind: OperationKind::Move(Side::Local),
                path: from,
                to: Some(to),
                bytes: None,
                because: "spelled otherwise on the remote side",
            });
        }
        for pair in self.find_followable_in_mode()? {
            let (from, to) = (self.index.path(pair.from)?, self.index.path(pair.to)?);
            moved.extend([from.clone(), to.clone()]);
            operations.push(Operation {
                kind: OperationKind::Move(Side::Local),
                path: from,
                to: Some(to),
                bytes: None,
                because: "moved on the remote side",
            });
        }
        let mut anything_waits = false;
        for action in [HeldAction::Delete, HeldAction::Overwrite] {
            anything_waits |= self.index.count_waiting(action)? > 0;
        }
        self.each_difference(DifferenceWalk::default(), usize::MAX, |node, decision| {
            // Only a change helps, and is told of as a problem.
            if self.index.problem(node.id)?.is_some_and(|problem| problem.next_try.is_none()) {
                return Ok(true);
            }
            let path = self.index.path(node.id)?;
            if let Some(claim) = self.claim_of(node) {
                operations.unconfirmed += u64::from(claim == Claim::Accepted);
                self.claimed_operation(node, &path)?
                    .into_iter()
                    .for_each(|operation| operations.push(operation));
            } else if decision.is_none()
                && let Local::File { stat, md5: None } = node.local
                && self.is_new_for_sure(node)
                && self.settings.mode.pushes()
            {
                operations.push(Operation {
                    kind: OperationKind::Upload,
                    path,
                    to: None,
                    bytes: Some(stat.size),
                    because: "new here",
                });
            } else if !moved.iter().any(|above| path.starts_with(above))
                && let Some(decision) = decision
                && let Some(mut operation) = operation(node, path, decision)
            {
                let follows = follows_aside(&self.settings, node, &operation);
                let held = if anything_waits { explaining::what_waits_at(&self.index, node)? } else { None };
                if matches!(
                    (held, operation.kind),
                    (Some(HeldAction::Delete), OperationKind::Trash(_))
                        | (Some(HeldAction::Overwrite), OperationKind::Upload)
                ) {
                    operation.because = WAITS_FOR_A_PERSON;
                }
                operations.push(operation);
                for operation in follows {
                    operations.push(operation);
                }
            }
            Ok(true)
        })?;
        Ok(operations)
    }
}

/// What comes of it that something steps aside: the other side's takes the name, and where changes travel
/// both ways, what has stepped aside travels, too.
fn follows_aside(settings: &FolderSettings, node: &Node, aside: &Operation) -> Vec<Operation> {
    let OperationKind::MoveAside(side) = aside.kind else { return Vec::new() };
    let operation =
        |kind, bytes, because| Operation { kind, path: aside.path.clone(), to: None, bytes, because };
    let (here, there) = (node.local, node.remote_entry());
    let local_size = match here {
        Local::File { stat, .. } => Some(stat.size),
        _ => None,
    };
    let remote_size = there.file().map(|file| file.content.size);
    let fetched = || match remote_size {
        None => operation(OperationKind::MakeDirectory(Side::Local), None, TAKES_THE_NAME),
        bytes => operation(OperationKind::Download, bytes, TAKES_THE_NAME),
    };
    let sent = |because| match local_size {
        None => operation(OperationKind::MakeDirectory(Side::Remote), None, because),
        bytes => operation(OperationKind::Upload, bytes, because),
    };
    match side {
        Side::Local if settings.mode.pushes() => vec![fetched(), sent(AS_A_COPY)],
        Side::Local => vec![fetched()],
        Side::Remote => vec![sent(TAKES_THE_NAME)],
    }
}
