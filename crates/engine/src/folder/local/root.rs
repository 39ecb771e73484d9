//! The folder's root: is it there, and is it still the one that we know.

use std::time::Duration;

use jottad_core::shell_word;

use crate::disk::{DiskError, DiskErrorKind, Identity, RootIdentity};
use crate::event::Task;
use crate::folder::{Folder, FolderError, Purpose};
use crate::index::{Fact, IndexError};
use crate::planted::{self, Planted};
use crate::remote::{MissingPlace, RemoteError, RemoteErrorKind};
use crate::settings::FolderSettings;
use crate::time::Now;

/// How often a root that is not there is looked for.
const LOOK_AGAIN: Duration = Duration::from_mins(1);

/// What is known of the root.
#[derive(Debug, Default)]
pub(in crate::folder) struct Root {
    state: State,
    /// The last hold, until something shows that it is over: looking again ends none.
    standing: Option<Standing>,
    /// Of the root that was found good last.
    identity: Option<Identity>,
    /// There was something at its place when it was looked at last.
    is_found: bool,
    /// What that was.
    found: Option<RootIdentity>,
    look_again_at: Option<Duration>,
    /// When it was last looked at.
    asked_at: Option<Duration>,
    /// Something was told of it since, so another one may be there than was found.
    is_outdated: bool,
    /// It was not there, or another one was: what happened below it meanwhile was not heard.
    was_lost: bool,
    /// The marker that it has when the claim succeeds. Until then none is expected of it.
    claiming: Option<String>,
    word: Word,
}

/// A person's word that the root is right as it is: what was known of it is forgotten. It is about the root
/// that the person was told of, and one look at that one spends it.
#[derive(Debug, Default)]
enum Word {
    #[default]
    None,
    /// The root was not looked at since. It is about the one that was found before; if none was, about the
    /// first one that is.
    Given(Option<RootIdentity>),
    /// It is about this one, whose entries were not looked at since.
    About(RootIdentity),
}

/// A hold, and what shows that it is over.
#[derive(Debug)]
struct Standing {
    hold: State,
    ends_with: Look,
}

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::folder) enum Look {
    /// The root itself.
    Root,
    /// The entries of the local root.
    Entries,
    /// The listing of the remote root.
    Listing,
}

#[derive(Debug, Default, Clone, PartialEq, Eq)]
enum State {
    #[default]
    Unchecked,
    Checking,
    Good,
    Held(String),
    /// It is there, but cannot be read or claimed: no person's word helps, only mending it.
    Unreadable(String),
    /// What is missing is the place of the remote root.
    HeldForPlace(MissingPlace, String),
}

impl Root {
    pub(in crate::folder) fn is_good(&self) -> bool {
        self.state == State::Good
    }

    /// Which directory it was when it was found good last.
    pub(in crate::folder) fn identity(&self) -> Option<Identity> {
        self.identity
    }

    /// It was found good.
    #[cfg(test)]
    pub(in crate::folder) fn found_as(&mut self, identity: Identity) {
        (self.state, self.identity) = (State::Good, Some(identity));
    }

    /// It may have gone; it is looked at before anything else is done.
    pub(in crate::folder) fn doubt(&mut self) {
        if self.state != State::Checking {
            self.state = State::Unchecked;
        }
    }

    /// A person must decide, unless a later look of this kind finds nothing wrong.
    pub(in crate::folder) fn hold(&mut self, reason: String, ends_with: Look, now: Now) {
        self.enter_hold(State::Held(reason), ends_with, now);
    }

    /// It is there, but cannot be read or claimed.
    pub(in crate::folder) fn hold_unreadable(&mut self, reason: String, ends_with: Look, now: Now) {
        self.enter_hold(State::Unreadable(reason), ends_with, now);
    }

    fn hold_for_place(&mut self, missing: MissingPlace, reason: String, now: Now) {
        self.enter_hold(State::HeldForPlace(missing, reason), Look::Listing, now);
    }

    fn enter_hold(&mut self, hold: State, ends_with: Look, now: Now) {
        self.standing = Some(Standing { hold: hold.clone(), ends_with });
        self.state = hold;
        self.look_again_at = Some(now.monotonic + LOOK_AGAIN);
    }

    /// A look found nothing wrong.
    pub(in crate::folder) fn found_right(&mut self, look: Look) {
        self.standing.take_if(|standing| standing.ends_with == look);
    }

    /// A person wants to know how it is now, whatever it was.
    pub(in crate::folder) fn forget_hold(&mut self) {
        self.standing = None;
    }

    /// The state, or the hold that still stands while it is looked at again.
    fn told(&self) -> &State {
        match (&self.state, &self.standing) {
            (State::Unchecked | State::Checking | State::Good, Some(standing)) => &standing.hold,
            (state, _) => state,
        }
    }

