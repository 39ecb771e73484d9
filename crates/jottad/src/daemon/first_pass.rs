//! A folder before its first pass: what `why` can say of a path then. Nothing was compared, so that follows
//! from the rules, the mode and what is on the disk.

use jottad_core::{Mode, RelativePath};
use jottad_engine::{Explanation, FolderHandle, FolderSettings};

use crate::account::KnownAccount;
use crate::cli::failure::Failure;
use crate::cli::output::now;
use crate::config::Folder;
use crate::daemon::whereabouts::Found;
use crate::places::Places;
use crate::service::first_pass_command;

/// What the first pass of a folder will do.
#[derive(Debug, Clone)]
pub(crate) struct FirstPass {
    mode: Mode,
    /// Where the path is on the service.
    there: String,
    max_size: Option<u64>,
    /// What has it made.
    begin: String,
}

impl FirstPass {
    /// At a path of a folder.
    pub(super) fn at(path: &RelativePath, folder: &Folder, places: &Places) -> Self {
        let root = &folder.remote;
        let there = if path.is_root() { root.to_string() } else { format!("{root}/{path}") };
        let start = first_pass_command(places);
        let begin = if KnownAccount::owner(places).is_some() {
            format!("`{start}` starts it")
        } else {
            format!("`jottad login` and then `{start}` start it")
        };
        Self { mode: folder.mode, there, max_size: folder.max_size, begin }
    }

    /// The rule that keeps out what is there now, if it is too large.
    pub(super) fn size_rule(&self, found: &Found) -> Option<String> {
        match (found, self.max_size) {
            (Found::File { size, .. }, Some(most)) if *size > most => {
                Some(format!("max_size = {most} bytes (in the configuration)"))
            }
            _ => None,
        }
    }

    /// What it will do with what is there now.
    pub(super) fn words(&self, found: &Found) -> String {
        let Self { mode, there, begin, .. } = self;
        let deed = match (found, mode) {
            (Found::Nothing, Mode::Backup | Mode::Archive) => {
                "nothing is here that it could send, and what the service has there stays".to_owned()
            }
            (Found::Nothing, Mode::Sync | Mode::Pull) => {
                format!("nothing is here, and it fetches what is at {there}, if anything is")
            }
            (Found::Directory, Mode::Backup | Mode::Archive) => {
                format!("it makes {there} and sends what is in this directory")
            }
            (Found::Directory, Mode::Sync) => format!("it brings this directory and {there} together"),
            (_, Mode::Backup | Mode::Archive) => {
                format!("it sends this to {there}, where another content is kept as an older revision")
            }
            (_, Mode::Sync) => {
                format!("it sends this to {there}; if another content is there, both are kept")
            }
            (Found::Directory, Mode::Pull) => {
                format!("it sends nothing, and fetches what is in {there}")
            }
            (_, Mode::Pull) => format!(
                "it sends nothing; if another content is at {there}, it fetches that and keeps this one as a \
                 conflict copy"
            ),
        };
        format!("no pass has run yet: {deed}; {begin}")
    }
}

/// What the rules of the configuration say of a path, as an index would that knows nothing else.
pub(super) async fn explain(settings: FolderSettings, path: RelativePath) -> Result<Explanation, Failure> {
    let failed = |error: &dyn std::error::Error| Failure::failed(format!("looking at the rules: {error}"));
    let directory = tempfile::tempdir().map_err(|error| {
        Failure::of_system("making a temporary directory", &error).hint("make some room where TMPDIR says")
    })?;
    let index = directory.path().join("index.sqlite");
    FolderHandle::make_index(&index).map_err(|error| failed(&error))?;
    let handle = FolderHandle::start_at_rest(settings, &index, now).map_err(|error| failed(&error))?;
    let explanation = handle.explain(path).await;
    handle.shutdown().await;
    explanation.map_err(|error| failed(&error))
}

#[cfg(test)]
mod tests {
    use jottad_core::Timestamp;

    use super::*;

    #[test]
    fn what_a_first_pass_does_is_told_by_mode_and_by_what_is_there() {
        let file = Found::File { size: 4, modified: Timestamp::from_seconds(7) };
        for (mode, found, words) in [
            (Mode::Backup, &file, "sends this to Jotta/Archive/docs/a, where another content is kept"),
            (Mode::Archive, &file, "sends this to Jotta/Archive/docs/a, where another content is kept"),
            (Mode::Sync, &file, "both are kept"),
            (Mode::Pull, &file, "sends nothing; if another content"),
            (Mode::Backup, &Found::Directory, "makes Jotta/Archive/docs/a"),
            (Mode::Sync, &Found::Directory, "together"),
            (Mode::Pull, &Found::Directory, "fetches what is in Jotta/Archive/docs/a"),
            (Mode::Archive, &Found::Nothing, "nothing is here that it could send"),
            (Mode::Sync, &Found::Nothing, "fetches what is at Jotta/Archive/docs/a"),
            (Mode::Pull, &Found::Nothing, "fetches what is at Jotta/Archive/docs/a"),
        ] {
            let there = "Jotta/Archive/docs/a".to_owned();
            let begin = "`jottad run --once` starts it".to_owned();
            let told = FirstPass { mode, there, max_size: Some(3), begin }.words(found);
            assert!(told.contains(words), "{mode} {found:?}: {told}");
            assert!(told.starts_with("no pass has run yet: "), "{told}");
            assert!(told.ends_with("; `jottad run --once` starts it"), "{told}");
        }
    }

    #[test]
    fn what_is_too_large_is_kept_out() {
        let of =
            |max_size| FirstPass { mode: Mode::Backup, there: String::new(), max_size, begin: String::new() };
        let file = Found::File { size: 4, modified: Timestamp::from_seconds(7) };
        assert_eq!(of(Some(3)).size_rule(&file).unwrap(), "max_size = 3 bytes (in the configuration)");
        assert_eq!(of(Some(4)).size_rule(&file), None);
        assert_eq!(of(None).size_rule(&file), None);
        assert_eq!(of(Some(3)).size_rule(&Found::Directory), None);
    }
}
