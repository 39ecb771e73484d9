//! Uploads: allocate, content, cphash, and the old way (protocol 5).

use std::sync::Arc;

use super::content::{Content, ContentKey, SharedSpool, lock_spool};
use super::lookup::Found;
use super::tree::{Entry, File, State};
use super::{World, revision};
use crate::address::Address;
use crate::refusal::Refusal;
use crate::switches::{
    AllocateOnFolder, AllocateUnderTrash, ConcurrentUploads, FileSizeLimit, InterruptedOtherContent,
    MakeInMissingMountpoint, Md5Case, PartialLifetime, QuotaStatus, RejectConflicts, RestoredNumber,
    TouchNumber, UploadAfterTrash, UploadStatus, UploadUrl,
};
use crate::times::Seconds;

/// How long an upload URL can be used.
const UPLOAD_URL_LIFETIME: Seconds = 3600;

/// What a client says of the content it has.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    /// As sent.
    pub(crate) md5: String,
    pub(crate) key: ContentKey,
    pub(crate) created: Seconds,
    pub(crate) modified: Seconds,
}

/// A request to allocate.
pub(crate) struct Allocation {
    pub(crate) address: Address,
    pub(crate) facts: Facts,
    pub(crate) rejects_conflicts: bool,
}

/// The answer to it.
pub(crate) struct Allocated {
    pub(crate) address: Address,
    pub(crate) state: &'static str,
    pub(crate) resume_position: u64,
    /// The id to upload under, when content is needed.
    pub(crate) upload: Option<String>,
}

/// An upload that was allocated.
pub(super) struct Upload {
    address: Address,
    facts: Facts,
    number: u64,
    /// The current revision's number when this was allocated.
    base: Option<u64>,
    /// The stamp of the tombstone that this was allocated on.
    deleted: Option<Seconds>,
    spool: SharedSpool,
    expires_at: Seconds,
    was_used: bool,
}

/// What the receiver of the bytes needs.
pub(crate) struct Uploading {
    pub(crate) spool: SharedSpool,
    pub(crate) size: u64,
}

/// A complete upload.
pub(crate) struct Finished {
    pub(crate) address: Address,
    pub(crate) facts: Facts,
    pub(crate) content_id: String,
}

impl World {
    pub(crate) fn allocate(&mut self, request: &Allocation) -> Result<Allocated, Refusal> {
        let (address, facts) = (&request.address, &request.facts);
        self.check_upload_target(address, facts)?;
        if request.rejects_conflicts && self.live_file(address).is_some_and(|file| file.current().is_some()) {
            let taken = Refusal::taken(&self.path(address));
            return Err(match self.switches.reject_conflicts {
                RejectConflicts::Conflict => taken,
                RejectConflicts::BadRequest => Refusal { status: 400, ..taken },
            });
        }
        if self.adopt(address, facts)? {
            let address = self.spelled(address);
            return Ok(Allocated {
                address,
                state: "COMPLETED",
                resume_position: facts.key.size,
                upload: None,
            });
        }
        self.check_quota(facts.key.size)?;
        let was_corrupt = self
            .file(address)
            .and_then(|file| file.latest())
            .is_some_and(|latest| matches!(latest.state, State::Corrupt) && latest.key == facts.key);
        let (id, resume_position) = self.start_upload(address, facts);
        let address = self.spelled(address);
        let state = if was_corrupt { "CORRUPT" } else { "INCOMPLETE" };
        Ok(Allocated { address, state, resume_position, upload: Some(id) })
    }

    /// Makes the path match without an upload, if it does already or the content is known. Says whether it
    /// did.
    fn adopt(&mut self, address: &Address, facts: &Facts) -> Result<bool, Refusal> {
        let current = self.file(address).and_then(|file| file.current()).map(|current| current.key);
        if current == Some(facts.key) {
            self.touch(address, facts);
            return Ok(true);
        }
        let content = if facts.key == ContentKey::empty() {
            Some(self.add_bytes(bytes::Bytes::new()))
        } else {
            self.known_content(facts.key)
        };
        let Some(content) = content else { return Ok(false) };
        self.check_quota(facts.key.size)?;
        self.accept(address, facts, content, None);
        Ok(true)
    }

    /// Prepares an upload under a new id, with the bytes that an interrupted one left.
    pub(crate) fn start_upload(&mut self, address: &Address, facts: &Facts) -> (String, u64) {
        let now = self.now();
        let found = self.file(address).map(|file| {
            let partial = file.revisions.iter().find_map(|revision| match &revision.state {
                State::Incomplete(spool) if revision.key == facts.key => {
                    Some((revision.number, Arc::clone(spool)))
                }
                _ => None,
            });
            (file.current().map(|current| current.number), file.deleted, partial)
        });
        let (base, deleted, partial) = found.unwrap_or_default();
        let lifetime = match self.switches.partial_lifetime {
            PartialLifetime::Forever => Seconds::MAX,
            PartialLifetime::OneHour => 3600,
        };
        let partial = partial.filter(|(_, spool)| now - lock_spool(spool).touched < lifetime);
        let (number, spool) = partial.unwrap_or_else(|| {
            let spool = Arc::new(std::sync::Mutex::new(self.contents.spool(now)));
            (self.add_incomplete(address, facts, &spool), spool)
        });
        let resume_position = lock_spool(&spool).length();
        let id = format!("{:032x}", self.uuid());
        let upload = Upload {
            address: address.clone(),
            facts: facts.clone(),
            number,
            base,
            deleted,
            spool,
            expires_at: now + UPLOAD_URL_LIFETIME,
            was_used: false,
        };
        self.uploads.insert(id.clone(), upload);
        (id, resume_position)
    }

