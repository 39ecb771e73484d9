//! A root that is emptied in the end, and a file that is saved in it: what the hold was about stays until a
//! person has said something.

use std::time::Duration;

use jottad_core::{RelativePath, StoredPath};
use jottad_engine::{FolderError, HeldRoot, Hold, Request};

use crate::run::Run;
use crate::scenario::Act;
use crate::world::World;

/// What comes after the file that is saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmptiedRoot {
    /// The root is looked at when it is due.
    Waits,
    /// A person asks for everything to be looked at.
    AskedToLook,
    /// The process is killed and started again.
    Killed,
}

/// A name that nothing else has, so that it is in nobody's way.
const NAME: &str = "new";
/// A content that nobody else saves.
const SAVED: u32 = 7001;
/// Longer than it takes until a held root is looked at again.
const WHILE: Duration = Duration::from_mins(5);

impl Run<'_> {
    /// Empties the root, saves a file in it once it is held, and checks that nobody lost anything for that.
    pub(crate) fn check_emptied_root(&mut self) -> Result<(), FolderError> {
        let Some(then) = self.scenario.knobs.empties_root else { return Ok(()) };
        {
            let mut world = self.world.lock();
            world.decided.approved = false;
            world.trace.note(format_args!("EMPTY"));
            world.empty_root();
        }
        self.rest()?;
        self.pass(WHILE)?;
        let held = self.status()?.and_then(|status| status.held);
        let is_emptied =
            |reason: &str, root: HeldRoot| root == HeldRoot::Local && reason.contains("suddenly empty");
        if !matches!(held, Some(Hold::Root { reason, root }) if is_emptied(&reason, root)) {
            return Ok(());
        }
        let before = self.remote_paths();
        self.world.lock().let_people(&Act::Write(NAME, SAVED));
        self.rest()?;
        match then {
            EmptiedRoot::Waits => {}
            EmptiedRoot::AskedToLook => self.request(Request::SyncNow),
            EmptiedRoot::Killed => self.kill()?,
        }
        self.rest()?;
        self.pass(WHILE)?;
        let after = self.remote_paths();
        if let Some(gone) = before.iter().find(|path| !after.contains(path)) {
            let what = format!("{gone} was in a root that was held as emptied, and went without a word");
            self.world.lock().violate(what);
        }
        Ok(())
    }

    fn remote_paths(&self) -> Vec<StoredPath> {
        let world = self.world.lock();
        world.remote.walk(&StoredPath::root()).into_iter().map(|(path, _)| path).collect()
    }
}

impl World {
    /// The user removes everything in the folder.
    fn empty_root(&mut self) {
        let root = self.disk.root();
        let names: Vec<_> =
            self.disk.entries(root).into_iter().flatten().map(|(name, _)| name.clone()).collect();
        for name in names {
            let now = self.tick();
            self.remove_locally(&RelativePath::root().join(&name), now);
        }
    }
}
