//! Paths on the service, in stored names, and how they are written into URLs (protocol 1.2, 6.1, 8.1).

use std::fmt;

use jottad_core::{DecodedName, Name, StoredName, StoredPath, decode_name, encode_name};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::error::Error;

/// Everything but what may stay raw in a path segment (protocol 8.1); `+` must go, the service reads it as a
/// space.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'$')
    .remove(b'&')
    .remove(b',')
    .remove(b':')
    .remove(b';')
    .remove(b'=')
    .remove(b'@');

/// Everything but the unreserved characters: for values of query parameters.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A place on the service: device, mountpoint and the names below it, each exactly as stored.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RemotePath {
    device: StoredName,
    mountpoint: StoredName,
    names: Vec<StoredName>,
}

impl RemotePath {
    /// The root of a mountpoint.
    pub fn new(device: StoredName, mountpoint: StoredName) -> Self {
        Self { device, mountpoint, names: Vec::new() }
    }

    /// Reads `DEVICE/MOUNTPOINT[/path]` as a user writes it; names below the mountpoint are encoded (protocol
    /// 8.3).
    ///
    /// Doubled and trailing slashes are ignored.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let refuse = |reason| Error::InvalidPath { path: text.to_owned(), reason };
        let mut components = text.split('/').filter(|component| !component.is_empty());
        let mut place = || {
            let name =
                components.next().ok_or_else(|| refuse("a remote path is DEVICE/MOUNTPOINT[/path]"))?;
            Name::check(name.as_bytes())
                .map_err(|_| refuse("a device or mountpoint cannot be called `.` or `..`"))?;
            StoredName::new(name).ok_or_else(|| refuse("a remote path is DEVICE/MOUNTPOINT[/path]"))
        };
        let mut path = Self::new(place()?, place()?);
        for component in components {
            let name = Name::try_from(component).map_err(|_| refuse("`.`, `..` and NUL are not names"))?;
            path.names.push(encode_name(&name));
        }
        Ok(path)
    }

    /// The device.
    pub fn device(&self) -> &StoredName {
        &self.device
    }

    /// The mountpoint.
    pub fn mountpoint(&self) -> &StoredName {
        &self.mountpoint
    }

    /// The names below the mountpoint, from the top down; none for the mountpoint itself.
    pub fn names(&self) -> &[StoredName] {
        &self.names
    }

    /// The last name; `None` for a mountpoint.
    pub fn name(&self) -> Option<&StoredName> {
        self.names.last()
    }

    /// The path of a name in this folder.
    pub fn join(&self, name: StoredName) -> Self {
        let mut path = self.clone();
        path.names.push(name);
        path
    }

    /// The path of something below this folder.
    pub fn below(&self, path: &StoredPath) -> Self {
        let mut joined = self.clone();
        joined.names.extend_from_slice(path.names());
        joined
    }

    /// The folder that holds this; `None` for a mountpoint.
    pub fn parent(&self) -> Option<Self> {
        let (_, above) = self.names.split_last()?;
        Some(Self { device: self.device.clone(), mountpoint: self.mountpoint.clone(), names: above.to_vec() })
    }

    /// The same place with another last name; a mountpoint stays what it is.
    pub fn with_name(&self, name: StoredName) -> Self {
        let mut path = self.clone();
        if let Some(last) = path.names.last_mut() {
            *last = name;
        }
        path
    }

    /// Whether this is `ancestor` or lies below it, letter case counting.
    pub fn starts_with(&self, ancestor: &Self) -> bool {
        self.device == ancestor.device
            && self.mountpoint == ancestor.mountpoint
            && self.names.starts_with(&ancestor.names)
    }

    /// Device, mountpoint and names in order.
    fn components(&self) -> impl Iterator<Item = &StoredName> {
        [&self.device, &self.mountpoint].into_iter().chain(&self.names)
    }

    /// The URL of this place; refused if a name would be taken for a step to another place.
    pub(crate) fn url(&self, jfs_url: &str, user: &str) -> Result<String, Error> {
        let mut url = user_url(jfs_url, user)?;
        for name in self.components() {
            push_segment(&mut url, name.as_str()).map_err(|reason| self.refused(reason))?;
        }
        Ok(url)
    }

    /// The value of `mv`, `mvDir` and `cp`: absolute with user, escaped once for a query (protocol 6.1).
    pub(crate) fn query_value(&self, user: &str) -> Result<String, Error> {
        Ok(utf8_percent_encode(&self.joined(&["", user])?, QUERY).to_string())
    }

    /// The `path` of an allocation: no user, nothing escaped (protocol 5.1).
    pub(crate) fn allocation_path(&self) -> Result<String, Error> {
        self.joined(&["", "jfs"])
    }

    fn joined(&self, head: &[&str]) -> Result<String, Error> {
        let mut text = head.join("/");
        for name in self.components() {
            check_segment(name.as_str()).map_err(|reason| self.refused(reason))?;
            text.push('/');
            text.push_str(name.as_str());
        }
        Ok(text)
    }

    fn refused(&self, reason: &'static str) -> Error {
        Error::InvalidPath { path: self.to_string(), reason }
    }
}

