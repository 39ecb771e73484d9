//! `jottad doctor`: what jottad needs, checked one by one, each failure with its remedy.

use std::fs;
use std::path::Path;

use jottad_core::{in_words, shell_word};
use jottad_engine::LocalDisk;
use jottad_transport::CredentialFile;
use serde::Serialize;
use serde_json::json;
use unicode_width::UnicodeWidthStr as _;

use crate::account::quota::Fullness;
use crate::api::documents::{FolderDocument, StatusDocument};
use crate::cli::failure::{Exit, Failure};
use crate::cli::invocation::Invocation;
use crate::cli::output::{Columns, count};
use crate::cli::typed;
use crate::commands::status::{fetch, words};
use crate::commands::survey::survey;
use crate::config::units::format_size;
use crate::config::{Config, CredentialStore, Folder};
use crate::daemon::descriptors;
use crate::places::Places;

/// Less free space than this beside the index is asking for trouble.
const LEAST_FREE: u64 = 100 << 20;
/// A clock before this is wrong: certificates would not be valid.
const CLOCK_FLOOR: i64 = 1_767_225_600;

/// What was found out.
#[derive(Debug, Serialize)]
struct Check {
    name: String,
    ok: bool,
    detail: String,
    remedy: Option<String>,
}

impl Check {
    fn fine(name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { name: name.into(), ok: true, detail: detail.into(), remedy: None }
    }

    fn wrong(name: impl Into<String>, detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { name: name.into(), ok: false, detail: detail.into(), remedy: Some(remedy.into()) }
    }

    fn failed(name: impl Into<String>, failure: Failure) -> Self {
        let (detail, _, remedy) = failure.into_parts();
        Self { name: name.into(), ok: false, detail, remedy }
    }
}

/// Checks everything; one failure does not keep the others from being checked.
pub(crate) fn run(invocation: &Invocation) -> Result<Exit, Failure> {
    let config = invocation.tolerant_config();
    let mut found = Found::new(invocation, config.as_ref().ok());
    found.add([clock()])?;
    found.add([state_dir(invocation)])?;
    found.add(exposed_login(invocation))?;
    match config {
        Err(failure) => found.add([Check::failed("config", failure)])?,
        Ok(config) => {
            let places = &invocation.places;
            found.add([Check::fine("config", format!("{}", places.config_file.display()))])?;
            for folder in &config.folders {
                found.add([check_folder(folder, places)])?;
                found.add(trash(invocation, &config, folder))?;
            }
            found.add(wrong_folders(&config))?;
            found.add(watches(&config, places))?;
            // What is local comes first: the service may let itself be waited for.
            found.add(service(invocation, &config))?;
        }
    }
    found.add(daemon(invocation)?)?;
    found.end()
}

/// What was found out so far. People are told of each check as it is done, scripts of all in one document.
struct Found<'invocation> {
    invocation: &'invocation Invocation,
    checks: Vec<Check>,
    /// How wide the column of names is.
    width: usize,
}

impl<'invocation> Found<'invocation> {
    fn new(invocation: &'invocation Invocation, config: Option<&Config>) -> Self {
        let names = config.into_iter().flat_map(Config::names);
        let widest = names.map(|name| name.width() + "watching ".len()).max();
        Self { invocation, checks: Vec::new(), width: widest.unwrap_or_default().max("credentials".len()) }
    }

    fn add(&mut self, checks: impl IntoIterator<Item = Check>) -> Result<(), Failure> {
        for check in checks {
            if !self.invocation.output.json {
                // Whoever reads may leave; the verdict is the same.
                self.show(&check).or_else(Failure::unless_reader_gone)?;
            }
            self.checks.push(check);
        }
        Ok(())
    }

    fn show(&self, check: &Check) -> Result<(), Failure> {
        let word = if check.ok { "ok    " } else { "FAILED" };
        let mut columns = Columns::default();
        let padding = " ".repeat(self.width.saturating_sub(check.name.width()));
        columns.push([word.to_owned(), format!("{}{padding}", check.name), typed::text(&check.detail)]);
        if let Some(remedy) = &check.remedy {
            columns.push([String::new(), String::new(), format!("→ {}", typed::advice(remedy))]);
        }
        self.invocation.output.table(&columns)
    }

    fn end(self) -> Result<Exit, Failure> {
        if self.invocation.output.json {
            let document = json!({"schema": 1, "checks": self.checks});
            self.invocation.output.document(&document).or_else(Failure::unless_reader_gone)?;
        }
        let all_fine = self.checks.iter().all(|check| check.ok);
        Ok(if all_fine { Exit::Done } else { Exit::Failed })
    }
}

fn clock() -> Check {
    let now = crate::cli::output::now();
    let shown = crate::cli::output::local_time(now);
    if now.seconds() >= CLOCK_FLOOR {
        Check::fine("clock", shown)
    } else {
        Check::wrong(
            "clock",
            format!("it says {shown}"),
            "set the clock; HTTPS does not work with a wrong one",
        )
    }
}

