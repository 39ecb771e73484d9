//! No proof that is not so: whenever the engine says anew as of when both sides agree, they do.
//!
//! What cannot be known yet is left out of that: what others did on the service after the moment that the
//! proof covers, or so short a time before that a late service does not show it; changes that were told and
//! not yet taken; local changes where the watcher loses hints; and how names are spelled, where they are one
//! to the service.

use jottad_engine::{Event, Folder, FolderError, Verdict};

use crate::run::Run;
use crate::scenario::{Act, Hints};
use crate::world::World;

/// What was seen of the engine's proofs.
#[derive(Debug, Default)]
pub(crate) struct Proofs {
    /// The last one that was looked at.
    number: u64,
}

impl Run<'_> {
    /// Looks at a new proof, if there is one.
    pub(crate) fn check_proof(&mut self) -> Result<(), FolderError> {
        let proof = self.folder.as_ref().and_then(Folder::last_proof);
        let Some(proof) = proof.filter(|proof| proof.number != self.proofs.number) else { return Ok(()) };
        self.proofs.number = proof.number;
        {
            let mut world = self.world.lock();
            world.trace.note(format_args!("  proof {} covers {:?}", proof.number, proof.covers));
            if world.root_went.is_some_and(|went| went <= proof.covers) {
                world.violate("a proof although the root is elsewhere".to_owned());
                return Ok(());
            }
            let lag = std::time::Duration::from_millis(world.knobs.lag_milliseconds.into());
            let is_hidden = |changed| changed <= proof.listed && changed + lag >= proof.listed;
            let is_later = |changed| changed + lag >= proof.covers || is_hidden(changed);
            let is_later = world.others_changed.is_some_and(is_later);
            if is_later || world.is_being_told() || !self.hears_every_local_change(&world) {
                return Ok(());
            }
        }
        // Whatever waits for a person or for a better time is told, and is no claim that both sides agree.
        let claims_to_agree = |verdict| matches!(verdict, Verdict::InSync | Verdict::Working);
        if self.status()?.is_none_or(|status| !claims_to_agree(status.verdict)) {
            return Ok(());
        }
        // A look at a path does not tell how its name is spelled.
        let differences = self.differences()?;
        if let Some(difference) = differences.iter().find(|difference| !difference.contains(" is spelled ")) {
            self.world.lock().violate(format!("a proof that is not so: {difference}"));
        }
        Ok(())
    }

    /// Whether the watcher loses nothing, and no change is of a sort that it cannot hear.
    fn hears_every_local_change(&self, world: &World) -> bool {
        let is_unheard = |act: &Act| {
            matches!(
                act,
                Act::Link(..)
                    | Act::Lock(_)
                    | Act::Unlock(_)
                    | Act::Mount
                    | Act::Unmount
                    | Act::MountBelow(_)
                    | Act::UnmountBelow(_)
            )
        };
        let steps = self.scenario.steps.iter().map(|step| &step.act);
        world.disk.is_mounted
            && world.knobs.hints != Hints::Some
            && !self.scenario.before.iter().chain(steps).any(is_unheard)
    }
}

impl World {
    /// Whether anything was hinted that the engine has not taken yet.
    fn is_being_told(&self) -> bool {
        let is_hint = |event: &Event| matches!(event, Event::LocalHints(_) | Event::RemoteHint(_));
        !self.hints.is_empty() || self.inbox.iter().any(is_hint)
    }
}