/// Prints the path as the user knows it: names decoded, nothing that could upset a terminal.
impl fmt::Display for RemotePath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.device, self.mountpoint)?;
        for name in &self.names {
            match decode_name(name) {
                DecodedName::Native(decoded) | DecodedName::Foreign(decoded) => {
                    write!(formatter, "/{decoded}")?;
                }
                DecodedName::Unrepresentable(_) => write!(formatter, "/{name}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for RemotePath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "\"{}/{}", self.device, self.mountpoint)?;
        self.names.iter().try_for_each(|name| write!(formatter, "/{name}"))?;
        formatter.write_str("\"")
    }
}

/// The URL of a user's document.
pub(crate) fn user_url(jfs_url: &str, user: &str) -> Result<String, Error> {
    let mut url = format!("{jfs_url}/jfs");
    push_segment(&mut url, user).map_err(|reason| Error::InvalidPath { path: user.to_owned(), reason })?;
    Ok(url)
}

/// The URL of a device's document.
pub(crate) fn device_url(jfs_url: &str, user: &str, device: &StoredName) -> Result<String, Error> {
    let mut url = user_url(jfs_url, user)?;
    push_segment(&mut url, device.as_str())
        .map_err(|reason| Error::InvalidPath { path: device.to_string(), reason })?;
    Ok(url)
}

/// Appends a slash and a segment, escaped exactly once.
pub(crate) fn push_segment(url: &mut String, segment: &str) -> Result<(), &'static str> {
    check_segment(segment)?;
    url.push('/');
    url.extend(utf8_percent_encode(segment, SEGMENT));
    Ok(())
}

