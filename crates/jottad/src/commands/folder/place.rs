//! What is found out of a folder's place on the service before it is written down: its device and its
//! mountpoint are there, or a person says that they are to be made.

use std::time::Duration;

use jottad_core::{Mode, StoredName, shell_word};
use jottad_transport::{Client, Error, RemotePath, Sighting, StreamedEntry};

use crate::cli::failure::Failure;
use crate::cli::invocation::Invocation;
use crate::cli::output::{Escaped, count, remark};
use crate::config::units::format_size;
use crate::remote::{Presence, confirm, nearest, presence, with_device};

/// A service that is silent for so long is not waited for: the daemon looks again.
const TIMEOUT: Duration = Duration::from_secs(10);

/// What a place holds before a folder is kept there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Content {
    pub(super) files: u64,
    pub(super) bytes: u64,
    /// There was not the time to count everything.
    is_more: bool,
}

/// What is to be found out about a place.
pub(super) struct Question<'a> {
    pub(super) place: &'a RemotePath,
    pub(super) mode: Mode,
    /// A person said yes beforehand.
    pub(super) yes: bool,
    /// Nobody named the place: what is missing of it is made unasked, and it is not shared unasked.
    pub(super) is_default: bool,
    /// Another place is tried where this one cannot be had.
    pub(super) has_alternative: bool,
}

/// What became of a place.
pub(super) enum Answer {
    /// It can be used; what is in it, if that was looked at.
    Usable(Option<Content>),
    /// The service makes no such device, or cannot be asked for one.
    Refused(String),
}

/// Looks whether a place is there and what it holds, and makes what is missing of it if that is meant. Where
/// the service cannot be asked the folder is written down all the same.
pub(super) fn make_sure(question: &Question<'_>, invocation: &Invocation) -> Result<Answer, Failure> {
    let place = question.place;
    let without_service = |reason: &str| {
        if question.has_alternative {
            return Ok(Answer::Refused(reason.to_owned()));
        }
        not_looked_at(place, reason, invocation);
        Ok(Answer::Usable(None))
    };
    let client = match invocation.client() {
        Ok(client) => client,
        Err(failure) => return without_service(failure.message()),
    };
    invocation.wait(async {
        let missing = match tokio::time::timeout(TIMEOUT, look(&client, place)).await {
            Ok(Ok(missing)) => missing,
            Ok(Err(error)) => return without_service(&error.to_string()),
            Err(_) => return without_service("the service does not answer"),
        };
        if let Some(missing) = missing {
            if question.is_default {
                return match make(&client, place, &missing, invocation).await {
                    Ok(()) => {
                        say_if_nothing_comes(question, invocation);
                        Ok(Answer::Usable(Some(Content::default())))
                    }
                    Err(error) if question.has_alternative => Ok(Answer::Refused(error.to_string())),
                    Err(error) => Err(error.into()),
                };
            }
            if !question.yes && !may_ask(invocation) {
                return Err(missing.refusal(place));
            }
            let meant = missing.meant(place).map(|meant| format!(" (did you mean {meant}?)"));
            let text = format!("{}{}. Make it?", missing.text(place), meant.unwrap_or_default());
            if !confirm(&text, question.yes, invocation.output).await? {
                return Err(called_off());
            }
            make(&client, place, &missing, invocation).await?;
            say_if_nothing_comes(question, invocation);
            return Ok(Answer::Usable(Some(Content::default())));
        }
        let content = match content(&client, place).await? {
            Ok(content) => content,
            Err(error) => {
                not_looked_at(place, &error.to_string(), invocation);
                return Ok(Answer::Usable(None));
            }
        };
        if content != Content::default() {
            ask_to_share(question, content, invocation).await?;
        } else if question.mode == Mode::Pull {
            say_if_nothing_comes(question, invocation);
        } else if question.is_default && !question.yes && !invocation.output.json {
            // A machine of the same name, or another user of this one, may be about to send to it.
            remark(format_args!(
                "{place} is there already, and empty: if another machine or user is to keep a folder there, \
                 name another place"
            ));
        }
        Ok(Answer::Usable(Some(content)))
    })
}

/// A folder that only fetches may be meant for another place than one where nothing is.
fn say_if_nothing_comes(question: &Question<'_>, invocation: &Invocation) {
    if question.mode == Mode::Pull && !invocation.output.json {
        let place = question.place;
        let list = format!("jottad ls {}", shell_word(format!("{}/{}", place.device(), place.mountpoint())));
        remark(Escaped(&format!(
            "{place} holds nothing: nothing is fetched until something is there. See what is there: {list}; \
             correct the place: jottad folder set NAME remote=PLACE"
        )));
    }
}

async fn make(
    client: &Client,
    place: &RemotePath,
    missing: &Missing,
    invocation: &Invocation,
) -> Result<(), Error> {
    if missing.is_device {
        client.create_device(place.device()).await?;
    }
    client.create_mountpoint(place.device(), place.mountpoint()).await?;
    if !invocation.output.json {
        remark(format_args!("made {}/{}", place.device(), place.mountpoint()));
    }
    Ok(())
}

