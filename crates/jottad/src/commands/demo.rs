//! `jottad demo`: a Jottacloud on this machine, a daemon, and what happens between them, live.
//!
//! Needs no account, no network and no config, and touches nothing of the user's own: everything but the
//! folder that was named is in a temporary directory, which is removed at the end.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use jottad_core::shell_word;
use jottad_emulator::{Emulator, EmulatorConfig};
use jottad_engine::Verdict;
use jottad_transport::{CredentialFile, HostIdentity, LoginToken, Session};
use tempfile::TempDir;

use crate::commands::log::describe;
use crate::commands::status::words;
use crate::config::edit::{Editor, NewFolder};
use crate::config::units::format_size;
use crate::daemon::{Daemon, Purpose, Serving};
use crate::documents::{EventDocument, StatusDocument};
use crate::failure::{Exit, Failure};
use crate::invocation::{Invocation, connections};
use crate::output::{Escaped, Output, count, local_time, now};
use crate::places::Places;
use crate::signals::{Signals, called_off};
use crate::typed;

/// What there is to play with.
const SAMPLES: [(&str, &str); 6] = [
    ("read me first.txt", "Change me, rename me, delete me: the other terminal shows what jottad does.\n"),
    ("letters/to the bank.txt", "Dear bank,\n\nplease find enclosed nothing at all.\n"),
    ("letters/drafts/unsent.txt", "Dear neighbour,\n"),
    ("recipes/waffles: the good ones?.md", "# Waffles\n\nThree eggs, patience.\n"),
    ("recipes/100% rye.md", "# Rye bread\n"),
    ("photos/ålesund/description.txt", "Rain.\n"),
];
/// While something is under way, the verdict is looked at this often.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

#[derive(Debug, Args)]
pub(crate) struct DemoArguments {
    /// A directory of yours to back up to the pretended service; without it a new one with sample files
    #[arg(value_name = "DIR")]
    directory: Option<PathBuf>,
}

/// Shows jottad at work until Ctrl-C.
pub(crate) fn run(arguments: &DemoArguments, invocation: &Invocation) -> Result<Exit, Failure> {
    let directory = arguments.directory.as_deref().map(|directory| invocation.places.expand(directory));
    let stage = Stage::set(directory.as_deref())?;
    typed::mean(&stage.places);
    let mut signals = invocation.signals()?;
    invocation.serve(async {
        let emulator = Emulator::start(EmulatorConfig::default())
            .await
            .map_err(|error| Failure::failed(format!("starting the emulator: {error}")))?;
        let daemon = stage.start_daemon(&emulator).await?;
        let serving = Serving::begin(daemon.clone()).await?;
        let shown = show(&stage, &emulator, &daemon, invocation.output, &mut signals).await;
        serving.end().await;
        emulator.shutdown().await;
        shown?;
        if !invocation.output.json {
            invocation.output.prose(match &stage.sample {
                true => "ended; the sample folder is gone",
                false => "ended; your directory is as it was, the pretended service is gone",
            })?;
        }
        Ok(Exit::Done)
    })
}

/// Where the demo takes place.
struct Stage {
    places: Places,
    folder: PathBuf,
    sample: bool,
    /// Removed when dropped.
    _temporary: TempDir,
}

impl Stage {
    fn set(directory: Option<&Path>) -> Result<Self, Failure> {
        let trouble = |error: io::Error| Failure::of_system("setting up the demo", &error);
        let temporary = tempfile::Builder::new().prefix("jottad-demo-").tempdir().map_err(trouble)?;
        let top = temporary.path().canonicalize().map_err(trouble)?;
        let folder = if let Some(directory) = directory {
            usable(directory)?
        } else {
            let folder = top.join("folder");
            for (name, text) in SAMPLES {
                let path = folder.join(name);
                fs::create_dir_all(path.parent().unwrap_or(&folder)).map_err(trouble)?;
                fs::write(path, text).map_err(trouble)?;
            }
            folder
        };
        let places =
            Places { home: top.clone(), config_file: top.join("config.toml"), state_dir: top.join("state") };
        Ok(Self { places, folder, sample: directory.is_none(), _temporary: temporary })
    }

    async fn start_daemon(&self, emulator: &Emulator) -> Result<Daemon, Failure> {
        let base = emulator.base_url();
        let urls = format!("jfs_url = {base:?}\napi_url = {base:?}\nwww_url = {base:?}\nid_url = {base:?}");
        fs::write(&self.places.config_file, format!("[service]\n{urls}\n\n"))
            .map_err(|error| Failure::of_system("setting up the demo", &error))?;
        let local =
            self.folder.to_str().ok_or_else(|| Failure::usage("the directory's name is not UTF-8"))?;
        let mut editor = Editor::open(&self.places)?;
        editor.add(&NewFolder {
            name: "demo".to_owned(),
            local: local.to_owned(),
            remote: "Jotta/Archive/demo".to_owned(),
            mode: "backup".to_owned(),
        })?;
        let config = editor.save()?;
        self.places.make_state_dir()?;
        let file = CredentialFile::new(self.places.credentials());
        let token = LoginToken::parse(&emulator.login_token())?;
        Session::log_in(connections()?, &token, file, &HostIdentity::of_this_machine()).await?;
        Daemon::start(&self.places, config, Purpose::Serve).await
    }
}