    /// The entry exists from the allocate on, even if nothing is ever uploaded (protocol 5.1 a).
    fn add_incomplete(&mut self, address: &Address, facts: &Facts, spool: &SharedSpool) -> u64 {
        let facts = self.with_md5_case(facts);
        let added = revision(&facts, self.now(), State::Incomplete(Arc::clone(spool)));
        let counts = self.revision_counter();
        let keeps_partial = self.switches.interrupted_other_content == InterruptedOtherContent::Kept;
        self.make_folders(&address.parent());
        if self.file(address).is_none() {
            let uuid = self.uuid();
            self.place(address, Entry::File(Arc::new(File::new(address.leaf(), uuid))));
        }
        let number = self.change(address, |entry| {
            let Entry::File(file) = entry else { return 0 };
            let file = Arc::make_mut(file);
            file.revisions.retain(|old| match &old.state {
                State::Completed(_) => true,
                State::Incomplete(_) => keeps_partial && old.key != facts.key,
                State::Corrupt => false,
            });
            file.push(added, counts)
        });
        number.unwrap_or_default()
    }

    /// The upload under this id, to receive bytes for.
    pub(crate) fn begin_upload(&mut self, id: &str) -> Result<Uploading, Refusal> {
        let now = self.now();
        let single_use = self.switches.upload_url == UploadUrl::SingleUse;
        let gone = || Refusal::new(404, "NoSuchUploadOpenApiException", format!("upload {id}"));
        let upload = self.uploads.get_mut(id).ok_or_else(gone)?;
        if upload.expires_at <= now || (single_use && upload.was_used) {
            self.uploads.remove(id);
            return Err(gone());
        }
        upload.was_used = true;
        Ok(Uploading { spool: Arc::clone(&upload.spool), size: upload.facts.key.size })
    }

    /// Judges the bytes that arrived for an upload, after its request ended.
    pub(crate) fn finish_upload(&mut self, id: &str) -> Result<Finished, Refusal> {
        let now = self.now();
        let Some(upload) = self.uploads.get(id) else {
            return Err(Refusal::new(404, "NoSuchUploadOpenApiException", format!("upload {id}")));
        };
        let (address, facts, number) = (upload.address.clone(), upload.facts.clone(), upload.number);
        let (base, deleted, spool) = (upload.base, upload.deleted, Arc::clone(&upload.spool));
        let received = {
            let mut spool = lock_spool(&spool);
            spool.touched = now;
            spool.key()
        };
        if received.size < facts.key.size {
            let message = format!("{} of {} bytes", received.size, facts.key.size);
            return Err(Refusal::new(420, "IncompleteUploadOpenApiException", message));
        }
        self.uploads.remove(id);
        if received != facts.key {
            self.mark_corrupt(&address, number);
            let status = match self.switches.upload_status {
                UploadStatus::Split => 421,
                UploadStatus::Same => 420,
            };
            return Err(Refusal::new(status, "CorruptUploadOpenApiException", "the MD5 does not match"));
        }
        self.check_upload_target(&address, &facts)?;
        let file = self.file(&address);
        let current = file.and_then(|file| file.current()).map(|current| current.number);
        let is_elsewhere = file.is_none_or(|file| file.deleted != deleted);
        if is_elsewhere && self.switches.upload_after_trash == UploadAfterTrash::NotFound {
            return Err(Refusal::no_file(&self.path(&address)));
        }
        if current != base && self.switches.concurrent_uploads == ConcurrentUploads::Conflict {
            return Err(Refusal::taken(&self.path(&address)));
        }
        let content = lock_spool(&spool).take();
        let keep = self.keeps_content();
        let content = self.contents.add(content, keep);
        self.accept(&address, &facts, content, Some(number));
        let content_id = format!("{:032x}", self.uuid());
        Ok(Finished { address: self.spelled(&address), facts, content_id })
    }

    fn mark_corrupt(&mut self, address: &Address, number: u64) {
        self.change(address, |entry| {
            if let Entry::File(file) = entry {
                let file = Arc::make_mut(file);
                if let Some(revision) = file.revisions.iter_mut().find(|old| old.number == number) {
                    revision.state = State::Corrupt;
                }
            }
        });
    }

