//! Commands on paths: make, trash, destroy, move, copy (protocol 6).

use std::sync::Arc;

use super::lookup::Found;
use super::tree::{Entry, File, Folder, State};
use super::{World, revision};
use crate::address::Address;
use crate::refusal::Refusal;
use crate::switches::{
    CaseOnlyMove, CopyOntoFile, FileCommandOnFolder, FolderCommandOnFile, MakeInMissingMountpoint,
    MakeOverFile, MoveOntoFile, MoveOntoFolder, TrashAgain, TrashedChildrenOfMoved,
};
use crate::world::allocate::Facts;

impl World {
    /// `mkDir`: makes a folder with its parents, or brings it back from the trash.
    pub(crate) fn make_folder(&mut self, address: &Address) -> Result<(), Refusal> {
        if address.depth() < 2 {
            return Err(Refusal::invalid("a device is not made by mkDir"));
        }
        match self.switches.make_in_missing_mountpoint {
            MakeInMissingMountpoint::Made | MakeInMissingMountpoint::MadeByAll => self.check_way(address)?,
            MakeInMissingMountpoint::NotFound => self.check_way_in_mountpoint(address)?,
        }
        if self.live_file(address).is_some() {
            match self.switches.make_over_file {
                MakeOverFile::Refused => return Err(Refusal::taken(&self.path(address))),
                MakeOverFile::NoEffect => return Ok(()),
                MakeOverFile::Converts => {
                    let now = self.now();
                    self.change(address, |entry| entry.trash(now));
                }
            }
        }
        self.make_folders(address);
        Ok(())
    }

    /// `dl`: moves a file to the trash. A missing one is no error.
    pub(crate) fn trash_file(&mut self, address: &Address) -> Result<(), Refusal> {
        self.check_writable()?;
        let now = self.now();
        match self.find(address) {
            None => Ok(()),
            Some(Found::File(file)) => {
                let was_live = file.deleted.is_none();
                if was_live || self.switches.trash_again == TrashAgain::NewStamp {
                    self.change(address, |entry| {
                        if let Entry::File(file) = entry {
                            Arc::make_mut(file).deleted = Some(now);
                        }
                    });
                }
                if was_live {
                    self.emit("DELETE", address, None);
                }
                Ok(())
            }
            Some(_) => self.file_command_on_folder(address),
        }
    }

    /// `rm`: destroys a file, live or trashed.
    pub(crate) fn remove_file(&mut self, address: &Address) -> Result<(), Refusal> {
        self.check_writable()?;
        match self.find(address) {
            None => Err(Refusal::no_file(&self.path(address))),
            Some(Found::File(_)) => {
                self.remove_entry(address);
                self.emit("HARD_DELETE_FILE", address, None);
                Ok(())
            }
            Some(_) => self.file_command_on_folder(address),
        }
    }

    fn file_command_on_folder(&mut self, address: &Address) -> Result<(), Refusal> {
        if self.switches.file_command_on_folder == FileCommandOnFolder::NotFound {
            return Err(Refusal::no_file(&self.path(address)));
        }
        self.remove_entry(address);
        self.emit("HARD_DELETE_DIR", address, None);
        Ok(())
    }

    /// `dlDir`: moves a folder and all in it to the trash.
    pub(crate) fn trash_folder(&mut self, address: &Address) -> Result<(), Refusal> {
        self.check_writable()?;
        match self.find(address) {
            Some(Found::Folder(folder)) if address.depth() > 2 => {
                let was_live = folder.deleted.is_none();
                let now = self.now();
                self.change(address, |entry| entry.trash(now));
                if was_live {
                    self.emit("DELETE_DIR", address, None);
                }
                Ok(())
            }
            Some(Found::File(_)) if self.switches.folder_command_on_file == FolderCommandOnFile::Works => {
                self.trash_file(address)
            }
            _ => Err(self.missing(address)),
        }
    }

