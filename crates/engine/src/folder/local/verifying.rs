//! Reading every file once more, because a person asked: is its content still what was synced?
//!
//! A stat that stayed the same says that nobody wrote the file. If its content changed all the same, the file
//! is damaged, and to send it would put the damage in the place of what is good. So it is a problem until
//! somebody changes the file; nothing is sent and nothing is fetched for it.

use std::collections::{BTreeMap, BTreeSet};

use jottad_core::{FoldKey, Md5, StoredPath};

use super::hashing::Hashing;
use crate::disk::{DiskError, FileStat};
use crate::event::{CommandId, Task};
use crate::folder::clock::shifted;
use crate::folder::{Folder, FolderError};
use crate::index::{Local, NodeId};
use crate::scope::{Finding, found};
use crate::status::{ProblemKind, Verification};
use crate::time::Now;

const PAGE: u32 = 64;
/// At more places than this nobody remembers which they were.
const MOST_TOLD: usize = 4096;

/// A file that is being read, and what it must be.
#[derive(Debug)]
struct Expected {
    node: NodeId,
    stat: FileStat,
    md5: Md5,
}

/// The walk over all files.
#[derive(Debug)]
pub(in crate::folder) struct Verifying {
    /// The last walk, which is under way while it has no end.
    report: Option<Verification>,
    running: BTreeMap<CommandId, Expected>,
    /// The last row that was taken up.
    last: NodeId,
    /// Both sides were compared after the walk, and what that has brought about is done.
    is_over: bool,
    /// The operations that run, and whether the comparison is what they are for.
    operations: BTreeMap<CommandId, bool>,
    /// Where changes on the service were told of since it began.
    told: BTreeSet<Vec<FoldKey>>,
    /// They were told of without a place, or at too many of them.
    told_anywhere: bool,
}

impl Default for Verifying {
    fn default() -> Self {
        Self {
            report: None,
            running: BTreeMap::new(),
            last: NodeId::NEW,
            is_over: false,
            operations: BTreeMap::new(),
            told: BTreeSet::new(),
            told_anywhere: false,
        }
    }
}

impl Verifying {
    /// Begins anew.
    pub(in crate::folder) fn begin(&mut self, now: Now) {
        let report = Verification {
            began: now.wall,
            ended: None,
            files: 0,
            bytes: 0,
            damaged: 0,
            unread: 0,
            sent: 0,
            mended: 0,
            meanwhile: 0,
        };
        *self = Self { report: Some(report), ..Self::default() };
    }

    /// Both sides were compared, and what that has brought about is done.
    pub(in crate::folder) fn proven(&mut self) {
        self.is_over |= self.report.as_ref().is_some_and(|report| report.ended.is_some());
    }

    fn counts_operations(&self) -> bool {
        self.report.is_some() && !self.is_over
    }

    /// A change on the service was told of, at a place or anywhere: what is done about it is no finding.
    pub(in crate::folder) fn change_was_told(&mut self, place: Option<&StoredPath>) {
        if !self.counts_operations() {
            return;
        }
        match place {
            Some(place) if self.told.len() < MOST_TOLD => drop(self.told.insert(folded(place))),
            _ => self.told_anywhere = true,
        }
    }

    fn is_told(&self, path: &StoredPath) -> bool {
        let path = folded(path);
        self.told_anywhere || (0..=path.len()).any(|length| self.told.contains(&path[..length]))
    }

    /// An operation is done.
    pub(in crate::folder) fn operation_done(&mut self, command: CommandId, is_upload: bool) {
        let found = self.operations.remove(&command);
        if let Some(report) = self.report.as_mut().filter(|_| !self.is_over) {
            *match found {
                Some(true) if is_upload => &mut report.sent,
                Some(true) => &mut report.mended,
                _ => &mut report.meanwhile,
            } += 1;
        }
    }

    /// An operation was not done.
    pub(in crate::folder) fn operation_failed(&mut self, command: CommandId) {
        self.operations.remove(&command);
    }

    /// The wall clock was set.
    pub(in crate::folder) fn shift_times(&mut self, seconds: i64) {
        if let Some(report) = &mut self.report {
            report.began = shifted(report.began, seconds);
            report.ended = report.ended.map(|time| shifted(time, seconds));
        }
    }

