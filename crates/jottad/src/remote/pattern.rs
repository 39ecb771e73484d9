//! Patterns in places of the service, as shells know them: `*`, `?` and `[…]` in a name. A quoted one reaches
//! this program, and no shell knows what the service has.

use glob::Pattern;
use jottad_core::{StoredName, encode_name, shell_word};
use jottad_transport::{Client, ErrorKind, FolderListing, RemotePath, Sighting};

use crate::cli::failure::Failure;
use crate::remote::place::{absent, local_name, place_argument};

const SPECIAL: [char; 3] = ['*', '?', '['];

/// What is said where a pattern matches nothing because the command takes none.
pub(crate) const NO_PATTERN: &str = "no pattern is taken here: name one place at a time";

/// Whether a text holds a pattern.
pub(crate) fn is_pattern(text: &str) -> bool {
    text.contains(SPECIAL)
}

/// Something on the service that was named, as it was seen.
pub(crate) struct Found {
    pub(crate) place: RemotePath,
    pub(crate) seen: Sighting,
}

/// What a text names.
pub(crate) enum Named {
    /// The place as it is written.
    Place(Found),
    /// What a pattern matches; never nothing.
    Matches(Vec<Found>),
}

impl Named {
    /// All of it.
    pub(crate) fn into_all(self) -> Vec<Found> {
        match self {
            Self::Place(found) => vec![found],
            Self::Matches(all) => all,
        }
    }
}

/// Looks at what a text names; `action` is what is to be done with it. A name may hold what elsewhere is a
/// pattern: what is there as it is written is meant.
pub(crate) async fn named(client: &Client, action: &str, text: &str) -> Result<Named, Failure> {
    match place_argument(text) {
        Ok(place) => {
            let seen = client.look(&place).await?;
            if !is_pattern(text) || !matches!(seen, Sighting::Missing) {
                return Ok(Named::Place(Found { place, seen }));
            }
        }
        Err(failure) if !is_pattern(text) => return Err(failure),
        Err(_) => {}
    }
    let mut all = Vec::new();
    for place in matching(client, action, text).await? {
        let seen = client.look(&place).await?;
        all.push(Found { place, seen });
    }
    Ok(Named::Matches(all))
}

/// The live places that a pattern matches, sorted; it is an error if there are none.
async fn matching(client: &Client, action: &str, text: &str) -> Result<Vec<RemotePath>, Failure> {
    let parts: Vec<&str> = text.split('/').filter(|part| !part.is_empty()).collect();
    let plain = parts.iter().take_while(|part| !is_pattern(part)).count();
    if plain < 2 {
        return Err(Failure::usage(format!("{text}: a pattern stands behind the device and the mountpoint"))
            .path(text)
            .hint("for example 'Jotta/Archive/Photos/*.jpg'"));
    }
    let base = place_argument(&parts[..plain].join("/"))?;
    let mut places = vec![base.clone()];
    for (number, part) in parts.iter().enumerate().skip(plain) {
        let mut found = Vec::new();
        for place in &places {
            let listing = match client.folder(place).await {
                Ok(listing) => listing.filter(FolderListing::is_live),
                // There is nothing below a file.
                Err(error) if error.kind() == ErrorKind::Conflict => None,
                Err(error) => return Err(error.into()),
            };
            let Some(listing) = listing else { continue };
            let mut names: Vec<StoredName> =
                listing.folders.into_iter().filter(|it| it.trashed.is_none()).map(|it| it.name).collect();
            if number + 1 == parts.len() {
                let files = listing.files.into_iter().filter(|file| file.live().is_some());
                names.extend(files.map(|file| file.name));
            }
            names.retain(|name| matches_name(part, name));
            found.extend(names.into_iter().map(|name| place.join(name)));
        }
        places = found;
    }
    places.sort_by_key(ToString::to_string);
    if places.is_empty() {
        let hint = format!(
            "a shell leaves a pattern alone in quotes; see what is there: jottad ls {}",
            shell_word(&base)
        );
        return Err(absent(action, &base, &format!("nothing there matches {:?}", parts[plain..].join("/")))
            .hint(hint));
    }
    Ok(places)
}

/// Whether the name matches as it is known locally.
fn matches_name(part: &str, stored: &StoredName) -> bool {
    if !is_pattern(part) {
        // What a person types and what the service has may be spelled in other Unicode forms.
        return jottad_core::Name::new(part.as_bytes().to_vec())
            .is_ok_and(|typed| encode_name(&typed) == *stored);
    }
    let Ok(name) = local_name(stored) else { return false };
    let name = String::from_utf8_lossy(name.as_bytes());
    // As for shells, a dot at the beginning is only matched by a dot.
    (!name.starts_with('.') || part.starts_with('.')) && compile(part).matches(&name)
}

/// Reads one part of a pattern as shells do.
fn compile(part: &str) -> Pattern {
    // Within one name two stars are one; the library has them lead through directories.
    let mut part = part.replace("[^", "[!");
    while part.contains("**") {
        part = part.replace("**", "*");
    }
    // A bracket that is never closed stands for itself.
    let literal = |_| Pattern::new(&part.replace('[', "[[]"));
    Pattern::new(&part).or_else(literal).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_those_of_shells() {
        for (pattern, yes, no) in [
            ("*.jpg", &["a.jpg", "ø.jpg"][..], &["a.jpg.txt", ".jpg", "a.JPG"][..]),
            (".*", &[".a"], &["a"]),
            ("a*b*c", &["abc", "axbxbxc"], &["abcd", "acb"]),
            ("?.txt", &["1.txt", "å.txt"], &["12.txt", ".txt"]),
            ("[a-c1].x", &["b.x", "1.x"], &["d.x", "-.x"]),
            ("[!a-c]x", &["dx"], &["ax", "x"]),
            ("[^a-c]x", &["dx"], &["ax", "x"]),
            ("[æøå]*", &["øl", "å"], &["o", "l"]),
            ("[c-a]x", &[], &["ax", "bx"]),
            ("[]]x", &["]x"], &["x"]),
            ("a[", &["a["], &["a"]),
            ("a[b*", &["a[b", "a[bc"], &["ab"]),
            ("{a,b}*", &["{a,b}c"], &["a", "b"]),
            ("a\\*", &["a\\b"], &["a*"]),
            ("a***b", &["ab", "axyb"], &["a"]),
            ("*", &["a", "a b"], &[".a"]),
            ("**", &["a"], &[]),
        ] {
            let stored = |name: &str| encode_name(&jottad_core::Name::try_from(name).unwrap());
            for name in yes {
                assert!(matches_name(pattern, &stored(name)), "{pattern} {name}");
            }
            for name in no {
                assert!(!matches_name(pattern, &stored(name)), "{pattern} {name}");
            }
        }
    }
}
