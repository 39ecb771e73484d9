//! Orders on paths: make, trash, destroy, move, copy, touch (protocol 5.4, 6).
//!
//! The service may fail to answer, or answer 500, although it has done what it was told (protocol 6.2). So a
//! move or copy is never simply sent again: first both ends are looked at.

use jottad_core::{Content, Timestamp};
use reqwest::header::HeaderValue;

use crate::answer::document_error;
use crate::client::account::order;
use crate::client::{Client, none_if_missing};
use crate::documents::{self, Place};
use crate::error::{Error, Result};
use crate::facts::{LiveFile, Sighting};
use crate::http::{Call, Repeat};
use crate::path::RemotePath;
use crate::time::classic_time;

/// How a move or copy came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MoveOutcome {
    /// The service said so.
    Done,
    /// The service's answer was lost or an error, but a look at both ends shows that it was done.
    FoundDone,
}

/// The orders that take a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Relocation {
    MoveFile,
    MoveFolder,
    CopyFile,
}

impl Relocation {
    fn parameter(self) -> &'static str {
        match self {
            Self::MoveFile => "mv",
            Self::MoveFolder => "mvDir",
            Self::CopyFile => "cp",
        }
    }

    /// Whether the source is of the kind that this order takes.
    fn takes(self, source: &Sighting) -> bool {
        match self {
            Self::MoveFile | Self::CopyFile => matches!(source, Sighting::File(_)),
            Self::MoveFolder => matches!(source, Sighting::Folder),
        }
    }

    fn is_done(self, source: &Sighting, destination: &Sighting) -> bool {
        self.takes(destination) && (self == Self::CopyFile || !source.is_live())
    }
}

impl Client {
    /// Makes a folder and those above it; fine if it is there. A trashed one becomes live again, what is in
    /// it stays in the trash. [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) if a file has the name.
    pub async fn make_folder(&self, path: &RemotePath) -> Result<()> {
        if path.name().is_none() {
            return self.create_mountpoint(path.device(), path.mountpoint()).await.map(drop);
        }
        let call = self.command(format!("making the folder {path}"), path, "mkDir=true").await?.repeatable();
        let action = call.action.clone();
        let taken = || Error::Exists { action: action.clone(), reason: "a file has this name".to_owned() };
        match self.document(call, documents::read_place).await {
            Ok(Place::Folder(folder)) if folder.is_live() => return Ok(()),
            Ok(Place::File(_)) => return Err(taken()),
            // An odd answer of success: a look decides.
            Ok(Place::Folder(_)) | Err(Error::Protocol { .. }) => {}
            Err(error) => return Err(error),
        }
        match self.look_afterwards(path).await? {
            Sighting::Folder => Ok(()),
            Sighting::File(_) | Sighting::UnfinishedFile(_) => Err(taken()),
            Sighting::Missing | Sighting::TrashedFile(_) | Sighting::TrashedFolder => Err(not_done(action)),
        }
    }

    /// Puts a file into the trash; fine if it is there or gone already.
    ///
    /// The caller has just seen that it is a file: what this does to a folder is not known (U-13).
    pub async fn trash_file(&self, path: &RemotePath) -> Result<()> {
        self.trash_path(path, "dl=true").await
    }

    /// Puts a folder with all that is in it into the trash; fine if it is there or gone already.
    ///
    /// The caller has just seen that it is a folder, and what is in it: the service asks no questions.
    pub async fn trash_folder(&self, path: &RemotePath) -> Result<()> {
        self.trash_path(path, "dlDir=true").await
    }

    /// Destroys a file, live or trashed, for good; fine if it is gone already.
    /// [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) if it is a folder.
    pub async fn destroy_file(&self, path: &RemotePath) -> Result<()> {
        match self.look(path).await? {
            Sighting::Missing => Ok(()),
            Sighting::File(_) | Sighting::TrashedFile(_) | Sighting::UnfinishedFile(_) => {
                self.destroy(path, "rm=true").await
            }
            Sighting::Folder | Sighting::TrashedFolder => Err(Error::Exists {
                action: format!("destroying {path}"),
                reason: "it is a folder".to_owned(),
            }),
        }
    }

    /// Destroys a folder, live or trashed, with all that is in it, for good; fine if it is gone already.
    /// [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) if it is a file.
    pub async fn destroy_folder(&self, path: &RemotePath) -> Result<()> {
        match self.look(path).await? {
            Sighting::Missing => Ok(()),
            Sighting::Folder | Sighting::TrashedFolder => self.destroy(path, "rmDir=true").await,
            Sighting::File(_) | Sighting::TrashedFile(_) | Sighting::UnfinishedFile(_) => {
                Err(Error::Exists { action: format!("destroying {path}"), reason: "it is a file".to_owned() })
            }
        }
    }

