//! Reading the `.jottaignore` of a directory: the rules in it, or why it cannot be read as rules.
//!
//! What would keep entries from being sent must be known before they are. So whatever has the name of the
//! file and is no rules is an error, which leaves the whole directory alone; only a file that is not there
//! means that there are no rules.

use std::io;

use jottad_core::{Name, RelativePath};

use crate::disk::{Disk, DiskEntry, DiskError, DiskErrorKind, DiskNode, FileStat, OtherKind};
use crate::event::{LinkedRules, RulesFile};
use crate::ignore_rules::{IGNORE_FILE, LARGEST_IGNORE_FILE};

const ACTION: &str = "reading";

/// Reads the rules that a directory has for what is below it; `None` if there are none.
pub(crate) async fn read_rules<D: Disk>(
    disk: &D,
    directory: &RelativePath,
    entries: &[DiskEntry],
) -> Result<Option<RulesFile>, DiskError> {
    let Some(entry) = entries.iter().find(|entry| entry.name.as_bytes() == IGNORE_FILE) else {
        return Ok(None);
    };
    let path = directory.join(&entry.name);
    let read = match entry.node {
        DiskNode::File(stat) => {
            read_file(disk, &path, &stat).await.map(|content| RulesFile { content, linked: None })
        }
        DiskNode::Directory(_) => Err(no_rules("it is a directory".to_owned())),
        DiskNode::Other(OtherKind::Symlink) => read_linked(disk, directory, &path).await,
        DiskNode::Other(kind) => Err(no_rules(format!("it is a {kind}"))),
    };
    read.map(Some).map_err(|kind| DiskError { action: ACTION, path, kind })
}

/// Reads what a link leads to, which must be a file in the folder: links are followed nowhere else.
async fn read_linked<D: Disk>(
    disk: &D,
    directory: &RelativePath,
    link: &RelativePath,
) -> Result<RulesFile, DiskErrorKind> {
    let target = disk.link_target(link).await.map_err(vanished)?;
    let shown = String::from_utf8_lossy(&target).into_owned();
    let Some(path) = resolve(directory, &target) else {
        return Err(no_rules(format!("it is a link to {shown}, which is not inside the folder")));
    };
    let stat = match disk.stat(&path).await {
        Ok(Some(DiskNode::File(stat))) => stat,
        Ok(Some(DiskNode::Directory(_))) => {
            return Err(no_rules(format!("it is a link to {shown}, which is a directory")));
        }
        Ok(Some(DiskNode::Other(kind))) => {
            return Err(no_rules(format!("it is a link to {shown}, which is a {kind}")));
        }
        Ok(None) => return Err(no_rules(format!("it is a link to {shown}, where nothing is"))),
        Err(error) if matches!(error.kind, DiskErrorKind::Changed) => {
            return Err(no_rules(format!("it is a link to {shown}, which leads through another link")));
        }
        Err(error) => return Err(of_target(&shown, error.kind)),
    };
    let read = read_file(disk, &path, &stat).await.map_err(|kind| of_target(&shown, kind))?;
    Ok(RulesFile { content: read, linked: Some(LinkedRules { path, stat }) })
}

async fn read_file<D: Disk>(
    disk: &D,
    path: &RelativePath,
    stat: &FileStat,
) -> Result<Vec<u8>, DiskErrorKind> {
    if stat.size > LARGEST_IGNORE_FILE {
        return Err(no_rules(format!(
            "it has {} bytes, and rules may have {LARGEST_IGNORE_FILE}",
            stat.size
        )));
    }
    disk.read(path, stat).await.map_err(vanished)
}

/// Where a link in a directory leads, if that is inside the folder. Directories on the way are no links, so
/// two dots lead to the directory above; after a name they might not, because that name may be a link.
fn resolve(directory: &RelativePath, target: &[u8]) -> Option<RelativePath> {
    if target.starts_with(b"/") {
        return None;
    }
    let mut path = directory.clone();
    let mut went_down = false;
    for part in target.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." if went_down => return None,
            b".." => path = path.parent()?,
            name => {
                path = path.join(&Name::new(name).ok()?);
                went_down = true;
            }
        }
    }
    went_down.then_some(path)
}

/// It was there when the directory was listed.
fn vanished(error: DiskError) -> DiskErrorKind {
    match error.kind {
        DiskErrorKind::NotFound => DiskErrorKind::Changed,
        kind => kind,
    }
}

/// What is about the target and not about the moment is told of the link.
fn of_target(shown: &str, kind: DiskErrorKind) -> DiskErrorKind {
    match kind {
        DiskErrorKind::PermissionDenied | DiskErrorKind::Other(_) => {
            no_rules(format!("it is a link to {shown}: {kind}"))
        }
        kind => kind,
    }
}

