//! The daemon as a service of the user: systemd on Linux, launchd on macOS.
//!
//! The unit files themselves are in `packaging/`, where packages take them from; here they are filled in, put
//! in place and handed to the system's own tools.

mod launchd;
mod run_by;
mod systemd;

use std::ffi::OsStr;
use std::fs;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output, Stdio};

use serde::Serialize;

use crate::cli::failure::Failure;
use crate::places::Places;
pub(crate) use run_by::RunBy;

/// The unit as packages put it where systemd finds it.
const PACKAGED_UNIT: &str = "jottad.service";

/// The user's service, on the system that this is.
#[derive(Debug)]
pub(crate) enum Service {
    /// Linux.
    Systemd(systemd::Systemd),
    /// macOS.
    Launchd(launchd::Launchd),
}

impl Service {
    /// The service of this program, with these places.
    pub(crate) fn of(places: &Places) -> Result<Self, Failure> {
        let program = std::env::current_exe()
            .map_err(|error| Failure::failed(format!("finding out where this program is: {error}")))?;
        let installation = Installation { program, places: places.clone() };
        Ok(if cfg!(target_os = "macos") {
            Self::Launchd(launchd::Launchd(installation))
        } else {
            Self::Systemd(systemd::Systemd(installation))
        })
    }

    /// Writes the unit, has it started at login, and starts it now. Returns what was written.
    pub(crate) fn install(&self, force: bool) -> Result<PathBuf, Failure> {
        if !force {
            self.refuse_another()?;
        }
        match self {
            Self::Systemd(systemd) => systemd.install(),
            Self::Launchd(launchd) => launchd.install(),
        }
    }

    /// The unit's file, if it was written, and whether it runs jottad with these places.
    pub(crate) fn installed(&self) -> Option<(PathBuf, bool)> {
        let (file, places) = match self {
            Self::Systemd(systemd) => (systemd.unit_file(), systemd.places_in_unit()),
            Self::Launchd(launchd) => (launchd.agent_file(), launchd.places_in_agent()),
        };
        let text = fs::read_to_string(&file).ok()?;
        // One that names no place means the usual ones, or what somebody has written into it.
        let is_ours = !text.contains("--config") || places.iter().all(|place| text.contains(place));
        Some((file, is_ours))
    }

    /// The process that is the service, while one is.
    fn process(&self) -> Option<i32> {
        match self {
            Self::Systemd(_) => systemd::Systemd::process(),
            Self::Launchd(_) => launchd::Launchd::process(),
        }
    }

    /// Whether somebody has installed it: this user, or a package.
    fn is_known(&self) -> bool {
        let is_packaged = ["/etc", "/usr/local/lib", "/usr/lib", "/lib"]
            .iter()
            .any(|place| Path::new(place).join("systemd/user").join(PACKAGED_UNIT).exists());
        self.installed().is_some() || is_packaged
    }

    /// Refuses to speak of a service that nobody has installed.
    pub(crate) fn check_is_known(&self) -> Result<(), Failure> {
        if self.is_known() {
            return Ok(());
        }
        Err(Failure::failed("the service is not installed, so it has logged nothing")
            .hint("jottad service install; a daemon from `jottad run` logs to where it was started"))
    }

    /// There is one service for each user: whoever has another configuration would silently lose it.
    fn refuse_another(&self) -> Result<(), Failure> {
        match self.installed() {
            Some((file, false)) => {
                let shown = file.display();
                let message = format!("the service is there for another configuration, which {shown} names");
                let remedy = "there is one service for each user: let something else run `jottad run` for this \
                              configuration, or take the service from the other one first, with `jottad service uninstall`; `jottad service install \
                              --force` does both";
                Err(Failure::failed(message).path(shown.to_string()).hint(remedy))
            }
            _ => Ok(()),
        }
    }

    /// Stops it and takes the unit away.
    pub(crate) fn uninstall(&self) -> Result<(), Failure> {
        match self {
            Self::Systemd(systemd) => systemd.uninstall(),
            Self::Launchd(launchd) => launchd.uninstall(),
        }
    }

    /// Starts it.
    pub(crate) fn start(&self) -> Result<(), Failure> {
        self.refuse_another()?;
        match self {
            Self::Systemd(_) => systemd::Systemd::control("start"),
            Self::Launchd(launchd) => launchd.start(),
        }
    }

    /// Stops it until the next login, or `start`.
    pub(crate) fn stop(&self) -> Result<(), Failure> {
        self.refuse_another()?;
        match self {
            Self::Systemd(_) => systemd::Systemd::control("stop"),
            Self::Launchd(_) => launchd::Launchd::stop(),
        }
    }

    /// Stops and starts it.
    pub(crate) fn restart(&self) -> Result<(), Failure> {
        self.refuse_another()?;
        match self {
            Self::Systemd(_) => systemd::Systemd::control("restart"),
            Self::Launchd(_) => launchd::Launchd::restart(),
        }
    }

    /// The same, line by line for scripts.
    pub(crate) fn log_lines(
        &self,
        follow: bool,
        mut each: impl FnMut(&LoggedLine) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        match self {
            Self::Systemd(_) => {
                read_tool("journalctl", systemd::Systemd::log_arguments(follow, true), |line| {
                    // What is no line of a log, such as where one was cut, is nobody's word.
                    systemd::logged(line).map_or(Ok(()), |line| each(&line))
                })
            }
            Self::Launchd(launchd) => read_tool("tail", launchd.log_arguments(follow), |line| {
                each(&LoggedLine { at: None, message: line.to_owned() })
            }),
        }
    }

