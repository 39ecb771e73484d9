//! File contents: every number stands for one content, so that it can be followed wherever it goes.

use std::fmt;
use std::sync::Arc;

use jottad_core::{Content, Md5};
use md5::Digest as _;

/// One content. Texts with different numbers differ; number 0 is the empty file.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Text {
    bytes: Arc<[u8]>,
    content: Content,
}

impl Text {
    /// The content with this number. Most have the same size, so that a size alone tells nothing.
    pub(crate) fn numbered(number: u32) -> Self {
        let text = match number {
            0 => String::new(),
            _ if number.is_multiple_of(5) => format!("{number:06}, and some more to read in pieces"),
            _ => format!("{number:06}"),
        };
        Self::of(text.into_bytes())
    }

    /// Any bytes.
    pub(crate) fn of(bytes: Vec<u8>) -> Self {
        let md5 = Md5::from_bytes(md5::Md5::digest(&bytes).into());
        let content = Content { size: bytes.len() as u64, md5 };
        Self { bytes: bytes.into(), content }
    }

    /// What it holds.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Its size and hash.
    pub(crate) fn content(&self) -> Content {
        self.content
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}", String::from_utf8_lossy(&self.bytes))
    }
}