fn state_dir(invocation: &Invocation) -> Check {
    let places = &invocation.places;
    let shown = places.state_dir.display().to_string();
    if let Err(failure) = places.check_access() {
        return Check::failed("state", failure);
    }
    match places.state_dir_exposure() {
        Ok(Some(exposure)) => {
            let directory = &places.state_dir;
            return Check::wrong("state", exposure.explain(directory), exposure.remedy(directory));
        }
        Ok(None) => {}
        Err(failure) => return Check::failed("state", failure),
    }
    let usable = places.make_state_dir().and_then(|()| places.check_socket_path());
    if let Err(failure) = usable {
        return Check::failed("state", failure);
    }
    if let Err(error) = tempfile::NamedTempFile::new_in(&places.state_dir) {
        return Check::wrong(
            "state",
            format!("{shown} cannot be written: {}", in_words(error)),
            "make it writable for this user",
        );
    }
    match rustix::fs::statvfs(&places.state_dir) {
        Ok(space) => {
            let free = space.f_bavail.saturating_mul(space.f_frsize);
            let detail = format!("{shown}, {} free", format_size(free));
            if free >= LEAST_FREE {
                Check::fine("state", detail)
            } else {
                Check::wrong("state", detail, "free some space: jottad's index and tokens must be written")
            }
        }
        Err(error) => Check::wrong("state", format!("{shown}: {}", in_words(error)), "look at its disk"),
    }
}

/// A login that others could read, which is closed to them. Whoever reads it first closes it, so this comes
/// before it is used.
fn exposed_login(invocation: &Invocation) -> Option<Check> {
    let places = &invocation.places;
    let files = [places.credentials(), places.sealed_credentials()];
    let (path, (mode, closed)) = files
        .into_iter()
        .find_map(|path| Some((path.clone(), CredentialFile::new(path).close_if_exposed()?)))?;
    let path = path.display();
    Some(match closed {
        Ok(()) => Check::wrong(
            "credentials",
            format!("other users could get at {path} (mode {mode:o})"),
            "it is closed to them now; log in anew: jottad login",
        ),
        Err(error) => Check::wrong(
            "credentials",
            format!(
                "other users can get at {path} (mode {mode:o}), and closing it to them failed: {}",
                in_words(error)
            ),
            format!("close it: chmod 600 {}; then log in anew: jottad login", shell_word(path)),
        ),
    })
}

/// A local trash that holds more than it should.
fn trash(invocation: &Invocation, config: &Config, folder: &Folder) -> Option<Check> {
    let disk = LocalDisk::open(folder.local.clone()).ok()?;
    let limit = config.guard.local_trash_limit;
    let report = invocation.wait(async { Ok(disk.trash_report(limit).await) }).ok()?.ok()?;
    if !report.is_over_limit() {
        return None;
    }
    let limit = report.limit.map(format_size).unwrap_or_default();
    let detail =
        format!("{} in .jottad/trash, more than local_trash_limit ({limit})", format_size(report.bytes));
    let remedy = format!(
        "what is older than a day goes by itself; `jottad trash ls --local {0}` shows it, `jottad trash empty --local {0}` \
         destroys it",
        shell_word(&folder.name)
    );
    Some(Check::wrong(format!("trash {}", folder.name), detail, remedy))
}

fn service(invocation: &Invocation, config: &Config) -> Vec<Check> {
    let client = match invocation.client() {
        Ok(client) => client,
        Err(failure) => return vec![Check::failed("login", failure)],
    };
    let asked = invocation.wait(async {
        Ok(match client.customer().await {
            Ok(customer) => {
                let name = customer.email.unwrap_or(customer.username);
                let place = match config.service.credentials {
                    CredentialStore::File => "kept in a file",
                    CredentialStore::Keyring => "sealed with a key in the system's keyring",
                };
                let mut checks = vec![Check::fine("login", format!("{name}, {place}"))];
                let fullness = Fullness::new(customer.used_bytes, customer.quota);
                checks.push(match fullness.warning() {
                    None => Check::fine("quota", fullness.to_string()),
                    Some(_) => Check::wrong(
                        "quota",
                        fullness.to_string(),
                        "delete what is not needed and empty the trash (`jottad trash empty`), or buy more",
                    ),
                });
                if customer.write_locked {
                    let remedy =
                        "log in at www.jottacloud.com, where it says why, or ask Jottacloud's support";
                    checks.push(Check::wrong("account", "it is locked for writing", remedy));
                }
                checks
            }
            Err(error) => {
                let name = if error.kind() == jottad_transport::ErrorKind::LoginNeeded {
                    "login"
                } else {
                    "service"
                };
                // Where more is told of it is known: here.
                let remedy = match error.kind() {
                    jottad_transport::ErrorKind::Offline if !error.is_untrusted() => {
                        Some("check the network, and any proxy".to_owned())
                    }
                    _ => None,
                };
                let check = Check::failed(name, Failure::from(error));
                vec![Check { remedy: remedy.or(check.remedy), ..check }]
            }
        })
    });
    // It may have been silent for longer than anybody waits.
    asked.unwrap_or_else(|failure| vec![Check::failed("service", failure)])
}

