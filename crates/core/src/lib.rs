//! The pure heart of jottad: paths, names, entries, the three trees, reconcile and the safety predicates.
//!
//! Nothing here does I/O, waits, reads a clock or draws a random number, so everything here can be tested
//! exhaustively in microseconds. The other crates bring observations in and carry decisions out.

mod content;
mod name;
mod path;
mod stored_name;

pub use content::{Content, Md5, ParseMd5Error, Timestamp};
pub use name::{Name, NameError};
pub use path::{PathError, RelativePath};
pub use stored_name::{DecodedName, StoredName, decode_name, encode_name};
