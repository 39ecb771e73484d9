//! What becomes of something that was restored in a folder: the next pass fetches it, leaves it, or sends
//! over it. Where it does not come by itself, it is brought.

use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};

use jottad_core::{Mode, RelativePath, shell_word, shown_path};
use jottad_transport::{Client, RemotePath, Sighting};
use serde_json::json;

use crate::cli::failure::{Exit, Failure};
use crate::cli::invocation::Invocation;
use crate::cli::output::{Escaped, Output, remark};
use crate::commands::get;
use crate::commands::restore::Restored;
use crate::remote::{Directory, Progress, Replacing, Tally, confirm, holds, local_name};

/// The folder that a place belongs to.
pub(crate) struct Follow {
    place: RemotePath,
    folder: String,
    mode: Mode,
    local: PathBuf,
    replacing: Replacing,
}

impl Follow {
    /// The folder of a place that is restored; `None` outside of folders.
    pub(crate) fn find(place: &RemotePath, invocation: &Invocation) -> Result<Option<Self>, Failure> {
        use std::os::unix::ffi::OsStrExt as _;
        let config = invocation.tolerant_config()?;
        for folder in config.folders.iter().filter(|folder| place.starts_with(&folder.remote)) {
            let names = place.names().iter().skip(folder.remote.names().len());
            let names: Result<Vec<_>, _> = names.map(local_name).collect();
            // What no local file can be called is nowhere on the disk.
            let Ok(names) = names else { continue };
            let inside = names.iter().fold(RelativePath::root(), |path, name| path.join(name));
            let local = folder.local.join(std::ffi::OsStr::from_bytes(inside.as_bytes()));
            let (name, place) = (folder.name.clone(), place.clone());
            let replacing = Replacing::new(&config);
            return Ok(Some(Self { place, folder: name, mode: folder.mode, local, replacing }));
        }
        Ok(None)
    }

    /// Tells what was restored and what the next pass does with it, and fetches it if that is wanted;
    /// `asked` are the options by which it is asked for once more.
    pub(crate) async fn tell(
        self,
        client: &Client,
        mut restored: Restored,
        asked: &str,
        is_wanted: bool,
        output: Output,
    ) -> Result<Exit, Failure> {
        let (name, mode, local) = (&self.folder, self.mode, shown_path(&self.local).to_string());
        let local_side = self.local_side(client).await?;
        let next = NextPass::of(mode, restored.is_changed, local_side);
        restored.document["folder"] =
            json!({"name": name, "mode": mode.as_str(), "local": local, "next_pass": next.word()});
        if !output.json {
            let text = next.text(&local);
            remark(Escaped(&format!("it is in the folder {name:?} (mode {mode}): {text}")));
        }
        if mode.pulls() || local_side == LocalSide::Same {
            return restored.tell(output);
        }
        let is_wanted = is_wanted || self.is_asked_for(local_side, output).await?;
        if !is_wanted {
            let exit = restored.tell(output)?;
            output.next(&format!("to have it here as well: {}", self.command(asked, local_side)));
            return Ok(exit);
        }
        let fetched = match self.bring(client, output).await {
            Ok(fetched) => fetched,
            Err(failure) => {
                // What was restored is, all the same.
                if !output.json {
                    restored.tell(output)?;
                }
                return Err(failure);
            }
        };
        restored.document["here"] = fetched.document();
        let exit = restored.tell(output)?;
        if !output.json {
            output.prose(fetched.line("brought here:"))?;
        }
        Ok(if fetched.is_complete() { exit } else { Exit::Problems })
    }

    /// What is at its local place.
    async fn local_side(&self, client: &Client) -> Result<LocalSide, Failure> {
        let Ok(metadata) = std::fs::symlink_metadata(&self.local) else { return Ok(LocalSide::Nothing) };
        let is_same = match client.look(&self.place).await? {
            Sighting::File(live) => metadata.is_file() && holds(&self.local, live.content).await,
            _ => false,
        };
        Ok(if is_same { LocalSide::Same } else { LocalSide::Other })
    }

    async fn is_asked_for(&self, local_side: LocalSide, output: Output) -> Result<bool, Failure> {
        if output.json || !io::stdin().is_terminal() || !io::stderr().is_terminal() {
            return Ok(false);
        }
        let aside = match local_side {
            LocalSide::Other => ", and put what differs there into the local trash",
            _ => "",
        };
        let question = format!("Bring it to {} as well{aside}?", shown_path(&self.local));
        confirm(&question, false, output).await
    }

    /// What fetches it later. It replaces nothing that is not kept.
    fn command(&self, asked: &str, local_side: LocalSide) -> String {
        let place = shell_word(&self.place);
        match local_side {
            LocalSide::Other if !asked.is_empty() => format!("jottad restore {place} {asked} --here"),
            _ => format!("jottad get -r {place} {}", shell_word(shown_path(&self.local))),
        }
    }

    /// Fetches it to where the folder has it. A file of another content there goes to the folder's local
    /// trash.
    async fn bring(&self, client: &Client, output: Output) -> Result<Tally, Failure> {
        let progress = Progress::new(output);
        let replacing = Some(&self.replacing);
        let Sighting::File(file) = client.look(&self.place).await? else {
            return get::folder(client, &self.place, &self.local, replacing, &progress).await;
        };
        let above = self.local.parent().unwrap_or(Path::new("/"));
        drop(Directory::make(above)?);
        get::one_file(client, &self.place, file, Some(&self.local), replacing, &progress).await
    }
}

/// What is where the folder has what was restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LocalSide {
    Nothing,
    /// A file that holds what the service has now.
    Same,
    /// Something else, or a directory.
    Other,
}

/// What the next pass does with what was restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NextPass {
    Nothing,
    Fetches,
    Leaves,
    SendsOver,
}

impl NextPass {
    fn of(mode: Mode, is_changed: bool, local_side: LocalSide) -> Self {
        match local_side {
            _ if !is_changed => Self::Nothing,
            LocalSide::Same => Self::Nothing,
            _ if mode.pulls() => Self::Fetches,
            LocalSide::Nothing => Self::Leaves,
            LocalSide::Other => Self::SendsOver,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Fetches => "fetches",
            Self::Leaves => "leaves",
            Self::SendsOver => "sends_over",
        }
    }

    fn text(self, local: &str) -> String {
        match self {
            Self::Nothing => "the next pass has nothing to do for it".to_owned(),
            Self::Fetches => format!("the next pass brings it to {local}"),
            Self::Leaves => "the next pass leaves it there and does not fetch it".to_owned(),
            Self::SendsOver => {
                format!("the next pass sends what {local} holds over it again, and keeps it as a revision")
            }
        }
    }
}
