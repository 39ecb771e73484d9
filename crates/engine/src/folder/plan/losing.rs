//! What a folder lost lately of what was agreed on before: deletes that come a few at a time are counted
//! together.
//!
//! Two windows of time overlap, so that there is always one that began a day ago at least. What was new since
//! then does not count: neither as something to lose, nor as something that makes a loss look small.

use jottad_core::{DeleteLimits, Loss, Side, holds_loss, is_about_the_size};

use crate::folder::{Folder, FolderError};
use crate::index::{Fact, IndexError, Local, Node, NodeId};
use crate::time::Now;

/// How long a window takes until the next one begins, in seconds.
const WINDOW: i64 = 24 * 3600;

/// What was lost since a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Window {
    /// When it began, in seconds since the epoch.
    began: i64,
    /// The newest row then.
    mark: NodeId,
    loss: Loss,
}

/// The window that counts and the one that is to follow it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Losing {
    current: Window,
    next: Window,
}

impl Losing {
    fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.split(' ').map(str::parse::<i64>);
        let mut next = || numbers.next()?.ok();
        let mut window = || {
            let (began, mark) = (next()?, NodeId(next()?));
            let [agreed, deleted, replaced] = [next()?, next()?, next()?].map(i64::cast_unsigned);
            Some(Window { began, mark, loss: Loss { agreed, deleted, replaced } })
        };
        Some(Self { current: window()?, next: window()? })
    }

    fn text(&self) -> String {
        let window = |one: &Window| {
            let Loss { agreed, deleted, replaced } = one.loss;
            format!("{} {} {agreed} {deleted} {replaced}", one.began, one.mark.0)
        };
        format!("{} {}", window(&self.current), window(&self.next))
    }

    /// Whether what is to be deleted now is too much, with what was deleted before.
    fn holds(&self, limits: DeleteLimits, more: Loss) -> bool {
        holds_loss(limits, self.current.loss.with(more))
    }
}

/// The new files of a directory by size: what a deleted one may have been made into.
#[derive(Debug, Default)]
pub(super) struct Newcomers {
    directory: Option<NodeId>,
    sizes: Vec<u64>,
}

impl Newcomers {
    /// Takes out one that is about as large.
    fn take(&mut self, size: u64) -> bool {
        let first = self.sizes.partition_point(|new| *new < size && !is_about_the_size(size, *new));
        let is_found = self.sizes.get(first).is_some_and(|new| is_about_the_size(size, *new));
        if is_found {
            self.sizes.remove(first);
        }
        is_found
    }
}

impl Folder {
    fn losing(&self) -> Result<Option<Losing>, FolderError> {
        let Some(text) = self.index.fact(Fact::Losses)? else { return Ok(None) };
        let damaged = || IndexError::Damaged(format!("what was lost lately is {text:?}"));
        Ok(Some(Losing::parse(&text).ok_or_else(damaged)?))
    }

    fn set_losing(&mut self, losing: Losing) -> Result<(), FolderError> {
        self.index.set_mark(losing.current.mark);
        Ok(self.index.set_fact(Fact::Losses, Some(&losing.text()))?)
    }

    /// Counting begins: what counts as old is what was there when the window began.
    pub(in crate::folder) fn take_up_losses(&mut self) -> Result<(), FolderError> {
        let mark = self.losing()?.map_or(NodeId(i64::MAX), |losing| losing.current.mark);
        self.index.set_mark(mark);
        Ok(())
    }

    /// How many files were deleted lately, if to delete this much more of what was there before would be too
    /// much.
    pub(super) fn too_much_with(&self, more: Loss) -> Result<Option<u64>, FolderError> {
        let Some(losing) = self.losing()?.filter(|_| more.deleted > 0) else { return Ok(None) };
        let in_doubt = self.losses_in_doubt.values().fold(Loss::default(), |sum, loss| sum.with(*loss));
        let is_too_much = losing.holds(self.settings.delete_limits, more.with(in_doubt));
        Ok(is_too_much.then(|| losing.current.loss.with(in_doubt).deleted))
    }

    /// How many files were agreed on when the window of time began by which losses are counted.
    pub(super) fn agreed_before(&self) -> Result<u64, FolderError> {
        Ok(self.losing()?.map_or(0, |losing| losing.current.loss.agreed))
    }