    /// `rmDir`: destroys a folder and all in it.
    pub(crate) fn remove_folder(&mut self, address: &Address) -> Result<(), Refusal> {
        self.check_writable()?;
        match self.find(address) {
            Some(Found::Folder(_)) if address.depth() > 2 => {
                self.remove_entry(address);
                self.emit("HARD_DELETE_DIR", address, None);
                Ok(())
            }
            Some(Found::File(_)) if self.switches.folder_command_on_file == FolderCommandOnFile::Works => {
                self.remove_file(address)
            }
            _ => Err(self.missing(address)),
        }
    }

    /// `mv`: moves a file. The file keeps its id, times and revision numbers.
    pub(crate) fn move_file(&mut self, from: &Address, to: &Address) -> Result<(), Refusal> {
        let Some(file) = self.live_file(from).cloned() else {
            return Err(Refusal::no_source_file(&self.path(from)));
        };
        self.check_target(to)?;
        if from == to {
            return Ok(());
        }
        if self.keys(from.parts()) == self.keys(to.parts()) {
            return self.change_case(from, to);
        }
        match self.find(to) {
            Some(Found::Folder(folder)) if folder.deleted.is_none() => {
                return Err(Refusal::taken(&self.path(to)));
            }
            Some(Found::File(target)) if target.deleted.is_none() => match self.switches.move_onto_file {
                MoveOntoFile::Refused => return Err(Refusal::taken(&self.path(to))),
                MoveOntoFile::Replaces => drop(self.remove_entry(to)),
                MoveOntoFile::NewRevision => {
                    self.append_current(&file, to);
                    self.remove_entry(from);
                    self.emit("MOVE", from, Some(to));
                    return Ok(());
                }
            },
            _ => {}
        }
        self.make_folders(&to.parent());
        if let Some(entry) = self.remove_entry(from) {
            self.place(to, entry);
        }
        self.emit("MOVE", from, Some(to));
        Ok(())
    }

    /// `mvDir`: moves a folder with all in it.
    pub(crate) fn move_folder(&mut self, from: &Address, to: &Address) -> Result<(), Refusal> {
        if from.depth() < 3 || self.live_folder(from).is_none() {
            return Err(self.missing(from));
        }
        self.check_target(to)?;
        if from == to {
            return Ok(());
        }
        let (from_keys, to_keys) = (self.keys(from.parts()), self.keys(to.parts()));
        if from_keys == to_keys {
            return self.change_case(from, to);
        }
        if to_keys.starts_with(&from_keys) {
            return Err(Refusal::invalid("a folder cannot be moved into itself"));
        }
        let mut target = to.clone();
        match self.find(to) {
            Some(Found::File(file)) if file.deleted.is_none() => {
                return Err(Refusal::taken(&self.path(to)));
            }
            Some(Found::Folder(folder)) if folder.deleted.is_none() => match self.switches.move_onto_folder {
                MoveOntoFolder::Refused => return Err(Refusal::taken(&self.path(to))),
                MoveOntoFolder::Nests => target = to.child(from.leaf()),
                MoveOntoFolder::Merges => {
                    self.merge_folder(from, to);
                    return Ok(());
                }
            },
            _ => {}
        }
        self.make_folders(&target.parent());
        let Some(Entry::Folder(mut folder)) = self.remove_entry(from) else { return Ok(()) };
        if self.switches.trashed_children_of_moved == TrashedChildrenOfMoved::Stay
            && let Some(rest) = Arc::make_mut(&mut folder).split_trashed(self.now())
        {
            self.place(from, Entry::Folder(Arc::new(rest)));
        }
        self.place(&target, Entry::Folder(folder));
        self.emit("MOVE_DIR", from, Some(&target));
        Ok(())
    }

