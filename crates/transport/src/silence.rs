//! For how long the service has owed an answer: for somebody who waits, and is to be told.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// What is being asked, and since when nothing has come. Clones see the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Silence(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    next: u64,
    /// What is being asked, oldest first.
    open: BTreeMap<u64, String>,
    /// Since when nothing has come although something was asked; new tries do not end that.
    since: Option<Instant>,
}

/// Something that was asked and has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unanswered {
    /// What is being done, and on what.
    pub action: String,
    /// For so long nothing has come, whatever was asked.
    pub quiet: Duration,
}

/// A question for as long as it is open.
#[derive(Debug)]
pub(crate) struct Question {
    silence: Silence,
    number: u64,
}

impl Silence {
    /// Something is asked, until the question is dropped.
    pub(crate) fn ask(&self, action: &str) -> Question {
        let mut state = self.lock();
        let number = state.next;
        state.next += 1;
        state.open.insert(number, action.to_owned());
        state.since.get_or_insert_with(Instant::now);
        Question { silence: self.clone(), number }
    }

    /// What has had no answer for the longest.
    pub(crate) fn unanswered(&self) -> Option<Unanswered> {
        let state = self.lock();
        let (_, action) = state.open.first_key_value()?;
        Some(Unanswered { action: action.clone(), quiet: state.since?.elapsed() })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Question {
    /// The service said something.
    pub(crate) fn answered(self) {
        let mut state = self.silence.lock();
        state.open.remove(&self.number);
        state.since = (!state.open.is_empty()).then(Instant::now);
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        self.silence.lock().open.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn silence_lasts_from_the_first_question_to_an_answer_whatever_is_tried_again() {
        let silence = Silence::default();
        let after = async |seconds| {
            tokio::time::advance(Duration::from_secs(seconds)).await;
            silence.unanswered().map(|found| (found.action, found.quiet.as_secs()))
        };
        assert_eq!(after(5).await, None);
        let first = silence.ask("one");
        assert_eq!(after(5).await, Some(("one".to_owned(), 5)));
        // It has failed, and is tried again a little later.
        drop(first);
        assert_eq!(after(1).await, None);
        let again = silence.ask("one");
        let second = silence.ask("two");
        assert_eq!(after(4).await, Some(("one".to_owned(), 10)));
        again.answered();
        assert_eq!(after(3).await, Some(("two".to_owned(), 3)));
        second.answered();
        let _third = silence.ask("three");
        assert_eq!(after(2).await, Some(("three".to_owned(), 2)));
    }
}
