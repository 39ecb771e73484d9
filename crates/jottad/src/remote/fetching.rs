//! One file from the service to this machine: verified, with its time, and never over something else unasked.

use std::io::{self, Write};

use jottad_core::{Content, Name, Timestamp};
use jottad_transport::{Client, Error, ErrorKind, RemotePath};

use crate::cli::failure::Failure;
use crate::cli::output::Escaped;
use crate::remote::directory::{Directory, Occupant, hash, set_modified};
use crate::remote::progress::Progress;
use crate::remote::replacing::Replacing;
use crate::remote::trouble::Trouble;

/// A file of the service, as it was seen.
#[derive(Debug)]
pub(crate) struct Wanted {
    /// Where it is.
    pub(crate) place: RemotePath,
    /// Which of its revisions; `None` for the current one.
    pub(crate) revision: Option<u64>,
    /// Size and hash.
    pub(crate) content: Content,
    /// Time of its last change.
    pub(crate) modified: Option<Timestamp>,
}

/// How it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fetched {
    /// The file was written.
    Written,
    /// The file was written in the place of another one, which is in the local trash.
    Exchanged,
    /// The file had this content already; at most its time was set.
    Unchanged,
}

/// Fetches a file into a directory. A file of another content is refused with the remedy that the command
/// has, unless it is said that it is to be replaced.
///
/// What arrived before the network failed, or before this was dropped, is gone on with by the next call.
pub(crate) async fn fetch(
    client: &Client,
    wanted: &Wanted,
    (directory, name): (&Directory, &Name),
    replacing: Result<&Replacing, &str>,
    progress: &Progress,
) -> Result<Fetched, Trouble> {
    let path = directory.path_of(name);
    let refuse = |why: &str, hint: &str| {
        let text = format!("writing {}: {why}", path.display());
        Failure::failed(text).path(path.display().to_string()).hint(hint)
    };
    let (replaced, folder) = match directory.occupant(name)? {
        Occupant::Nothing => (None, None),
        Occupant::Other(kind) => {
            return Err(refuse(&format!("{kind} is there"), "choose another name").into());
        }
        Occupant::File(file, metadata) => {
            let is_equal = metadata.len() == wanted.content.size
                && hash(&file).await.is_ok_and(|held| held.finish() == wanted.content);
            if is_equal {
                if let Some(modified) = wanted.modified {
                    set_modified(&file, modified)
                        .map_err(|error| refuse(&format!("setting its time: {error}"), "look at its mode"))?;
                }
                progress.had(wanted.content.size);
                return Ok(Fetched::Unchanged);
            }
            match replacing {
                Ok(replacing) => (Some(metadata), replacing.folder_of(&path)?),
                Err(remedy) => return Err(refuse("a file of another content is there", remedy).into()),
            }
        }
    };
    let mut staged = directory.stage(name, wanted.content)?;
    let held = staged.take_up().await?;
    progress.had(held.size());
    let mut sink = Counted { sink: &mut staged, progress };
    let fetched = client.download(&wanted.place, wanted.revision, wanted.content, held, &mut sink).await;
    if let Err(error) = fetched {
        if matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::Conflict | ErrorKind::NotFound) {
            staged.discard();
        }
        if let Error::Sink { source, .. } = &error
            && source.kind() == io::ErrorKind::StorageFull
        {
            let hint = "free some space on that disk, and run it again: it goes on where it was";
            return Err(Trouble::All(refuse(&source.to_string(), hint)));
        }
        return Err(error.into());
    }
    let (Some(replaced), Some((disk, inside))) = (&replaced, &folder) else {
        staged.place(name, wanted.modified, replaced.as_ref()).await?;
        return Ok(Fetched::Written);
    };
    staged.place_over(name, wanted.modified, replaced, (disk, inside)).await?;
    let shown = path.display().to_string();
    progress.remark(format_args!("replaced {}: what it held is in the local trash", Escaped(&shown)));
    Ok(Fetched::Exchanged)
}

/// A sink that counts.
struct Counted<'a, W> {
    sink: &'a mut W,
    progress: &'a Progress,
}

impl<W: Write> Write for Counted<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.sink.write(bytes)?;
        self.progress.moved(count as u64);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.sink.flush()
    }
}
