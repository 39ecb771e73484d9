//! Everything that reads bytes from outside, as one function each: any bytes may go in, nothing may panic,
//! and what is promised of the result must hold.
//!
//! `cargo fuzz run --fuzz-dir crates/fuzz --features libfuzzer TARGET` searches for as long as one likes,
//! with a nightly compiler. `cargo test -p jottad-fuzz` feeds the same functions for some seconds with the
//! corpus and what comes of changing it, on any compiler.

use jottad_core::{DecodedName, Name, StoredName, decode_name, encode_name};
use jottad_transport::{LoginToken, RemotePath, ServerFault, StreamedEntry};

/// A target: its name, which is that of its corpus too, and what it does.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: &[Target] = &[
    ("documents", documents),
    ("list_stream", list_stream),
    ("names", names),
    ("config", config),
    ("login_token", login_token),
    ("fault", fault),
];

/// Every kind of XML document (protocol 3, 4, 9).
pub fn documents(bytes: &[u8]) {
    jottad_transport::fuzzing::documents(bytes);
}

/// A recursive listing (protocol 4.4). One that is taken for complete holds only names that are names. What
/// is read of it without a tree of elements is what the tree gives.
pub fn list_stream(bytes: &[u8]) {
    let Ok(folder) = RemotePath::parse("Jotta/Archive/docs") else { return };
    let listed = jottad_transport::fuzzing::list_stream(bytes, &folder);
    assert_eq!(listed, jottad_transport::fuzzing::list_stream_of_trees(bytes, &folder));
    for entry in listed.unwrap_or_default() {
        let (StreamedEntry::Folder(path) | StreamedEntry::File { path, .. }) = entry else { continue };
        assert!(path.names().iter().all(|name| !name.as_str().is_empty() && !name.as_str().contains('/')));
    }
}

/// The encoding of names (protocol 8.3): what was encoded comes back, and what is decoded is a name.
pub fn names(bytes: &[u8]) {
    if let Ok(name) = Name::new(bytes) {
        let stored = encode_name(&name);
        assert!(!stored.as_str().contains(['/', '\0']) && stored.as_str() != "." && stored.as_str() != "..");
        match decode_name(&stored) {
            DecodedName::Native(decoded) => assert_eq!(decoded, name),
            other => panic!("{name:?} is stored as {stored:?} and read as {other:?}"),
        }
    }
    let Some(stored) = StoredName::new(String::from_utf8_lossy(bytes)) else { return };
    match decode_name(&stored) {
        DecodedName::Native(name) => assert_eq!(encode_name(&name), stored),
        DecodedName::Foreign(name) => assert_ne!(encode_name(&name), stored),
        DecodedName::Unrepresentable(_) => {}
    }
}

/// The config file.
pub fn config(bytes: &[u8]) {
    if let Err(message) = jottad::fuzzing::config(&String::from_utf8_lossy(bytes)) {
        assert!(!message.is_empty());
    }
}

/// The text that is pasted to log in, and remote paths as users write them.
pub fn login_token(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(token) = LoginToken::parse(&text) {
        assert!(!token.username.is_empty());
    }
    if let Ok(path) = RemotePath::parse(&text) {
        assert_eq!(path.to_string().chars().filter(|letter| letter.is_control()).count(), 0);
    }
}

/// The body of an error (protocol 7): whatever it is, what is shown of it is short and harmless.
pub fn fault(bytes: &[u8]) {
    let fault = ServerFault::parse(500, bytes);
    let shown = fault.to_string();
    assert!(shown.len() < 4096 && !shown.chars().any(char::is_control), "{shown:?}");
}