    /// Whether a delete was done is not known. It counts until the row turns out to be there still.
    pub(in crate::folder) fn doubt_loss(&mut self, node: NodeId, loss: Loss) {
        if loss.deleted > 0 {
            self.losses_in_doubt.insert(node, loss);
        }
    }

    /// A row is gone on both sides: so a delete that was in doubt was done.
    pub(super) fn settle_loss(&mut self, node: NodeId) -> Result<(), FolderError> {
        match self.losses_in_doubt.remove(&node) {
            Some(loss) => self.note_loss(loss),
            None => Ok(()),
        }
    }

    /// Deletes were done. It is not counted when they are asked for: a kill would have them asked for, and
    /// counted, twice.
    pub(in crate::folder) fn note_loss(&mut self, more: Loss) -> Result<(), FolderError> {
        if more.deleted == 0 {
            return Ok(());
        }
        let Some(mut losing) = self.losing()? else { return Ok(()) };
        for window in [&mut losing.current, &mut losing.next] {
            window.loss = window.loss.with(more);
        }
        self.set_losing(losing)
    }

    /// Nothing is left to be deleted: another window may begin.
    pub(super) fn turn_losses(&mut self, now: Now) -> Result<(), FolderError> {
        let fresh = self.fresh_window(now);
        let losing = match self.losing()? {
            None => Losing { current: fresh, next: fresh },
            // A clock that was set back would make a window last.
            Some(losing) if (0..WINDOW).contains(&(fresh.began - losing.next.began)) => return Ok(()),
            Some(losing) => Losing { current: losing.next, next: fresh },
        };
        self.set_losing(losing)
    }

    /// The clock was set: the windows move along.
    pub(in crate::folder) fn shift_losses(&mut self, seconds: i64) -> Result<(), FolderError> {
        let Some(mut losing) = self.losing()? else { return Ok(()) };
        for window in [&mut losing.current, &mut losing.next] {
            window.began = window.began.saturating_add(seconds);
        }
        self.set_losing(losing)
    }

    /// A person decided: what was lost until now is meant to be, and so is what was just approved. Neither
    /// makes what is lost later look small.
    pub(super) fn forgive_losses(&mut self, now: Now) -> Result<(), FolderError> {
        let mut fresh = self.fresh_window(now);
        fresh.loss.agreed = fresh.loss.agreed.saturating_sub(self.approved_amount()?.files);
        self.set_losing(Losing { current: fresh, next: fresh })
    }

    fn fresh_window(&self, now: Now) -> Window {
        let loss = Loss { agreed: self.index.totals().base_files, deleted: 0, replaced: 0 };
        Window { began: now.wall.seconds(), mark: self.index.last_row(), loss }
    }

    /// Whether a file that is to be deleted gave way to a new one beside it.
    pub(super) fn is_replaced(
        &self,
        node: &Node,
        side: Side,
        newcomers: &mut Newcomers,
    ) -> Result<bool, FolderError> {
        let mark = self.index.mark();
        let bytes = match (side, node.local, node.remote_entry().file()) {
            (Side::Remote, _, Some(file)) => file.content.size,
            (Side::Local, Local::File { stat, .. }, _) => stat.size,
            _ => return Ok(false),
        };
        if node.id > mark || self.index.last_row() <= mark {
            return Ok(false);
        }
        if newcomers.directory != Some(node.parent) {
            newcomers.directory = Some(node.parent);
            newcomers.sizes = self.index.sizes_of_newer(node.parent, mark)?;
        }
        Ok(newcomers.take(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_written_down_as_they_are_read() {
        let window = |began, deleted| Window {
            began,
            mark: NodeId(7),
            loss: Loss { agreed: 300, deleted, replaced: 2 },
        };
        let losing = Losing { current: window(1_000, 5), next: window(-3, 0) };
        assert_eq!(Losing::parse(&losing.text()), Some(losing));
        for damaged in ["", "1 2 3 4 5", "1 2 3 4 5 6 7 8 9 x"] {
            assert_eq!(Losing::parse(damaged), None, "{damaged:?}");
        }
    }

    #[test]
    fn each_new_file_stands_for_one_that_is_gone() {
        let mut newcomers = Newcomers { directory: None, sizes: vec![10, 20, 1 << 20, 2 << 20] };
        assert!(newcomers.take(2 << 20));
        assert!(!newcomers.take(2 << 20));
        assert!(newcomers.take(1 << 20));
        assert!(newcomers.take(0) && newcomers.take(0) && !newcomers.take(0));
    }
}
