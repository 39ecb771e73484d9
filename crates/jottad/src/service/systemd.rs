//! The user unit of systemd.

use std::path::{Path, PathBuf};
use std::process::Output;

use jottad_core::Timestamp;
use serde_json::Value;

use super::{Installation, LoggedLine, remove_unit, run_tool, show_tool, words, write_unit};
use crate::cli::failure::Failure;
use crate::cli::output::rfc3339;
use crate::places::Places;

/// The unit as packages install it.
const UNIT: &str = include_str!("../../../../packaging/systemd/jottad.service");
/// The line of the unit that is filled in.
const COMMAND: &str = "ExecStart=/usr/bin/jottad run";
const NAME: &str = "jottad.service";

/// jottad under systemd.
#[derive(Debug)]
pub(crate) struct Systemd(pub(super) Installation);

impl Systemd {
    pub(super) fn install(&self) -> Result<PathBuf, Failure> {
        check_session()?;
        let path = self.unit_file();
        write_unit(&path, &self.unit())?;
        self.control_raw(&["daemon-reload"])?;
        self.control_raw(&["enable", NAME])?;
        Self::control("restart")?;
        Ok(path)
    }

    pub(super) fn uninstall(&self) -> Result<(), Failure> {
        check_session()?;
        // A unit that is unknown or does not run is as good as stopped.
        let _ = systemctl(&["disable", "--now", NAME])?;
        remove_unit(&self.unit_file())?;
        self.control_raw(&["daemon-reload"])
    }

    /// The main process of the unit, while it has one.
    pub(super) fn process() -> Option<i32> {
        let output = systemctl(&["show", "--property=MainPID", "--value", NAME]).ok()?;
        String::from_utf8_lossy(&output.stdout).trim().parse().ok().filter(|process| *process != 0)
    }

    pub(super) fn control(verb: &str) -> Result<(), Failure> {
        check_session()?;
        let output = systemctl(&[verb, NAME])?;
        if output.status.success() {
            return Ok(());
        }
        let failure = Failure::failed(format!("systemctl --user {verb} {NAME}: {}", words(&output)));
        let is_known = systemctl(&["cat", NAME])?.status.success();
        Err(failure.hint(if is_known {
            "see `jottad service logs`"
        } else {
            "the service is not installed: jottad service install"
        }))
    }

    pub(super) fn logs(follow: bool) -> Result<(), Failure> {
        show_tool("journalctl", Self::log_arguments(follow, false))
    }

    pub(super) fn log_arguments(follow: bool, json: bool) -> Vec<&'static str> {
        let mut arguments = vec!["--user", "--unit", NAME];
        arguments.push(if follow { "--follow" } else { "--no-pager" });
        if json {
            arguments.push("--output=json");
        }
        arguments
    }

    fn control_raw(&self, arguments: &[&str]) -> Result<(), Failure> {
        let output = systemctl(arguments)?;
        if output.status.success() {
            return Ok(());
        }
        Err(Failure::failed(format!("systemctl --user {}: {}", arguments.join(" "), words(&output)))
            .path(self.unit_file().display().to_string()))
    }

    pub(super) fn unit_file(&self) -> PathBuf {
        let home = &self.0.places.home;
        let base = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
        base.unwrap_or_else(|| home.join(".config")).join("systemd/user").join(NAME)
    }

    /// How the unit names these places.
    pub(super) fn places_in_unit(&self) -> [String; 2] {
        let Places { config_file, state_dir, .. } = &self.0.places;
        let option = |name: &str, path: &Path| format!(" {name} {} ", quote(&path.display().to_string()));
        [option("--config", config_file), option("--state-dir", state_dir)]
    }

    /// The unit with this program and these places in it.
    fn unit(&self) -> String {
        let program = quote(&self.0.program.display().to_string());
        let [config, state_dir] = self.places_in_unit();
        let command = format!("ExecStart={program}{}{}run", config.trim_end(), state_dir);
        UNIT.replace(COMMAND, &command)
    }
}

/// A line of the journal, as `journalctl` writes it for scripts: what is no text is a list of bytes.
pub(super) fn logged(line: &str) -> Option<LoggedLine> {
    let entry: Value = serde_json::from_str(line).ok()?;
    let message = match &entry["MESSAGE"] {
        Value::String(text) => text.clone(),
        Value::Array(bytes) => {
            let bytes = bytes.iter().filter_map(|byte| u8::try_from(byte.as_u64()?).ok());
            String::from_utf8_lossy(&bytes.collect::<Vec<_>>()).into_owned()
        }
        _ => return None,
    };
    let microseconds: Option<i64> = entry["__REALTIME_TIMESTAMP"].as_str().and_then(|text| text.parse().ok());
    let at = microseconds.map(|time| rfc3339(Timestamp::from_seconds(time / 1_000_000)));
    Some(LoggedLine { at, message })
}

/// A word of a command line as systemd reads it.
fn quote(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%").replace('$', "$$");
    format!("\"{escaped}\"")
}

fn systemctl(arguments: &[&str]) -> Result<Output, Failure> {
    run_tool("systemctl", ["--user"].iter().chain(arguments))
}

/// There may be no service manager for this user: in a container, or under `su` or `sudo`.
fn check_session() -> Result<(), Failure> {
    let output = systemctl(&["show-environment"])?;
    if output.status.success() {
        return Ok(());
    }
    Err(Failure::failed(format!("no systemd of this user is running: {}", words(&output))).hint(
        "log in as the user itself instead of through su or sudo; on a server, `loginctl enable-linger` lets the \
         service run without anybody being logged in",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn systemd() -> Systemd {
        Systemd(Installation {
            program: "/home/kari/my bin/jottad".into(),
            places: Places {
                home: "/home/kari".into(),
                config_file: "/home/kari/100%/c.toml".into(),
                state_dir: "/home/kari/$state".into(),
            },
        })
    }

    #[test]
    fn the_unit_runs_this_program_with_these_places() {
        assert_eq!(UNIT.matches(COMMAND).count(), 1);
        let unit = systemd().unit();
        let line = unit.lines().find(|line| line.starts_with("ExecStart=")).unwrap();
        assert_eq!(
            line,
            r#"ExecStart="/home/kari/my bin/jottad" --config "/home/kari/100%%/c.toml" --state-dir "/home/kari/$$state" run"#
        );
    }

    #[test]
    fn lines_of_the_journal_are_read_whatever_they_hold() {
        let line = |at: Option<&str>, message: &str| LoggedLine {
            at: at.map(str::to_owned),
            message: message.to_owned(),
        };
        for (text, expected) in [
            (
                r#"{"__REALTIME_TIMESTAMP":"1700000000999999","MESSAGE":"running","PRIORITY":"6"}"#,
                Some(line(Some("2023-11-14T22:13:20Z"), "running")),
            ),
            (r#"{"MESSAGE":[97,255,98]}"#, Some(line(None, "a\u{FFFD}b"))),
            (r#"{"MESSAGE":null}"#, None),
            ("-- No entries --", None),
        ] {
            assert_eq!(logged(text), expected, "{text}");
        }
    }

    #[test]
    fn the_unit_restarts_after_failures_but_not_after_config_errors() {
        let settings = ["Type=notify", "Restart=on-failure", "RestartPreventExitStatus=2", "WatchdogSec=300"];
        for setting in settings {
            assert!(UNIT.lines().any(|line| line == setting), "{setting}");
        }
    }
}
