//! The settings of a folder in words: what is listed of them, and what a change has changed.

use std::time::Duration;

use jottad_engine::ProofInterval;
use jottad_watcher::Backend;
use serde_json::{Value, json};

use crate::config::Folder;
use crate::config::units::{format_duration, format_size};

/// A setting that was to be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) key: String,
    /// What it was; `None` if that could not be used.
    pub(super) before: Option<String>,
    pub(super) after: String,
}

impl Change {
    pub(super) fn of(key: &str, before: Option<&Folder>, after: &Folder) -> Self {
        let before = before.map(|folder| setting(folder, key));
        Self { key: key.to_owned(), before, after: setting(after, key) }
    }

    /// In words.
    pub(super) fn text(&self) -> String {
        let Self { key, before, after } = self;
        match before {
            Some(before) if before == after => format!("{key} is {after} already"),
            Some(before) => format!("{key} is {after} now (was {before})"),
            None => format!("{key} is {after} now"),
        }
    }

    /// For scripts.
    pub(super) fn document(&self) -> Value {
        json!({"key": self.key, "before": self.before, "after": self.after})
    }
}

/// What a person set of what is left out: rules and limits, one a line.
pub(super) fn limits(folder: &Folder) -> Vec<String> {
    let mut lines = Vec::new();
    if !folder.ignore.is_empty() {
        lines.push(format!("ignore: {}", setting(folder, "ignore")));
    }
    if folder.max_size.is_some() {
        lines.push(format!("max_size: {}", setting(folder, "max_size")));
    }
    lines
}

/// The value of a key, for people.
fn setting(folder: &Folder, key: &str) -> String {
    match key {
        "name" => folder.name.clone(),
        "local" => folder.local.display().to_string(),
        "remote" => folder.remote.to_string(),
        "mode" => folder.mode.to_string(),
        "ignore" if folder.ignore.is_empty() => "nothing".to_owned(),
        "ignore" => folder.ignore.join(", "),
        "settle" => duration(folder.settle),
        "poll" => duration(folder.poll),
        "proof" => match folder.proof {
            ProofInterval::Auto => "auto".to_owned(),
            ProofInterval::Every(interval) => duration(interval),
        },
        "scan" => duration(folder.scan),
        "watch" => match folder.watch {
            Backend::Auto => "auto",
            Backend::Notify => "notify",
            Backend::Poll => "poll",
        }
        .to_owned(),
        "max_size" => folder.max_size.map_or_else(|| "unlimited".to_owned(), format_size),
        "resend" => duration(folder.resend),
        _ => String::new(),
    }
}

fn duration(duration: Duration) -> String {
    match duration.as_millis() {
        milliseconds @ 1..=999 => format!("{milliseconds} ms"),
        _ => format_duration(duration),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::config::edit::FOLDER_KEYS;
    use crate::places::Places;

    fn folder(more: &str) -> Folder {
        let places =
            Places { home: "/home/kari".into(), config_file: "/c".into(), state_dir: "/state".into() };
        let head = "[[folder]]\nname = \"docs\"\nlocal = \"/srv/docs\"\nremote = \"Jotta/Archive/docs\"\n";
        Config::parse(&format!("{head}{more}"), &places).unwrap().folders.remove(0)
    }

    #[test]
    fn a_change_is_told_with_what_was_before() {
        let before = folder("");
        for (key, written, expected) in [
            ("mode", "mode = \"archive\"", "mode is archive now (was backup)"),
            ("mode", "mode = \"backup\"", "mode is backup already"),
            ("max_size", "max_size = \"4 GiB\"", "max_size is 4.0 GiB now (was unlimited)"),
            ("ignore", "ignore = [\"*.tmp\", \"x/\"]", "ignore is *.tmp, x/ now (was nothing)"),
            ("settle", "settle = \"2s\"", "settle is 2 s now (was 500 ms)"),
            ("poll", "poll = \"1h\"", "poll is 1 h now (was 10 min)"),
            ("proof", "proof = \"1h\"", "proof is 1 h now (was auto)"),
            ("scan", "scan = \"1h\"", "scan is 1 h now (was 6 h)"),
            ("watch", "watch = \"poll\"", "watch is poll now (was auto)"),
            ("resend", "resend = \"0s\"", "resend is 0 s now (was 5 min)"),
            ("name", "", "name is docs already"),
            ("local", "", "local is /srv/docs already"),
            ("remote", "", "remote is Jotta/Archive/docs already"),
        ] {
            assert_eq!(Change::of(key, Some(&before), &folder(written)).text(), expected, "{written}");
        }
        assert_eq!(Change::of("mode", None, &before).text(), "mode is backup now");
    }

    #[test]
    fn every_key_has_a_value() {
        for key in FOLDER_KEYS {
            assert!(!setting(&folder(""), key).is_empty(), "{key}");
        }
    }

    #[test]
    fn rules_and_limits_are_listed_where_there_are_any() {
        assert!(limits(&folder("")).is_empty());
        let set = folder("ignore = [\"*.tmp\", \"*.bak\"]\nmax_size = \"2 MiB\"");
        assert_eq!(limits(&set), ["ignore: *.tmp, *.bak", "max_size: 2.0 MiB"]);
    }
}