    /// `cp`: copies a file. A copy onto a tombstone is in the trash itself (protocol 6.2).
    pub(crate) fn copy_file(&mut self, from: &Address, to: &Address) -> Result<(), Refusal> {
        let source = self.live_file(from).filter(|file| file.current().is_some()).cloned();
        let Some(file) = source else { return Err(Refusal::no_source_file(&self.path(from))) };
        self.check_target(to)?;
        let size = file.current().map_or(0, |current| current.key.size);
        self.check_quota(size)?;
        match self.find(to) {
            Some(Found::Folder(folder)) if folder.deleted.is_none() => {
                return Err(Refusal::taken(&self.path(to)));
            }
            Some(Found::File(target)) => {
                let stamp = target.deleted;
                if stamp.is_none() && self.switches.copy_onto_file == CopyOntoFile::Refused {
                    return Err(Refusal::taken(&self.path(to)));
                }
                self.append_current(&file, to);
                self.change(to, |entry| {
                    if let Entry::File(copy) = entry {
                        Arc::make_mut(copy).deleted = stamp;
                    }
                });
            }
            _ => self.append_current(&file, to),
        }
        Ok(())
    }

    /// Gives the file at `to` the current revision of `file` as a new one of its own.
    fn append_current(&mut self, file: &File, to: &Address) {
        let Some(current) = file.current() else { return };
        let Some(content) = current.content() else { return };
        let facts = Facts {
            md5: current.md5.to_string(),
            key: current.key,
            created: current.created,
            modified: current.modified,
        };
        self.accept(to, &facts, Arc::clone(content), None);
    }

    fn check_target(&self, to: &Address) -> Result<(), Refusal> {
        if to.depth() < 3 {
            return Err(Refusal::invalid(format!("{} is no target", self.path(to))));
        }
        self.check_way_in_mountpoint(to)
    }

    fn change_case(&mut self, from: &Address, to: &Address) -> Result<(), Refusal> {
        match self.switches.case_only_move {
            CaseOnlyMove::Renames => {
                let name = to.leaf().to_owned();
                self.change(from, |entry| entry.rename(&name));
            }
            CaseOnlyMove::NoEffect => return Ok(()),
            CaseOnlyMove::Refused => return Err(Refusal::taken(&self.path(to))),
            CaseOnlyMove::Trashed => {
                let now = self.now();
                self.change(from, |entry| entry.trash(now));
            }
        }
        let is_folder = matches!(self.find(to), Some(Found::Folder(_)));
        self.emit(if is_folder { "MOVE_DIR" } else { "MOVE" }, from, Some(to));
        Ok(())
    }

    /// Moves the content of one folder into another; what has the same name is replaced by the source's.
    fn merge_folder(&mut self, from: &Address, to: &Address) {
        let Some(Entry::Folder(source)) = self.remove_entry(from) else { return };
        self.merge_children(&source, to);
        self.emit("MOVE_DIR", from, Some(to));
    }

    fn merge_children(&mut self, source: &Folder, to: &Address) {
        for entry in source.children() {
            let place = to.child(entry.name());
            match entry {
                Entry::Folder(folder) if self.live_folder(&place).is_some() => {
                    self.merge_children(folder, &place);
                }
                entry => self.place(&place, entry.clone()),
            }
        }
    }

    /// Writes complete content as another device would.
    pub(crate) fn write(&mut self, address: &Address, facts: &Facts, state: State) -> Result<(), Refusal> {
        self.check_upload_target(address, facts)?;
        match state {
            State::Completed(content) => self.accept(address, facts, content, None),
            State::Incomplete(_) | State::Corrupt => {
                let (id, _) = self.start_upload(address, facts);
                self.uploads.remove(&id);
                let bad = revision(facts, self.now(), state);
                self.change(address, |entry| {
                    if let Entry::File(file) = entry
                        && let Some(newest) = Arc::make_mut(file).revisions.last_mut()
                    {
                        newest.state = bad.state;
                    }
                });
            }
        }
        Ok(())
    }
}