    /// Moves a file to a path where nothing live is, making the folders above.
    ///
    /// [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) if something is there,
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if the source is not. Never for a change of letter
    /// case alone: what the service does then is not known (U-08); go through another name.
    pub async fn move_file(&self, from: &RemotePath, to: &RemotePath) -> Result<MoveOutcome> {
        self.relocate(Relocation::MoveFile, from, to).await.map(|(outcome, _)| outcome)
    }

    /// Moves a folder with all that is in it, in one request, under the rules of [`Client::move_file`].
    pub async fn move_folder(&self, from: &RemotePath, to: &RemotePath) -> Result<MoveOutcome> {
        self.relocate(Relocation::MoveFolder, from, to).await.map(|(outcome, _)| outcome)
    }

    /// Copies a file on the service under the rules of [`Client::move_file`]; the copy is live also where a
    /// trashed file was.
    pub async fn copy_file(&self, from: &RemotePath, to: &RemotePath) -> Result<MoveOutcome> {
        let (outcome, answered) = self.relocate(Relocation::CopyFile, from, to).await?;
        // A copy onto a trashed path is born in the trash (protocol 6.2).
        let trashed = match answered {
            Some(Place::File(details)) if details.entry.trashed.is_some() => details,
            // Without an answer it was found out by a look, which saw it live.
            _ => return Ok(outcome),
        };
        let action = format!("copying {from} to {to}");
        let current = trashed.entry.current.as_ref();
        let Some((content, revision)) = current.and_then(|revision| Some((revision.content()?, revision)))
        else {
            let reason = "the copy is in the trash and has no content".to_owned();
            return Err(Error::Protocol { action, reason });
        };
        let modified = revision.modified.unwrap_or_default();
        match self.match_content(to, content, revision.created.unwrap_or(modified), modified).await? {
            Some(_) => Ok(outcome),
            None => Err(Error::Protocol {
                action,
                reason: "the copy cannot be taken out of the trash".to_owned(),
            }),
        }
    }

    /// Sets the times of a file that holds exactly this content; `None` keeps its time of creation. No byte
    /// is sent.
    ///
    /// [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) if it holds something else: with other values than
    /// its own, the service might put another content there (protocol 5.4).
    pub async fn set_times(
        &self,
        path: &RemotePath,
        content: Content,
        created: Option<Timestamp>,
        modified: Timestamp,
    ) -> Result<()> {
        let action = format!("setting the time of {path}");
        let changed = |reason: &str| Error::Exists { action: action.clone(), reason: reason.to_owned() };
        let file = match self.look(path).await? {
            Sighting::File(file) => file,
            Sighting::Missing => return Err(Error::Missing { action, reason: "no such file".to_owned() }),
            _ => return Err(changed("it is not a live file")),
        };
        if file.content != content {
            return Err(changed("it holds another content"));
        }
        let created = created.or(file.created).unwrap_or(modified);
        match self.match_content(path, content, created, modified).await? {
            Some(stored) if stored.content == content => Ok(()),
            _ => Err(changed("it holds another content").after_uncertain(true)),
        }
    }