fn no_rules(reason: String) -> DiskErrorKind {
    DiskErrorKind::Other(io::Error::other(reason))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    use std::path::Path;

    use super::*;
    use crate::local_disk::LocalDisk;

    /// Reads the rules of `d` after something was put there.
    fn rules_after(make: impl Fn(&Path)) -> Result<Option<RulesFile>, String> {
        let place = tempfile::tempdir().unwrap();
        let root = place.path().join("root");
        fs::create_dir_all(root.join("d/e")).unwrap();
        fs::create_dir_all(root.join(".jottad")).unwrap();
        fs::write(root.join("rules"), "*.top\n").unwrap();
        fs::write(root.join("d/e/rules"), "*.below\n").unwrap();
        fs::write(root.join(".jottad/rules"), "*.own\n").unwrap();
        fs::write(root.join("large"), "x".repeat(65 * 1024)).unwrap();
        fs::write(place.path().join("rules"), "*.outside\n").unwrap();
        symlink("rules", root.join("second")).unwrap();
        symlink("d", root.join("linked")).unwrap();
        make(&root);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let disk = LocalDisk::open(root).unwrap();
        let directory = RelativePath::try_from("d").unwrap();
        runtime.block_on(async {
            let listing = disk.list(&directory).await.unwrap();
            read_rules(&disk, &directory, &listing.entries).await.map_err(|error| error.to_string())
        })
    }

    #[test]
    fn what_has_the_name_and_is_no_rules_is_an_error() {
        let linked =
            |target: &'static str| move |root: &Path| symlink(target, root.join("d/.jottaignore")).unwrap();
        let reason = |result: Result<Option<RulesFile>, String>| result.unwrap_err();
        for (target, expected) in [
            ("../../rules", "it is a link to ../../rules, which is not inside the folder"),
            ("/etc/passwd", "it is a link to /etc/passwd, which is not inside the folder"),
            ("..", "it is a link to .., which is not inside the folder"),
            ("e/../e/rules", "it is a link to e/../e/rules, which is not inside the folder"),
            ("nowhere", "it is a link to nowhere, where nothing is"),
            ("e", "it is a link to e, which is a directory"),
            ("../second", "it is a link to ../second, which is a symbolic link"),
            ("../linked/e/rules", "it is a link to ../linked/e/rules, which leads through another link"),
            ("../.jottad/rules", "it is a link to ../.jottad/rules, where nothing is"),
            (".jottaignore", "it is a link to .jottaignore, which is a symbolic link"),
            ("../large", "it is a link to ../large: it has 66560 bytes, and rules may have 65536"),
        ] {
            assert_eq!(reason(rules_after(linked(target))), format!("reading d/.jottaignore: {expected}"));
        }
        let directory = rules_after(|root| fs::create_dir(root.join("d/.jottaignore")).unwrap());
        assert_eq!(reason(directory), "reading d/.jottaignore: it is a directory");
        let pipe = rules_after(|root| {
            let made = std::process::Command::new("mkfifo").arg(root.join("d/.jottaignore")).status();
            assert!(made.unwrap().success());
        });
        assert_eq!(reason(pipe), "reading d/.jottaignore: it is a named pipe");
        let large = rules_after(|root| {
            fs::copy(root.join("large"), root.join("d/.jottaignore")).unwrap();
        });
        assert_eq!(reason(large), "reading d/.jottaignore: it has 66560 bytes, and rules may have 65536");
        if !rustix::process::geteuid().is_root() {
            let locked = rules_after(|root| {
                fs::write(root.join("d/.jottaignore"), "*").unwrap();
                fs::set_permissions(root.join("d/.jottaignore"), fs::Permissions::from_mode(0o000)).unwrap();
            });
            assert_eq!(reason(locked), "reading d/.jottaignore: permission denied");
        }
    }

    #[test]
    fn rules_are_read_from_the_file_or_from_one_in_the_folder_that_it_is_a_link_to() {
        let content = |make: fn(&Path)| {
            let rules = rules_after(make).unwrap()?;
            Some((rules.content, rules.linked.map(|linked| linked.path.to_string())))
        };
        assert_eq!(content(|_| {}), None);
        let own = content(|root| fs::write(root.join("d/.jottaignore"), "*.o").unwrap());
        assert_eq!(own, Some((b"*.o".to_vec(), None)));
        let above = content(|root| symlink("../rules", root.join("d/.jottaignore")).unwrap());
        assert_eq!(above, Some((b"*.top\n".to_vec(), Some("rules".to_owned()))));
        let below = content(|root| symlink("./e//rules", root.join("d/.jottaignore")).unwrap());
        assert_eq!(below, Some((b"*.below\n".to_vec(), Some("d/e/rules".to_owned()))));
    }
}
