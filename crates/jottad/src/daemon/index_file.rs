//! Where the index of a folder is, and forgetting what it knows.

use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::{fs, io};

use sha2::{Digest as _, Sha256};

use crate::account::KnownAccount;
use crate::cli::failure::Failure;
use crate::config::Folder;
use crate::places::Places;

/// The files of an index: itself, what `SQLite` keeps beside it, and how it was left.
const ENDINGS: [&str; 4] = ["", "-wal", "-shm", ".left"];

/// Where the index of a folder is. It belongs to exactly one account, local and remote root: with another one
/// the base would be wrong, and what it lacks would look deleted. The mode and the name may change.
pub(crate) fn index_file(folder: &Folder, places: &Places, username: &str) -> PathBuf {
    let mut hash = Sha256::new();
    let remote = format!("{:?}", folder.remote);
    for part in [username.as_bytes(), folder.local.as_os_str().as_bytes(), remote.as_bytes()] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let hash = hash.finalize();
    let mut name = String::with_capacity(24);
    for byte in hash.iter().take(12) {
        // Writing to a string never fails.
        let _ = write!(name, "{byte:02x}");
    }
    places.indexes().join(format!("{name}.sqlite"))
}

/// Forgets what was known of a folder that begins anew or is not kept in step any more. What went from either
/// side while nobody kept them in step was not deleted: the next comparison brings both sides together.
pub(crate) fn forget_index(folder: &Folder, places: &Places) -> Result<(), Failure> {
    let Some(owner) = KnownAccount::owner(places) else { return Ok(()) };
    let file = index_file(folder, places, &owner.username);
    for ending in ENDINGS {
        let mut name = file.as_os_str().to_owned();
        name.push(ending);
        remove(Path::new(&name))?;
    }
    Ok(())
}

fn remove(file: &Path) -> Result<(), Failure> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Failure::failed(format!(
            "forgetting what was known of the folder: {}: {error}",
            file.display()
        ))
        .path(file.display().to_string())
        .hint("remove the file, then do it again")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn folder(text: &str) -> (Folder, Places) {
        let places =
            Places { home: "/home/kari".into(), config_file: "/c".into(), state_dir: "/state".into() };
        (Config::parse(text, &places).unwrap().folders.remove(0), places)
    }

    #[test]
    fn an_index_belongs_to_one_account_and_one_pair_of_roots() {
        let text = "[[folder]]\nname = \"docs\"\nlocal = \"/srv/docs\"\nremote = \"Jotta/Archive/docs\"\n";
        let of = |text: &str, username: &str| {
            let (folder, places) = folder(text);
            index_file(&folder, &places, username)
        };
        let file = of(text, "u1");
        assert!(file.starts_with("/state/index"));
        let renamed = text.replace("\"docs\"", "\"papers\"").replace("remote", "mode = \"sync\"\nremote");
        assert_eq!(of(&renamed, "u1"), file);
        let others = [
            of(text, "u2"),
            of(&text.replace("/srv/docs", "/srv/doc"), "u1"),
            of(&text.replace("Archive/docs", "Archive/doc"), "u1"),
        ];
        assert!(others.iter().all(|other| *other != file));
    }
}
