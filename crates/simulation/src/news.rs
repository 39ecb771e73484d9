//! What jottad may take for others' work: where only the user and jottad change anything, an old answer shows
//! no news, and there is nothing to do locally.

use jottad_core::Mode;
use jottad_engine::Task;

use crate::generate::has_namesakes;
use crate::scenario::{Act, Scenario};
use crate::world::World;

/// From whom there can be news on the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum News {
    /// From jottad itself: it may have lost what it did.
    Unknown,
    /// From other devices.
    Foreign,
    /// From nobody.
    None,
}

impl Scenario {
    /// From whom there can be news. jottad knows of all its own work if no answer is lost, nothing is
    /// refused, it is not killed, and a person does not want back what is gone. Two names that are one to the
    /// service, and disks, are another matter.
    pub(crate) fn news(&self) -> News {
        let knobs = &self.knobs;
        let mut acts = self.before.iter().chain(self.steps.iter().map(|step| &step.act));
        let knows_its_own = self.mode == Mode::Sync
            && knobs.remote_fault_permille == 0
            && knobs.refusals.is_empty()
            && knobs.empties_root.is_none()
            && acts.all(|act| act.is_remote() || is_ordinary(act))
            && !has_namesakes(self);
        match (knows_its_own, self.has_other_devices()) {
            (false, _) => News::Unknown,
            (true, true) => News::Foreign,
            (true, false) => News::None,
        }
    }
}

impl World {
    /// What nobody else has brought is not fetched, and where nobody else is at work nothing is done locally.
    pub(crate) fn check_news(&mut self, news: News, task: &Task) {
        let is_news = match (news, task) {
            (News::Foreign, Task::Download { file, .. }) => self.foreign.contains(&file.content),
            (News::None, task) => !changes_the_disk(task),
            (News::Unknown | News::Foreign, _) => true,
        };
        // A person may want back what is gone.
        if !is_news && !self.decided.wants_back {
            self.violate(format!("nobody else brought that about: {task:?}"));
        }
    }
}

/// Whether a user does nothing with the folder but work in it.
fn is_ordinary(act: &Act) -> bool {
    matches!(
        act,
        Act::Write(..)
            | Act::WriteWithOldTime(..)
            | Act::Replace(..)
            | Act::Touch(..)
            | Act::Remove(_)
            | Act::MakeDirectory(_)
            | Act::Rename(..)
            | Act::Swap(..)
            | Act::Symlink(_)
            | Act::WriteIntoWork(..)
            | Act::AccountFull(_)
            | Act::Offline(_)
            | Act::LogOut
            | Act::LogIn
            | Act::SyncNow
            | Act::RemoteHint
            | Act::Listen(_)
            | Act::SetClock(_)
    )
}

fn changes_the_disk(task: &Task) -> bool {
    matches!(
        task,
        Task::Download { .. }
            | Task::MakeLocalDirectory { .. }
            | Task::MoveLocal { .. }
            | Task::TrashLocal { .. }
            | Task::SetLocalTime { .. }
    )
}