fn usable(directory: &Path) -> Result<PathBuf, Failure> {
    let shown = directory.display().to_string();
    let refuse = |reason: String| {
        let remedy = "name a directory of yours, or none: the demo makes one with sample files";
        Failure::usage(format!("{shown}: {reason}")).path(shown.clone()).hint(remedy)
    };
    let directory = directory.canonicalize().map_err(|error| refuse(error.to_string()))?;
    if directory.is_dir() { Ok(directory) } else { Err(refuse("it is not a directory".to_owned())) }
}

/// Prints what happens until a signal comes.
async fn show(
    stage: &Stage,
    emulator: &Emulator,
    daemon: &Daemon,
    output: Output,
    signals: &mut Signals,
) -> Result<(), Failure> {
    if !output.json {
        introduce(stage, emulator, output)?;
    }
    let mut events = daemon.events().subscribe();
    let mut told: Option<String> = None;
    loop {
        let status = daemon.status().await;
        let verdict = status.verdict.0;
        let text = tell(&status);
        if told.as_ref() != Some(&text) {
            if output.json {
                output.document(&status)?;
            } else {
                output.prose(stamped(&text))?;
            }
            told = Some(text);
        }
        tokio::select! {
            () = called_off(signals) => return Ok(()),
            event = events.recv() => {
                let Some(event) = event else { return Ok(()) };
                print(&event, output)?;
            }
            // In sync, nothing happens without an event.
            () = tokio::time::sleep(LOOK_AGAIN), if verdict != Verdict::InSync => {}
        }
    }
}

fn introduce(stage: &Stage, emulator: &Emulator, output: Output) -> Result<(), Failure> {
    let folder = shown_word(&stage.folder);
    output.prose(format_args!(
        "A pretended Jottacloud on this machine: {} (nothing leaves it)",
        emulator.base_url()
    ))?;
    output.prose(format_args!("The folder: {folder} → Jotta/Archive/demo, mode backup"))?;
    if !stage.sample {
        output.prose("It is only read. Everything that jottad keeps is temporary.")?;
    }
    output.prose("Try in another terminal:")?;
    if stage.sample {
        output.line(format_args!("  cd {folder}"))?;
        output.line("  echo hello > new.txt")?;
        output.line("  mv letters post")?;
        output.line("  rm 'read me first.txt'")?;
    } else {
        output.prose("  edit, rename and delete as you like, in that directory")?;
    }
    // Commands are not folded: a shell would take the line's break for their end.
    let program = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("jottad"));
    let jottad = format!(
        "{} --config {} --state-dir {}",
        shown_word(&program),
        shown_word(&stage.places.config_file),
        shown_word(&stage.places.state_dir)
    );
    output.line(format_args!("  {jottad} status"))?;
    output.line(format_args!("  {jottad} ls -R -l Jotta/Archive/demo"))?;
    output.prose(if stage.sample { "Ctrl-C ends it and removes the folder." } else { "Ctrl-C ends it." })?;
    output.line("")
}

/// A path as a shell reads it, and as a terminal shows it harmlessly.
fn shown_word(path: &Path) -> String {
    Escaped(&shell_word(path.display())).to_string()
}

fn print(event: &EventDocument, output: Output) -> Result<(), Failure> {
    if output.json {
        return output.document(event);
    }
    match event {
        EventDocument::Ended(line) => output.prose(stamped(&describe(line))),
        // A transfer that takes its time is worth a line of its own; the end of everything has one anyway.
        EventDocument::Started { .. } | EventDocument::Verdict { .. } | EventDocument::Missed => Ok(()),
    }
}

/// The verdict, without what changes by itself.
fn tell(status: &StatusDocument) -> String {
    let Some(folder) = status.folders.first() else { return words(status.verdict.0) };
    let mut parts = vec![words(status.verdict.0)];
    if status.verdict.0 == Verdict::InSync
        && let (Some(files), Some(bytes)) = (folder.files, folder.bytes)
    {
        parts.push(format!("{}, {}", count(files, "file", "files"), format_size(bytes)));
    }
    if let Some(trouble) = &folder.trouble {
        parts.push(trouble.clone());
    }
    if let Some(held) = &folder.held {
        parts.push(held.reason.clone());
    }
    if folder.problems.is_some_and(|problems| problems > 0) {
        parts.push(count(folder.problems.unwrap_or(0), "problem", "problems"));
    }
    Escaped(&parts.join(" · ")).to_string()
}

fn stamped(text: &str) -> impl fmt::Display {
    let time = local_time(now());
    let clock = time.rsplit(' ').next().unwrap_or(&time).to_owned();
    format!("{clock}  {text}")
}