/// `.` and `..` are steps in every URL, however they are escaped, so they can never be sent as names.
fn check_segment(segment: &str) -> Result<(), &'static str> {
    match segment {
        "" => Err("a name on the service is empty"),
        "." | ".." => Err("a name on the service is `.` or `..`, which no request can address"),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Number, stored name, URL segment (protocol 8.3).
    #[rustfmt::skip]
    const VECTORS: &[(u32, &str, &str)] = &[
        (1, "report.txt", "report.txt"),
        (2, "\u{ff0e}", "%EF%BC%8E"),
        (3, "\u{ff0e}\u{ff0e}", "%EF%BC%8E%EF%BC%8E"),
        (4, "...", "..."),
        (5, ".hidden", ".hidden"),
        (6, "\u{201b}\u{ff0e}", "%E2%80%9B%EF%BC%8E"),
        (7, "\u{201b}\u{ff0e}\u{201b}\u{ff0e}", "%E2%80%9B%EF%BC%8E%E2%80%9B%EF%BC%8E"),
        (8, "\u{ff0e}a", "%EF%BC%8Ea"),
        (9, "a\u{ff1a}b", "a%EF%BC%9Ab"),
        (10, "a\u{ff1f}b\u{ff0a}c", "a%EF%BC%9Fb%EF%BC%8Ac"),
        (11, "\u{ff1c}x\u{ff1e}\u{ff5c}\u{ff02}y\u{ff02}", "%EF%BC%9Cx%EF%BC%9E%EF%BD%9C%EF%BC%82y%EF%BC%82"),
        (12, "a\u{ff0f}b", "a%EF%BC%8Fb"),
        (13, "100\u{ff05}", "100%EF%BC%85"),
        (14, "a\u{ff05}20b", "a%EF%BC%8520b"),
        (15, "a+b&c=d", "a%2Bb&c=d"),
        (16, "#tag;@,$", "%23tag;@,$"),
        (17, "it's (1) [2]!", "it%27s%20%281%29%20%5B2%5D%21"),
        (18, " lead", "%20lead"),
        (19, "trail ", "trail%20"),
        (20, "trail.", "trail."),
        (21, "~x", "~x"),
        (22, "back\\slash", "back%5Cslash"),
        (23, "n\u{2400}x", "n%E2%90%80x"),
        (24, "a\u{240a}b", "a%E2%90%8Ab"),
        (25, "a\u{2409}b\u{240d}", "a%E2%90%89b%E2%90%8D"),
        (26, "\u{241f}\u{2421}", "%E2%90%9F%E2%90%A1"),
        (27, "\u{201b}\u{240a}", "%E2%80%9B%E2%90%8A"),
        (28, "\u{201b}\u{2400}", "%E2%80%9B%E2%90%80"),
        (29, "\u{201b}\u{2421}", "%E2%80%9B%E2%90%A1"),
        (30, "\u{2420}", "%E2%90%A0"),
        (31, "a\u{201b}\u{ff1a}b", "a%E2%80%9B%EF%BC%9Ab"),
        (32, "a\u{201b}\u{ff0f}b", "a%E2%80%9B%EF%BC%8Fb"),
        (33, "50\u{201b}\u{ff05}", "50%E2%80%9B%EF%BC%85"),
        (34, "\u{201b}\u{201b}", "%E2%80%9B%E2%80%9B"),
        (35, "\u{201b}\u{201b}\u{201b}\u{201b}", "%E2%80%9B%E2%80%9B%E2%80%9B%E2%80%9B"),
        (36, "\u{201b}\u{201b}FF", "%E2%80%9B%E2%80%9BFF"),
        (37, "a\u{201b}\u{201b}\u{201b}\u{ff1a}", "a%E2%80%9B%E2%80%9B%E2%80%9B%EF%BC%9A"),
        (38, "\u{201b}\u{201b}\u{ff0e}", "%E2%80%9B%E2%80%9B%EF%BC%8E"),
        (39, "\u{201b}FF", "%E2%80%9BFF"),
        (40, "a\u{201b}BF\u{201b}FEb", "a%E2%80%9BBF%E2%80%9BFEb"),
        (41, "\u{201b}C3(", "%E2%80%9BC3%28"),
        (42, "\u{201b}E2\u{201b}82", "%E2%80%9BE2%E2%80%9B82"),
        (43, "\u{201b}ED\u{201b}A0\u{201b}80", "%E2%80%9BED%E2%80%9BA0%E2%80%9B80"),
        (44, "\u{201b}C0\u{201b}AF", "%E2%80%9BC0%E2%80%9BAF"),
        (45, "\u{fffd}", "%EF%BF%BD"),
        (46, "\u{e6}\u{f8}\u{e5} \u{3a9}", "%C3%A6%C3%B8%C3%A5%20%CE%A9"),
        (47, "e\u{301}", "e%CC%81"),
        (48, "\u{1f600}", "%F0%9F%98%80"),
        (49, "\u{ff03}\u{ff06}", "%EF%BC%83%EF%BC%86"),
        // Names that another program stored raw (protocol 8.5).
        (50, "a%20b", "a%2520b"),
        (51, "a:b?c*", "a:b%3Fc%2A"),
        (52, "%2e%2e", "%252e%252e"),
    ];

    fn stored(text: &str) -> StoredName {
        StoredName::new(text).unwrap()
    }

    fn path(text: &str) -> RemotePath {
        RemotePath::parse(text).unwrap()
    }

    #[test]
    fn every_vector_is_escaped_once_and_survives_the_url_parser() {
        for (number, name, segment) in VECTORS {
            let url = path("Jotta/Archive").join(stored(name)).url("https://jfs.example.net", "u7").unwrap();
            assert_eq!(url, format!("https://jfs.example.net/jfs/u7/Jotta/Archive/{segment}"), "{number}");
            assert_eq!(reqwest::Url::parse(&url).unwrap().as_str(), url, "{number}");
        }
    }

    #[test]
    fn the_three_ways_to_name_a_place() {
        let place = path("My PC/Set 1").join(stored("a+b & c"));
        assert_eq!(place.url("https://h", "u").unwrap(), "https://h/jfs/u/My%20PC/Set%201/a%2Bb%20&%20c");
        assert_eq!(place.query_value("u").unwrap(), "%2Fu%2FMy%20PC%2FSet%201%2Fa%2Bb%20%26%20c");
        assert_eq!(place.allocation_path().unwrap(), "/jfs/My PC/Set 1/a+b & c");
    }

    #[test]
    fn no_name_can_climb() {
        for name in [".", ".."] {
            let place = path("Jotta/Archive").join(stored(name));
            assert!(place.url("https://h", "u").is_err());
            assert!(place.query_value("u").is_err());
            assert!(place.allocation_path().is_err());
        }
        assert!(user_url("https://h", "..").is_err());
    }

    #[test]
    fn paths_are_read_as_users_write_them() {
        let place = path("Jotta/Archive//a:b/ c/");
        assert_eq!(place.names(), [stored("a：b"), stored(" c")]);
        assert_eq!(place.to_string(), "Jotta/Archive/a:b/ c");
        assert_eq!(place.parent(), Some(path("Jotta/Archive/a:b")));
        assert_eq!(path("Jotta/Archive").parent(), None);
        for text in ["", "Jotta", "/", "Jotta/..", "./Archive", "Jotta/Archive/../x", "Jotta/Archive/a\0"] {
            assert!(RemotePath::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn what_is_printed_cannot_upset_a_terminal() {
        let place = path("Jotta/Archive").join(stored("␛[31m"));
        assert_eq!(place.to_string(), "Jotta/Archive/$'\\x1b[31m'");
    }

    proptest! {
        #[test]
        fn any_name_comes_back_from_its_url(name in "[^/]{1,12}") {
            let stored = StoredName::new(name.as_str()).unwrap();
            if let Ok(url) = path("Jotta/Archive").join(stored).url("https://h.example", "u") {
                let parsed = reqwest::Url::parse(&url).unwrap();
                prop_assert_eq!(parsed.path_segments().unwrap().count(), 5);
                let last = parsed.path_segments().unwrap().next_back().unwrap().to_owned();
                prop_assert!(!last.contains('+'));
                let decoded = percent_encoding::percent_decode_str(&last).decode_utf8().unwrap().into_owned();
                prop_assert_eq!(decoded, name);
            } else {
                prop_assert!(name == "." || name == "..");
            }
        }
    }

    #[test]
    fn a_path_lies_below_itself_and_those_above_it_and_no_others() {
        let path = |text: &str| RemotePath::parse(text).unwrap();
        let below = path("Jotta/Archive/a/b");
        for (above, expected) in [
            ("Jotta/Archive", true),
            ("Jotta/Archive/a", true),
            ("Jotta/Archive/a/b", true),
            ("Jotta/Archive/a/b/c", false),
            ("Jotta/Archive/b", false),
            ("Jotta/Archive/A", false),
            ("Jotta/Sync/a", false),
            ("laptop/Archive/a", false),
        ] {
            assert_eq!(below.starts_with(&path(above)), expected, "{above}");
        }
    }

    #[test]
    fn a_segment_that_no_request_can_address_is_refused() {
        for (segment, reason) in [("", "is empty"), (".", "no request can address"), ("..", "no request")] {
            let mut url = "x".to_owned();
            assert!(push_segment(&mut url, segment).unwrap_err().contains(reason), "{segment:?}");
            assert_eq!(url, "x");
        }
    }
}