    /// Shows its log, to the end or for as long as it grows; the system's own tool prints.
    pub(crate) fn logs(&self, follow: bool) -> Result<(), Failure> {
        match self {
            Self::Systemd(_) => systemd::Systemd::logs(follow),
            Self::Launchd(launchd) => launchd.logs(follow),
        }
    }
}

/// The command that starts the daemon for good: a service that was never installed cannot be started, and
/// that of another configuration is none for this one.
pub(crate) fn start_command(places: &Places) -> &'static str {
    match Service::of(places).ok().and_then(|service| service.installed()) {
        Some((_, true)) => "jottad service start",
        Some((_, false)) => "jottad run",
        None => "jottad service install",
    }
}

/// The command that has a first pass made: the service makes it by itself, where it is installed.
pub(crate) fn first_pass_command(places: &Places) -> &'static str {
    match start_command(places) {
        start @ "jottad service start" => start,
        _ => "jottad run --once",
    }
}

/// Where a daemon that has ended may have told why.
pub(crate) fn last_words(places: &Places) -> &'static str {
    match Service::of(places) {
        Ok(service) if service.is_known() => {
            "see `jottad service logs`, or what it wrote where it was started"
        }
        _ => "see what it wrote where it was started",
    }
}

/// A line that the service has logged.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct LoggedLine {
    /// When, if the system tells.
    at: Option<String>,
    message: String,
}

/// Which program runs with which places.
#[derive(Debug, Clone)]
pub(crate) struct Installation {
    program: PathBuf,
    places: Places,
}

/// Runs a tool of the system; its words go into the error.
fn run_tool<S: AsRef<OsStr>>(tool: &str, arguments: impl IntoIterator<Item = S>) -> Result<Output, Failure> {
    let mut command = Command::new(tool);
    command.args(arguments).stdin(Stdio::null());
    command.output().map_err(|error| missing_tool(tool, &error))
}

/// Runs a tool of the system on this terminal.
fn show_tool<S: AsRef<OsStr>>(tool: &str, arguments: impl IntoIterator<Item = S>) -> Result<(), Failure> {
    let status = Command::new(tool).args(arguments).status().map_err(|error| missing_tool(tool, &error))?;
    check_ended(tool, status)
}

/// Reads what a tool of the system prints, line by line.
fn read_tool<S: AsRef<OsStr>>(
    tool: &str,
    arguments: impl IntoIterator<Item = S>,
    mut each: impl FnMut(&str) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut command = Command::new(tool);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().map_err(|error| missing_tool(tool, &error))?;
    let printed = child.stdout.take().map(BufReader::new);
    let failed = |error: io::Error| Failure::failed(format!("reading what {tool} prints: {error}"));
    let read = printed.into_iter().flat_map(|printed| printed.split(b'\n')).try_for_each(|line| {
        let line = line.map_err(failed)?;
        each(&String::from_utf8_lossy(&line))
    });
    if read.is_err() {
        // Nobody reads on; it may have ended by itself.
        let _ = child.kill();
    }
    let status = child.wait().map_err(failed)?;
    read.and_then(|()| check_ended(tool, status))
}

fn check_ended(tool: &str, status: ExitStatus) -> Result<(), Failure> {
    if status.success() {
        return Ok(());
    }
    Err(Failure::failed(format!("{tool} failed: {status}"))
        .hint(format!("what {tool} itself says of that stands above; `jottad status` tells how it is now")))
}

fn missing_tool(tool: &str, error: &io::Error) -> Failure {
    let failure = Failure::failed(format!("running {tool}: {error}"));
    match error.kind() {
        io::ErrorKind::NotFound => failure
            .hint(format!("this system has no {tool}: run `jottad run` from whatever starts programs here")),
        _ => failure,
    }
}

/// What a tool said, in one line.
fn words(output: &Output) -> String {
    let text =
        String::from_utf8_lossy(if output.stderr.is_empty() { &output.stdout } else { &output.stderr });
    let text = text.trim().lines().collect::<Vec<_>>().join("; ");
    if text.is_empty() { output.status.to_string() } else { text }
}

/// Puts a unit file in its place in one step.
fn write_unit(path: &Path, text: &str) -> Result<(), Failure> {
    let write = || -> io::Result<()> {
        let directory = path.parent().unwrap_or(Path::new("/"));
        fs::create_dir_all(directory)?;
        let mut temporary = tempfile::NamedTempFile::new_in(directory)?;
        temporary.write_all(text.as_bytes())?;
        // It holds no secret, and the system's tools may run as somebody else.
        temporary.as_file().set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
        temporary.persist(path).map_err(|error| error.error)?;
        Ok(())
    };
    write().map_err(|error| {
        let shown = path.display().to_string();
        Failure::of_system(format_args!("writing {shown}"), &error).path(shown)
    })
}

/// Takes a unit file away; fine if there is none.
fn remove_unit(path: &Path) -> Result<(), Failure> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Failure::of_system(format_args!("removing {}", path.display()), &error))
        }
        _ => Ok(()),
    }
}