fn wrong_folders(config: &Config) -> impl Iterator<Item = Check> + '_ {
    config.wrong.iter().map(|wrong| {
        let remedy = wrong.error.hint.clone().unwrap_or_else(|| "correct the config".to_owned());
        Check::wrong(format!("folder {}", wrong.name), wrong.error.reason.clone(), remedy)
    })
}

fn check_folder(folder: &Folder, places: &Places) -> Check {
    let name = format!("folder {}", folder.name);
    let local = folder.local.display();
    if !folder.local.is_dir() {
        return Check::wrong(
            name,
            format!("{local} is not there"),
            "mount or make the directory, or correct the config",
        );
    }
    let found = survey(&folder.local, places);
    let files = count(found.files, "file", "files");
    match found.first_unreadable {
        None => Check::fine(name, format!("{local}, {files}, {}", format_size(found.bytes))),
        Some(first) => Check::wrong(
            name,
            format!("{local}: {} cannot be read", count(found.unreadable, "entry", "entries")),
            format!("let this user read it, or ignore it; the first is {}", first.display()),
        ),
    }
}

/// Whether the system gives as many inotify watches as there are directories.
fn watches(config: &Config, places: &Places) -> Option<Check> {
    let limit = read_number(Path::new("/proc/sys/fs/inotify/max_user_watches"))?;
    let directories: u64 = config
        .folders
        .iter()
        .filter(|folder| folder.local.is_dir())
        .map(|folder| survey(&folder.local, places).directories + 1)
        .sum();
    let detail =
        format!("{} in all folders, {limit} watches allowed", count(directories, "directory", "directories"));
    if directories <= limit {
        return Some(Check::fine("watches", detail));
    }
    let wanted = directories.saturating_mul(2).next_power_of_two();
    let remedy = format!("sudo sysctl fs.inotify.max_user_watches={wanted}; without it, some are polled");
    Some(Check::wrong("watches", detail, remedy))
}

fn read_number(path: &Path) -> Option<u64> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

fn daemon(invocation: &Invocation) -> Result<Vec<Check>, Failure> {
    invocation.wait(async {
        let status = match fetch(&invocation.places).await {
            Ok(status) => status,
            Err(failure) => return Ok(vec![Check::failed("daemon", failure)]),
        };
        let mut checks = state_of_daemon(&status);
        checks.extend(status.pid.and_then(open_files));
        checks.extend(status.folders.iter().filter_map(at_work));
        Ok(checks)
    })
}

/// Whether it is a daemon that answers, and how it is.
fn state_of_daemon(status: &StatusDocument) -> Vec<Check> {
    let trouble = status.trouble.as_ref().map(|trouble| {
        let remedy = status.remedy.clone().unwrap_or_else(|| "see `jottad status`".to_owned());
        Check::wrong(if status.daemon { "daemon" } else { "pass" }, trouble, remedy)
    });
    let process = status.pid.map(|pid| format!(" (process {pid})")).unwrap_or_default();
    let no_daemon = (!status.daemon).then(|| {
        let detail = format!("no daemon is running; one pass is under way{process}, and ends by itself");
        Check::wrong("daemon", detail, "start the daemon after it with `jottad service install`")
    });
    let is_fine = trouble.is_none() && no_daemon.is_none();
    let fine = is_fine.then(|| Check::fine("daemon", format!("running, {}", words(status.verdict.0))));
    [trouble, no_daemon, fine].into_iter().flatten().collect()
}

/// What the daemon says of a folder at work, as far as a person can mend it.
fn at_work(folder: &FolderDocument) -> Option<Check> {
    let name = format!("folder {}", folder.name);
    if let Some(held) = &folder.held
        && held.is_of_everything()
    {
        return Some(Check::wrong(name, held.reason.clone(), "see `jottad status`"));
    }
    if let Some(trouble) = &folder.trouble {
        return Some(Check::wrong(name, trouble.clone(), "see `jottad status`"));
    }
    let watching = folder.watching.as_ref().filter(|watching| watching.polled_directories > 0)?;
    let directories = count(watching.polled_directories, "directory is", "directories are");
    let why = watching.notice.as_deref().map(|notice| format!(": {notice}")).unwrap_or_default();
    let detail = format!("{directories} polled instead of watched{why}");
    Some(match &watching.remedy {
        Some(command) => {
            let remedy = format!("{command}; events are taken up by themselves some minutes later");
            Check::wrong(format!("watching {}", folder.name), detail, remedy)
        }
        None => Check::fine(format!("watching {}", folder.name), detail),
    })
}

/// Whether the daemon may have enough files open at once.
fn open_files(pid: u32) -> Option<Check> {
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    let limit: u64 = line.split_whitespace().next()?.parse().ok()?;
    let detail = format!("{limit} may be open at once");
    Some(if limit >= descriptors::FEWEST {
        Check::fine("open files", detail)
    } else {
        Check::wrong("open files", detail, descriptors::REMEDY)
    })
}
