//! What a question brought to light.

/// The outcome of asking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Finding {
    /// One of the answers that were thought of.
    Answer {
        /// Its name.
        answer: &'static str,
        /// What was seen.
        seen: String,
    },
    /// None of them: what was seen instead.
    Other(String),
    /// It could not be found out here, and why not.
    NotTold(String),
}

impl Finding {
    /// One of the answers, with what was seen.
    pub(crate) fn answer(answer: &'static str, seen: impl Into<String>) -> Self {
        Self::Answer { answer, seen: seen.into() }
    }

    /// Something else was seen.
    pub(crate) fn other(seen: impl Into<String>) -> Self {
        Self::Other(seen.into())
    }

    /// It cannot be told.
    pub(crate) fn not_told(reason: impl Into<String>) -> Self {
        Self::NotTold(reason.into())
    }
}