    /// Makes complete content the current revision at `address`, live. `number` is the revision of its
    /// upload.
    pub(super) fn accept(
        &mut self,
        address: &Address,
        facts: &Facts,
        content: Arc<Content>,
        number: Option<u64>,
    ) {
        self.make_folders(&address.parent());
        if self.file(address).is_none() {
            let uuid = self.uuid();
            self.place(address, Entry::File(Arc::new(File::new(address.leaf(), uuid))));
        }
        let facts = self.with_md5_case(facts);
        let mut complete = revision(&facts, self.now(), State::Completed(content));
        let counts = self.revision_counter();
        let keeps_partial = self.switches.interrupted_other_content == InterruptedOtherContent::Kept;
        self.change(address, |entry| {
            let Entry::File(file) = entry else { return };
            let file = Arc::make_mut(file);
            file.deleted = None;
            let is_newest = file.revisions.last().is_some_and(|newest| Some(newest.number) == number);
            file.revisions.retain(|old| {
                old.is_completed() || (keeps_partial && old.key != facts.key && Some(old.number) != number)
            });
            if let (true, Some(number)) = (is_newest, number) {
                complete.number = number;
                file.revisions.push(complete);
                file.trim(counts);
            } else {
                file.push(complete, counts);
            }
        });
        self.emit("NEW_UPLOAD", address, None);
    }

    /// Sets the times of a file whose content is right already, and brings it back from the trash.
    fn touch(&mut self, address: &Address, facts: &Facts) {
        let was_trashed = self.file(address).is_some_and(|file| file.deleted.is_some());
        let makes_revision = if was_trashed {
            self.switches.restored_number == RestoredNumber::Next
        } else {
            self.switches.touch_number == TouchNumber::Raised
        };
        self.make_folders(&address.parent());
        let counts = self.revision_counter();
        let now = self.now();
        self.change(address, |entry| {
            let Entry::File(file) = entry else { return };
            let file = Arc::make_mut(file);
            file.deleted = None;
            let Some(mut touched) = file.current().cloned() else { return };
            touched.created = facts.created;
            touched.modified = facts.modified;
            if makes_revision {
                touched.updated = now;
                file.push(touched, counts);
            } else if let Some(current) = file.revisions.iter_mut().find(|old| old.number == touched.number) {
                *current = touched;
            }
        });
        self.emit(if was_trashed { "RESTORE" } else { "NEW_UPLOAD" }, address, None);
    }

    /// Makes the path match a hash without content, or says 404 (protocol 5.4).
    pub(crate) fn match_hash(&mut self, address: &Address, facts: &Facts) -> Result<(), Refusal> {
        self.check_upload_target(address, facts)?;
        if self.adopt(address, facts)? { Ok(()) } else { Err(Refusal::no_file(&self.path(address))) }
    }

    /// Checks that content may be stored at `address`.
    pub(crate) fn check_upload_target(&self, address: &Address, facts: &Facts) -> Result<(), Refusal> {
        if address.depth() < 3 {
            return Err(Refusal::invalid(format!("{} is no place for a file", self.path(address))));
        }
        match self.switches.make_in_missing_mountpoint {
            MakeInMissingMountpoint::MadeByAll => self.check_way(address)?,
            MakeInMissingMountpoint::Made | MakeInMissingMountpoint::NotFound => {
                self.check_way_in_mountpoint(address)?;
            }
        }
        if self.switches.allocate_under_trash == AllocateUnderTrash::Refused
            && self.folder(&address.parent()).is_some_and(|parent| parent.deleted.is_some())
        {
            return Err(Refusal::no_path(&self.path(&address.parent())));
        }
        let is_limited = self.switches.file_size_limit == FileSizeLimit::FourGibibytes;
        if is_limited && facts.key.size > 4 << 30 {
            return Err(Refusal::invalid(format!("{} bytes are too many", facts.key.size)));
        }
        if matches!(self.find(address), Some(Found::Folder(folder)) if folder.deleted.is_none()) {
            let taken = Refusal::taken(&self.path(address));
            return Err(match self.switches.allocate_on_folder {
                AllocateOnFolder::Conflict => taken,
                AllocateOnFolder::BadRequest => Refusal { status: 400, ..taken },
            });
        }
        Ok(())
    }

    pub(crate) fn check_quota(&self, added: u64) -> Result<(), Refusal> {
        let Some(capacity) = self.account.capacity else { return Ok(()) };
        if self.usage() + added <= capacity {
            return Ok(());
        }
        let status = match self.switches.quota_status {
            QuotaStatus::Status460 => 460,
            QuotaStatus::Status403 => 403,
            QuotaStatus::Status507 => 507,
        };
        Err(Refusal::new(status, "QuotaExceededException", "the account is full"))
    }

    fn with_md5_case(&self, facts: &Facts) -> Facts {
        let mut facts = facts.clone();
        if self.switches.md5_case == Md5Case::Lower {
            facts.md5.make_ascii_lowercase();
        }
        facts
    }
}
