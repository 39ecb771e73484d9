//! One component of a local path.

use std::fmt;

/// The name of an entry in its directory: any bytes but `/` and NUL, and never empty, `.` or `..`.
///
/// Local names need not be UTF-8; ordering is by bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Box<[u8]>);

/// Why some bytes cannot be a local name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// No bytes at all.
    #[error("the name is empty")]
    Empty,
    /// `.` or `..`, which would leave the directory.
    #[error("the name is a reference to a directory, not a name in one")]
    Reference,
    /// Contains a slash.
    #[error("the name contains a slash")]
    Slash,
    /// Contains a NUL byte.
    #[error("the name contains a NUL byte")]
    Nul,
}

impl Name {
    /// Checks the bytes.
    pub fn new(bytes: impl Into<Box<[u8]>>) -> Result<Self, NameError> {
        let bytes = bytes.into();
        Self::check(&bytes)?;
        Ok(Self(bytes))
    }

    /// Tells whether the bytes can be a local name.
    pub fn check(bytes: &[u8]) -> Result<(), NameError> {
        match bytes {
            [] => Err(NameError::Empty),
            b"." | b".." => Err(NameError::Reference),
            _ if bytes.contains(&b'/') => Err(NameError::Slash),
            _ if bytes.contains(&0) => Err(NameError::Nul),
            _ => Ok(()),
        }
    }

    /// The bytes as the file system has them.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl TryFrom<&str> for Name {
    type Error = NameError;

    fn try_from(text: &str) -> Result<Self, NameError> {
        Self::new(text.as_bytes())
    }
}

/// Prints the name for people: control characters and bytes that are not UTF-8 are escaped.
impl fmt::Display for Name {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::shell::write_name(formatter, &self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "\"{self}\"")
    }
}