    /// Whether a command reads for the walk.
    pub(in crate::folder) fn asked(&self, command: CommandId) -> bool {
        self.running.contains_key(&command)
    }

    pub(in crate::folder) fn report(&self) -> Option<&Verification> {
        self.report.as_ref()
    }

    fn may_go_on(&self) -> bool {
        Hashing::has_room(self.running.values().map(|expected| expected.stat.size))
    }
}

fn folded(path: &StoredPath) -> Vec<FoldKey> {
    path.names().iter().map(FoldKey::of).collect()
}

impl Folder {
    /// An operation begins at a row, and nothing is claimed for it yet. It is a finding of the comparison if
    /// the row was agreed on and is locally as it was, so that the service has shown something else, and
    /// nothing has told of that.
    pub(in crate::folder) fn note_operation(
        &mut self,
        command: CommandId,
        node: NodeId,
    ) -> Result<(), FolderError> {
        if !self.verifying.counts_operations() {
            return Ok(());
        }
        let Some(row) = self.index.node(node)? else { return Ok(()) };
        let is_as_agreed = row.base.is_some() && row.trees().is_some_and(|trees| trees.local == trees.base);
        let found = is_as_agreed && !self.verifying.is_told(&self.index.stored_path(node)?);
        self.verifying.operations.insert(command, found);
        Ok(())
    }

    /// Reads on. Files that were not hashed since they changed are no part of it: they are read anyway.
    pub(in crate::folder) fn issue_verifications(&mut self, now: Now) -> Result<(), FolderError> {
        if self.verifying.report.as_ref().is_none_or(|report| report.ended.is_some()) {
            return Ok(());
        }
        while self.verifying.may_go_on() {
            let page = self.index.agreed_files(self.verifying.last, PAGE)?;
            if page.is_empty() {
                if self.verifying.running.is_empty()
                    && let Some(report) = &mut self.verifying.report
                {
                    report.ended = Some(now.wall);
                }
                return Ok(());
            }
            for node in page {
                if !self.verifying.may_go_on() {
                    break;
                }
                self.verifying.last = node.id;
                let Local::File { stat, md5: Some(md5) } = node.local else { continue };
                let path = self.index.path(node.id)?;
                let id = self.issue(Task::Hash { files: vec![(path, stat)] });
                self.verifying.running.insert(id, Expected { node: node.id, stat, md5 });
            }
        }
        Ok(())
    }

    /// A file was read to its end, or could not be.
    pub(in crate::folder) fn verified(
        &mut self,
        command: CommandId,
        results: Result<Vec<Result<Md5, DiskError>>, DiskError>,
        now: Now,
    ) -> Result<(), FolderError> {
        let Some(result) = results.map_or_else(|error| Some(Err(error)), |hashes| hashes.into_iter().next())
        else {
            return Ok(());
        };
        let Some(expected) = self.verifying.running.remove(&command) else { return Ok(()) };
        let Some(report) = &mut self.verifying.report else { return Ok(()) };
        let node = self.index.node(expected.node)?;
        let is_the_same = |local| local == Local::File { stat: expected.stat, md5: Some(expected.md5) };
        let Some(node) = node.filter(|node| is_the_same(node.local)) else {
            // It changed or moved meanwhile, and was or will be read for that.
            report.unread += 1;
            return Ok(());
        };
        match result {
            Ok(md5) if md5 == expected.md5 => {
                report.files += 1;
                report.bytes += expected.stat.size;
                if self.index.problem(node.id)?.is_some_and(|problem| problem.kind == ProblemKind::Damaged) {
                    self.index.clear_problem(node.id)?;
                }
                Ok(())
            }
            Ok(_) => {
                report.damaged += 1;
                let reason =
                    "it holds something else than what was synced, and nobody wrote it: it is damaged";
                self.put_problem(node.id, found(Finding::Damaged), reason.to_owned(), now)
            }
            Err(error) => {
                report.unread += 1;
                if self.take_lost_root(&error, now) {
                    return Ok(());
                }
                self.hash_failed(&node, &error, now)
            }
        }
    }
}
