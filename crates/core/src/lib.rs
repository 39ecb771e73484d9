//! The pure heart of jottad: paths, names, entries, the three trees, reconcile and the safety predicates.
//!
//! Nothing here does I/O, waits, reads a clock or draws a random number, so everything here can be tested
//! exhaustively in microseconds. The other crates bring observations in and carry decisions out.

mod concurrency;
mod conflict;
mod content;
mod entry;
mod fold;
mod guard;
mod in_words;

mod mode;
pub mod moves;
mod name;
mod operation;
mod path;
mod reconcile;
mod shell;
pub mod staleness;
mod stored_name;
mod stored_path;

pub use concurrency::{Began, Concurrency, Ending, Parallel};
pub use conflict::{conflict_name, is_conflict_copy, is_conflict_name};
pub use content::{Content, Md5, ParseMd5Error, Timestamp};
pub use entry::{Entry, File, Kind, Side, Trees};
pub use fold::FoldKey;
pub use guard::{
    DeleteLimits, Loss, holds_deletes, holds_loss, holds_overwrites, holds_rewrites, is_about_the_size,
    is_written_once, root_suddenly_empty,
};
pub use in_words::in_words;
pub use mode::{Mode, ParseModeError};
pub use name::{Name, NameError};
pub use operation::{Operation, OperationKind};
pub use path::{PathError, RelativePath};
pub use reconcile::{Action, Decision, reconcile};
pub use shell::{is_deceiving, plain_text, shell_word, shown_path, shown_text};
pub use stored_name::{DecodedName, StoredName, decode_name, encode_name};
pub use stored_path::{DEEPEST, StoredPath};