    /// Why nothing is done until a person has looked after the root.
    pub(in crate::folder) fn held(&self) -> Option<&str> {
        match self.told() {
            State::Held(reason) => Some(reason),
            _ => None,
        }
    }

    /// Whether it is held for what is missing in it, on either side, rather than for which directory it is.
    pub(in crate::folder) fn is_held_for_what_is_missing(&self) -> bool {
        self.held().is_some()
            && self.standing.as_ref().is_some_and(|standing| standing.ends_with != Look::Root)
    }

    /// Why it cannot be read or claimed.
    pub(in crate::folder) fn held_unreadable(&self) -> Option<&str> {
        match self.told() {
            State::Unreadable(reason) => Some(reason),
            _ => None,
        }
    }

    /// What is missing of the place of the remote root, and that in words.
    pub(in crate::folder) fn held_for_place(&self) -> Option<(MissingPlace, &str)> {
        match self.told() {
            State::HeldForPlace(missing, reason) => Some((*missing, reason)),
            _ => None,
        }
    }

    /// Whether there is a directory that a person's word can be about.
    pub(in crate::folder) fn is_found(&self) -> bool {
        self.is_found
    }

    /// Names what was at its place when it was looked at last, for as long as nothing else is there.
    pub(in crate::folder) fn found_text(&self) -> Option<String> {
        self.found.as_ref().filter(|_| self.is_found).map(identity_text)
    }

    /// When the last look at it began.
    pub(in crate::folder) fn asked_at(&self) -> Option<Duration> {
        self.asked_at
    }

    /// The path leads elsewhere, or nowhere.
    fn lose(&mut self, reason: String, now: Now) {
        self.was_lost = true;
        self.hold(reason, Look::Root, now);
    }

    /// The watcher tells of it: another one may be there, also by the time an answer comes that is under way.
    pub(in crate::folder) fn told_of(&mut self) {
        self.is_outdated = true;
        self.doubt();
    }

    /// A person says that it is right as it is. Where another one may be there than the person was told of,
    /// nobody knows which one is meant: it is looked at, and the person is asked again if need be (`sync`
    /// 59003733 with `--disks`).
    pub(in crate::folder) fn trust(&mut self) {
        if !self.is_outdated {
            self.word = Word::Given(self.found.clone().filter(|_| self.is_found));
            self.standing = None;
        }
        self.state = State::Unchecked;
    }

    /// Takes a person's word for a root that was found; tells whether it is about this one.
    fn take_word_for(&mut self, found: &RootIdentity) -> bool {
        let is_about_it = match &self.word {
            Word::None => false,
            Word::Given(told_of) => told_of.as_ref().is_none_or(|told_of| is_same(told_of, found)),
            Word::About(root) => return is_same(root, found),
        };
        self.word = if is_about_it { Word::About(found.clone()) } else { Word::None };
        is_about_it
    }

    /// Whether a person's word is about what the root was just seen to hold; it is spent with that. What was
    /// read before the word's root was looked at is not what it is about.
    pub(super) fn spend_word(&mut self) -> bool {
        let is_about_it = matches!(self.word, Word::About(_));
        if is_about_it {
            self.word = Word::None;
        }
        is_about_it
    }

    pub(in crate::folder) fn deadline(&self) -> Option<Duration> {
        self.look_again_at
    }

    pub(in crate::folder) fn timer(&mut self, now: Now) {
        if self.look_again_at.is_some_and(|time| time <= now.monotonic) {
            self.look_again_at = None;
            self.doubt();
        }
    }
}

impl Folder {
    /// Whether the root was found good; looks if that is not known.
    pub(in crate::folder) fn check_root(&mut self, now: Now) -> bool {
        if self.root.state == State::Unchecked {
            self.root.state = State::Checking;
            self.root.is_outdated = false;
            self.root.asked_at = Some(now.monotonic);
            self.issue(Task::CheckRoot);
        }
        self.root.is_good()
    }

