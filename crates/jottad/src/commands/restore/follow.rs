//! What becomes of something that was restored in a folder: the next pass brings it here, leaves it, or sends
//! over it. Where it does not come by itself, it is brought.

use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};

use jottad_core::{Mode, RelativePath, shell_word, shown_path};
use jottad_transport::{Client, RemotePath, Revision, Sighting};
use serde_json::json;

use crate::cli::failure::{Exit, Failure};
use crate::cli::invocation::Invocation;
use crate::cli::output::{Escaped, Output, remark};
use crate::commands::get;
use crate::commands::restore::Restored;
use crate::remote::{Directory, Progress, Tally, confirm, holds_content_of, local_name};

/// The folder that a place belongs to.
pub(super) struct Follow {
    place: RemotePath,
    folder: String,
    mode: Mode,
    local: PathBuf,
}

impl Follow {
    /// The folder of a place that is restored; `None` outside of folders.
    pub(super) fn find(place: &RemotePath, invocation: &Invocation) -> Result<Option<Self>, Failure> {
        use std::os::unix::ffi::OsStrExt as _;
        let config = invocation.tolerant_config()?;
        for folder in config.folders.iter().filter(|folder| place.starts_with(&folder.remote)) {
            let names = place.names().iter().skip(folder.remote.names().len());
            let names: Result<Vec<_>, _> = names.map(local_name).collect();
            // What no local file can be called is nowhere here.
            let Ok(names) = names else { continue };
            let inside = names.iter().fold(RelativePath::root(), |path, name| path.join(name));
            let local = folder.local.join(std::ffi::OsStr::from_bytes(inside.as_bytes()));
            let (name, place) = (folder.name.clone(), place.clone());
            return Ok(Some(Self { place, folder: name, mode: folder.mode, local }));
        }
        Ok(None)
    }

    /// Tells what was restored and what the next pass does with it, and brings it here if that is wanted.
    pub(super) async fn tell(
        self,
        client: &Client,
        mut restored: Restored,
        was_trashed: bool,
        is_wanted: bool,
        output: Output,
    ) -> Result<Exit, Failure> {
        let (name, mode, local) = (&self.folder, self.mode, shown_path(&self.local).to_string());
        let (word, text) = if mode.pulls() {
            ("fetches", format!("the next pass brings it to {local}"))
        } else if was_trashed {
            ("leaves", "the next pass leaves it there and does not fetch it".to_owned())
        } else {
            let text = format!("the next pass sends {local} over it again, and keeps it as a revision");
            ("sends_over", text)
        };
        restored.document["folder"] =
            json!({"name": name, "mode": mode.as_str(), "local": local, "next_pass": word});
        if !output.json {
            remark(Escaped(&format!("it is in the folder {name:?} (mode {mode}): {text}")));
        }
        if mode.pulls() {
            return restored.tell(output);
        }
        let is_wanted = is_wanted || self.is_asked_for(output).await?;
        if !is_wanted {
            let exit = restored.tell(output)?;
            output.next(&format!("to have it here as well: {}", self.command(was_trashed)));
            return Ok(exit);
        }
        let tally = self.bring(client, output).await;
        let fetched = match tally {
            Ok(tally) => tally,
            Err(failure) => {
                // What was restored is, all the same.
                if !output.json {
                    restored.tell(output)?;
                }
                // What is in the way is only replaced by a command that says so.
                return Err(if failure.hints_at("--force") {
                    failure.hint(format!("to replace it: {}", self.command(false)))
                } else {
                    failure
                });
            }
        };
        restored.document["here"] = fetched.document();
        let exit = restored.tell(output)?;
        if !output.json {
            output.prose(fetched.line("brought here:"))?;
        }
        if fetched.is_complete() {
            return Ok(exit);
        }
        output
            .next(&format!("what was here with other content stays; to replace it: {}", self.command(false)));
        Ok(Exit::Problems)
    }

    async fn is_asked_for(&self, output: Output) -> Result<bool, Failure> {
        if output.json || !io::stdin().is_terminal() || !io::stderr().is_terminal() {
            return Ok(false);
        }
        confirm(&format!("Bring it to {} as well?", shown_path(&self.local)), false, output).await
    }

    fn command(&self, is_new: bool) -> String {
        let option = if is_new { "-r" } else { "-r --force" };
        format!("jottad get {option} {} {}", shell_word(&self.place), shell_word(shown_path(&self.local)))
    }

    /// Fetches it to where the folder has it. A file here is replaced only if the service keeps what it
    /// holds.
    async fn bring(&self, client: &Client, output: Output) -> Result<Tally, Failure> {
        let progress = Progress::new(output);
        let Sighting::File(file) = client.look(&self.place).await? else {
            return get::folder(client, &self.place, &self.local, false, &progress).await;
        };
        let above = self.local.parent().unwrap_or(Path::new("/"));
        drop(Directory::make(above)?);
        let mut kept: Vec<_> = Vec::new();
        if let Some(details) = client.file(&self.place).await? {
            let revisions = details.entry.current.iter().chain(&details.revisions);
            kept.extend(revisions.filter_map(Revision::content));
        }
        let may_be_replaced = holds_content_of(&self.local, &kept).await;
        get::one_file(client, &self.place, file, Some(&self.local), may_be_replaced, &progress).await
    }
}