    /// Makes a path hold a content that the service has already, also out of the trash, and sets its times.
    /// `None` if the service does not have the content.
    ///
    /// This *replaces* whatever the path holds.
    pub async fn match_content(
        &self,
        path: &RemotePath,
        content: Content,
        created: Timestamp,
        modified: Timestamp,
    ) -> Result<Option<LiveFile>> {
        let action = format!("setting content and time of {path}");
        let text =
            |text: String| HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static(""));
        let call = self
            .command(action.clone(), path, "cphash=true")
            .await?
            .header("jsize", text(content.size.to_string()))
            .header("jmd5", text(content.md5.to_string()))
            .header("jcreated", text(classic_time(created)))
            .header("jmodified", text(classic_time(modified)))
            .repeatable();
        let Some(details) = none_if_missing(self.document(call, documents::read_file).await)? else {
            return Ok(None);
        };
        let live = details.entry.live().filter(|live| live.content == content);
        let reason = || "the path does not hold what was asked for".to_owned();
        live.map(Some).ok_or_else(|| Error::Protocol { action, reason: reason() })
    }

    /// A command on a path, not repeated unless said so.
    async fn command(&self, action: String, path: &RemotePath, query: &str) -> Result<Call> {
        Ok(order(action, format!("{}?{query}", self.url(path).await?)))
    }

    /// The answer shows the thing with its mark; where it does not, a look decides.
    async fn trash_path(&self, path: &RemotePath, query: &str) -> Result<()> {
        let call = self.command(format!("trashing {path}"), path, query).await?.repeatable();
        let action = call.action.clone();
        match none_if_missing(self.document(call, documents::read_place).await) {
            Ok(Some(Place::File(details))) if details.entry.trashed.is_some() => return Ok(()),
            Ok(Some(Place::Folder(folder))) if !folder.is_live() => return Ok(()),
            // That nothing is there may be the answer to a second attempt; only a look tells that it is so.
            Ok(_) | Err(Error::Protocol { .. }) => {}
            Err(error) => return Err(error),
        }
        if self.look_afterwards(path).await?.is_live() { Err(not_done(action)) } else { Ok(()) }
    }

    /// Looks what an order achieved. Where the look fails that stays open.
    async fn look_afterwards(&self, path: &RemotePath) -> Result<Sighting> {
        self.look(path).await.map_err(|error| error.after_uncertain(true))
    }

    /// Sent once: in the time until a second one something new could have come to the path.
    async fn destroy(&self, path: &RemotePath, query: &str) -> Result<()> {
        let call = self.command(format!("destroying {path}"), path, query).await?;
        match self.send(call).await {
            Ok(_) => Ok(()),
            Err(error) if error.is_not_found() => Ok(()),
            Err(error) if error.is_uncertain() => match self.look_afterwards(path).await? {
                Sighting::Missing => Ok(()),
                _ => Err(error),
            },
            Err(error) => Err(error),
        }
    }

    /// Moves or copies: looks that the destination is free, gives the order, and after an uncertain answer
    /// looks at both ends before deciding anything.
    async fn relocate(
        &self,
        kind: Relocation,
        from: &RemotePath,
        to: &RemotePath,
    ) -> Result<(MoveOutcome, Option<Place>)> {
        let verb = if kind == Relocation::CopyFile { "copying" } else { "moving" };
        let action = format!("{verb} {from} to {to}");
        if self.look(to).await?.is_taken() {
            return Err(Error::Exists { action, reason: "something is there".to_owned() });
        }
        // Without the slash the service takes a folder's path for a file's (protocol 6.2).
        let slash = if kind == Relocation::MoveFolder { "/" } else { "" };
        let target = to.query_value(self.username().await?)?;
        let url = format!("{}{slash}?{}={target}", self.url(from).await?, kind.parameter());
        let call = order(action.clone(), url);
        let (mut failed, mut made_parent, mut uncertain) = (0, false, false);
        loop {
            let error = match self.send(call.clone()).await {
                Ok(answer) => match documents::read_place(answer.into_reader()).await {
                    Ok(place) => return Ok((MoveOutcome::Done, Some(place))),
                    Err(error) => document_error(&action, error),
                },
                Err(error) => error,
            };
            let error = error.after_uncertain(uncertain);
            uncertain |= error.is_uncertain();
            if !uncertain && !error.is_not_found() {
                return Err(error);
            }
            let (source, destination) = (self.look_afterwards(from).await?, self.look_afterwards(to).await?);
            if uncertain && kind.is_done(&source, &destination) {
                return Ok((MoveOutcome::FoundDone, None));
            }
            if !kind.takes(&source) {
                let reason = "the source is not there any more".to_owned();
                return Err(if source.is_live() { error } else { Error::Missing { action, reason } });
            }
            if destination.is_taken() {
                return Err(Error::Exists { action, reason: "something is there".to_owned() });
            }
            if error.is_not_found() && !made_parent {
                // The source is there, so it is the destination's folder that is missing.
                made_parent = true;
                if let Some(parent) = to.parent() {
                    self.make_folder(&parent).await?;
                }
                continue;
            }
            failed += 1;
            self.http().wait_to_repeat(Repeat::Freely, failed, error).await?;
        }
    }
}

impl Sighting {
    /// Whether moving something here would run into something else.
    fn is_taken(&self) -> bool {
        matches!(self, Self::File(_) | Self::Folder | Self::UnfinishedFile(_))
    }
}

/// An answer of success to something that has not happened.
fn not_done(action: String) -> Error {
    Error::Protocol { action, reason: "the service said yes and did not do it".to_owned() }
}