    pub(in crate::folder) fn root_checked(
        &mut self,
        result: Result<RootIdentity, DiskError>,
        now: Now,
    ) -> Result<(), FolderError> {
        if self.root.is_outdated {
            self.root.state = State::Unchecked;
            return Ok(());
        }
        let found = match result {
            Ok(found) => found,
            Err(error) => {
                // What a person's word was about was not there to be seen.
                self.root.word = Word::None;
                self.root.is_found = false;
                if matches!(error.kind, DiskErrorKind::PermissionDenied) {
                    self.root.was_lost = true;
                    self.root.hold_unreadable(why_root_is_unreadable(&error.kind), Look::Root, now);
                } else {
                    self.root.lose(why_root_is_held(&self.settings, &error), now);
                }
                return Ok(());
            }
        };
        self.root.is_found = true;
        self.root.found = Some(found.clone());
        let known = self.index.fact(Fact::RootIdentity)?.map(|text| parse_identity(&text)).transpose()?;
        let marker = self.index.fact(Fact::RootMarker)?;
        let trusted = self.root.take_word_for(&found) || planted::is(Planted::RootUnchecked);
        if let Some(known) = known
            && !trusted
            && !is_same(&known, &found)
        {
            let remedy = where_it_is(&self.settings);
            self.root.lose(format!("the folder's root was replaced by another directory: {remedy}"), now);
            return Ok(());
        }
        if marker.is_some() && !trusted && marker != found.marker {
            self.root.lose("the marker .jottad/root-id is missing or another one".to_owned(), now);
            return Ok(());
        }
        self.root.identity = Some(found.identity);
        let text = identity_text(&found);
        self.index.set_fact(Fact::RootIdentity, Some(&text))?;
        if self.purpose == Purpose::Work
            && self.settings.mode.pulls()
            && (marker.is_none() || marker != found.marker || !self.scanning.is_claimed())
        {
            let marker = found.marker.clone().unwrap_or_else(|| {
                format!("{}-{}-{}", self.settings.name, now.wall.seconds(), text.replace('/', "-"))
            });
            self.root.claiming = Some(marker.clone());
            self.issue(Task::ClaimRoot { root: found, marker });
            return Ok(());
        }
        self.root_is_good();
        Ok(())
    }

    fn root_is_good(&mut self) {
        self.root.state = State::Good;
        self.root.found_right(Look::Root);
        self.root.look_again_at = None;
        if std::mem::take(&mut self.root.was_lost) {
            self.scanning.want_everything();
        }
    }

    pub(in crate::folder) fn root_claimed(
        &mut self,
        result: Result<(), DiskError>,
        now: Now,
    ) -> Result<(), FolderError> {
        let claimed = self.root.claiming.take();
        if let Err(error) = result {
            let reason = match error.kind {
                DiskErrorKind::PermissionDenied => {
                    "the folder's root cannot be written: permission denied; let the user that runs jottad write in it, \
                     and in its .jottad"
                        .to_owned()
                }
                _ => error.to_string(),
            };
            self.root.hold_unreadable(reason, Look::Root, now);
            return Ok(());
        }
        if let Some(marker) = claimed {
            self.index.set_fact(Fact::RootMarker, Some(&marker))?;
        }
        self.scanning.set_claimed();
        self.root_is_good();
        Ok(())
    }

    /// Takes an error that says that the root is gone; tells whether it did.
    pub(in crate::folder) fn take_lost_root(&mut self, error: &DiskError, now: Now) -> bool {
        let lost = matches!(error.kind, DiskErrorKind::RootLost);
        if lost {
            self.root.is_found = false;
            self.root.lose(why_root_is_held(&self.settings, error), now);
            self.scanning.want_everything();
        }
        lost
    }
}

impl Folder {
    /// Takes an error that says that the place of the remote root is not there; tells whether it did.
    pub(in crate::folder) fn take_missing_place(&mut self, error: &RemoteError, now: Now) -> bool {
        let RemoteErrorKind::PlaceMissing(missing) = error.kind else { return false };
        self.listing.want_everything();
        self.root.hold_for_place(missing, error.message.clone(), now);
        true
    }
}

/// What is said of a root that is there and cannot be read, with what mends it.
pub(super) fn why_root_is_unreadable(kind: &DiskErrorKind) -> String {
    let remedy = match kind {
        DiskErrorKind::PermissionDenied => "let the user that runs jottad read it",
        _ => "check the local disk",
    };
    format!("the folder's root cannot be read: {kind}; {remedy}")
}

/// Inode and birth time name a directory for good; without a birth time the file system must be the same too.
fn is_same(known: &RootIdentity, found: &RootIdentity) -> bool {
    known.identity == found.identity && (known.identity.born != 0 || known.file_system == found.file_system)
}

fn identity_text(root: &RootIdentity) -> String {
    format!("{}/{}/{}", root.file_system, root.identity.inode, root.identity.born)
}

fn parse_identity(text: &str) -> Result<RootIdentity, IndexError> {
    let damaged = || IndexError::Damaged(format!("the root's identity is {text:?}"));
    let mut parts = text.split('/');
    let mut next = || parts.next().ok_or_else(damaged);
    Ok(RootIdentity {
        file_system: next()?.parse().map_err(|_| damaged())?,
        identity: Identity {
            inode: next()?.parse().map_err(|_| damaged())?,
            born: next()?.parse().map_err(|_| damaged())?,
        },
        marker: None,
    })
}

/// What is said of an error that a look at the root has met.
fn why_root_is_held(settings: &FolderSettings, error: &DiskError) -> String {
    match error.kind {
        DiskErrorKind::RootLost => {
            format!("the folder's root is not where it was: {}", where_it_is(settings))
        }
        _ => error.to_string(),
    }
}

fn where_it_is(settings: &FolderSettings) -> String {
    format!("bring it back, or say where it is: jottad folder set {} local=PATH", shell_word(&settings.name))
}

#[cfg(test)]
mod tests;
