//! The control API as who asks knows it: its documents, how it is asked, and what its answers mean.

pub(crate) mod answering;
pub(crate) mod documents;
pub(crate) mod exchange;
pub(crate) mod proven;
pub(crate) mod verdict;
pub(crate) mod waiting;