fn called_off() -> Failure {
    Failure::failed("called off: nothing was made and nothing was written")
        .hint("name another place: jottad folder add LOCAL REMOTE")
        .mistake()
}

/// Counts what a place holds, for as long as one cares to wait.
async fn content(client: &Client, place: &RemotePath) -> Result<Result<Content, Error>, Failure> {
    match client.look(place).await {
        Ok(Sighting::Folder) => {}
        Ok(Sighting::File(_) | Sighting::UnfinishedFile(_)) => {
            return Err(Failure::usage(format!("{place} is a file on the service"))
                .path(place.to_string())
                .hint("name a directory, or a place where nothing is yet")
                .mistake());
        }
        Ok(_) => return Ok(Ok(Content::default())),
        Err(error) => return Ok(Err(error)),
    }
    let mut found = Content::default();
    let counting = async {
        let mut stream = client.list_stream(place).await?;
        while let Some(batch) = stream.next_batch().await? {
            for entry in batch {
                if let StreamedEntry::File { content, .. } = entry {
                    found.files += 1;
                    found.bytes += content.size;
                }
            }
        }
        Ok(())
    };
    match tokio::time::timeout(TIMEOUT, counting).await {
        Ok(Err(error)) => return Ok(Err(error)),
        Ok(Ok(())) => {}
        Err(_) => found.is_more = true,
    }
    Ok(Ok(found))
}

/// Somebody else may keep something at the place. A person who named it is told, and asked where one can be
/// asked; a place that nobody named is not taken without a yes.
async fn ask_to_share(
    question: &Question<'_>,
    content: Content,
    invocation: &Invocation,
) -> Result<(), Failure> {
    let Question { place, mode, yes, is_default, .. } = *question;
    let more = if content.is_more { "at least " } else { "" };
    let files = count(content.files, "file", "files");
    let text = format!("{place} holds {more}{files} already ({})", format_size(content.bytes));
    let effect = match mode {
        Mode::Backup | Mode::Archive => {
            "a file there that differs is overwritten, and its content kept as a revision"
        }
        Mode::Sync => "both sides are brought together, and of files that differ both versions are kept",
        Mode::Pull => "what is there is fetched, and local files that differ are kept as conflict copies",
    };
    if yes {
        return Ok(());
    }
    if may_ask(invocation) {
        let asked = format!("{text}: {effect}. Keep the folder there?");
        return if confirm(&asked, false, invocation.output).await? { Ok(()) } else { Err(called_off()) };
    }
    if is_default {
        return Err(Failure::usage(text).path(place.to_string()).hint(format!(
            "it may be another machine's: name another place, or say with --yes that it is this folder's; {effect}"
        )));
    }
    if !invocation.output.json {
        remark(Escaped(&format!("{text}: {effect}")));
    }
    Ok(())
}

/// What this machine is called among the devices of an account.
pub(super) fn machine_name() -> String {
    let system = rustix::system::uname();
    let host = system.nodename().to_string_lossy().into_owned();
    let name = host.split('.').next().unwrap_or_default();
    if name.is_empty() { "this machine".to_owned() } else { name.to_owned() }
}

/// What of a place is not there.
struct Missing {
    /// The device, and with it the mountpoint.
    is_device: bool,
    /// The name that may have been meant.
    nearest: Option<StoredName>,
}

async fn look(client: &Client, place: &RemotePath) -> Result<Option<Missing>, Error> {
    Ok(match presence(client, place).await? {
        Presence::Present => None,
        Presence::NoMountpoint(names) => {
            Some(Missing { is_device: false, nearest: nearest(place.mountpoint(), names) })
        }
        Presence::NoDevice => {
            let devices = client.user().await?.devices.into_iter().map(|device| device.name);
            Some(Missing { is_device: true, nearest: nearest(place.device(), devices) })
        }
    })
}

impl Missing {
    fn text(&self, place: &RemotePath) -> String {
        let (device, mountpoint) = (place.device(), place.mountpoint());
        let what = if self.is_device {
            format!("there is no device {device} on the service")
        } else {
            format!("there is no mountpoint {mountpoint} on the device {device}")
        };
        match &self.nearest {
            Some(name) => format!("{what} (did you mean {name}?)"),
            None => what,
        }
    }

    /// The place that a path without its device may mean.
    fn meant(&self, place: &RemotePath) -> Option<String> {
        with_device(place.device(), &place.to_string()).filter(|_| self.is_device)
    }

    fn refusal(&self, place: &RemotePath) -> Failure {
        if let Some(meant) = self.meant(place) {
            return Failure::usage(self.text(place))
                .path(place.to_string())
                .hint(format!("a place begins with the device, which rclone leaves out: {meant}"));
        }
        Failure::usage(self.text(place))
            .path(place.to_string())
            .hint("correct the place, or let it be made with --make; `jottad devices` shows what is there")
    }
}

fn may_ask(invocation: &Invocation) -> bool {
    use std::io::IsTerminal as _;
    !invocation.output.json && std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

fn not_looked_at(place: &RemotePath, reason: &str, invocation: &Invocation) {
    if !invocation.output.json {
        let text = format!("{place} was not looked for on the service: {reason}");
        remark(Escaped(&text));
    }
}
