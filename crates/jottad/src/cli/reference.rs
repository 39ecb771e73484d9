//! `docs/commands.md`: printed from the command line's own description and from what is said here of each
//! command, so that it cannot go stale. `JOTTAD_WRITE_DOCS=1 cargo test -p jottad reference` prints it again.

use std::fmt::Write as _;
use std::path::Path;

use clap::{Arg, ArgAction, Command, CommandFactory as _, Parser as _};

use crate::cli::arguments::Arguments;

/// What a command's own description does not say.
struct Entry {
    /// The command, without `jottad`.
    command: &'static str,
    /// Command lines that work, without `jottad`.
    examples: &'static [&'static str],
    /// Which exit codes it has, besides 0 for done and 2 for a wrong command line or config.
    codes: Codes,
    /// What `--json` prints, as names; empty for nothing.
    json: &'static str,
}

/// The kinds of commands, by how they can end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Codes {
    /// They can only fail.
    Local,
    /// They ask the service.
    Service,
    /// They transfer many entries, some of which may not be had.
    Entries,
    /// They ask the daemon.
    Daemon,
    /// They ask the daemon and end with what it says.
    Verdict,
    /// They do a pass themselves and end with its verdict.
    Pass,
    /// They ask the daemon what is wrong.
    Problems,
    /// They tell whatever runs, or runs next, to rest.
    Pause,
    /// They ask the daemon what is held.
    Held,
    /// They tell what would be done, of what is not held.
    Plan,
    /// They check several things.
    Checks,
}

impl Codes {
    fn text(self) -> &'static str {
        match self {
            Self::Local => "0 done, 1 failed, 2 usage",
            Self::Service => "0 done, 1 failed, 2 usage, 4 login needed, 8 offline",
            Self::Entries => {
                "0 done, 1 failed, 2 usage, 4 login needed, 6 some entries were left out, 8 offline"
            }
            Self::Pause => "0 done, 1 failed, 2 usage, 4 login needed, 9 the daemon does not answer",
            Self::Daemon => {
                "0 done, 1 failed, 2 usage, 7 the folder cannot run as it is written, 9 the daemon does not answer"
            }
            Self::Verdict => {
                "0 in sync, 1 failed, 2 usage, 3 daemon not running, otherwise the verdict: 4 to 10"
            }
            Self::Pass => "0 in sync, 1 failed, 2 usage, otherwise the verdict: 4 to 10",
            Self::Problems => {
                "0 no problem, 1 failed, 2 usage, 5 not known of every folder, 6 problems, 9 the daemon does not answer"
            }
            Self::Held => {
                "0 nothing is held, 1 failed, 2 usage, 7 something is held, 9 the daemon does not answer"
            }
            Self::Plan => {
                "0 done, 1 failed, 2 usage, 4 login needed, 7 a folder is held as a whole, 8 offline, 9 the service or the daemon does not answer"
            }
            Self::Checks => "0 all is well, 1 something is not, 2 usage",
        }
    }
}

#[rustfmt::skip]
const ENTRIES: &[Entry] = &[
    Entry { command: "demo", examples: &["demo", "demo ~/Pictures"], codes: Codes::Local, json: "" },
    Entry { command: "setup", examples: &["setup"], codes: Codes::Pass, json: "" },
    Entry { command: "login", examples: &["login", "login --token-stdin"], codes: Codes::Service,
        json: "{schema, username, email}" },
    Entry { command: "logout", examples: &["logout"], codes: Codes::Local, json: "{schema, was_logged_in}" },
    Entry { command: "account", examples: &["account", "account --json"], codes: Codes::Service,
        json: "{schema, username, email, name, brand, login_brand, device, used_bytes, quota_bytes, unlimited, quota_warning, write_locked, read_locked, devices: [{name, display_name, type, used_bytes, modified}]}" },
    Entry { command: "folder add", examples: &["folder add ~/Documents", "folder add ~/Documents Jotta/Archive/Documents --mode backup --name docs"],
        codes: Codes::Local, json: "{schema, name, local, remote, mode, ignore, remote_files, remote_bytes, files, directories, bytes, unreadable}" },
    Entry { command: "folder list", examples: &["folder list"], codes: Codes::Local,
        json: "{schema, folders: [{name, local, remote, mode, ignore, max_size}]}" },
    Entry { command: "folder remove", examples: &["folder remove docs"], codes: Codes::Local, json: "{schema, removed}" },
    Entry { command: "folder set", examples: &["folder set docs mode=sync", "folder set docs ignore=*.tmp,*.bak max_size=4GiB"], codes: Codes::Local,
        json: "{schema, folder: {name, local, remote, mode, ignore, max_size}, changed: [{key, before, after}]}" },
    Entry { command: "run", examples: &["run", "run --once"], codes: Codes::Pass, json: STATUS },
    Entry { command: "service install", examples: &["service install"], codes: Codes::Local, json: "{schema, service, unit}" },
    Entry { command: "service uninstall", examples: &["service uninstall"], codes: Codes::Local, json: "{schema, service, unit}" },
    Entry { command: "service start", examples: &["service start"], codes: Codes::Local, json: "{schema, service, unit}" },
    Entry { command: "service stop", examples: &["service stop"], codes: Codes::Local, json: "{schema, service, unit}" },
    Entry { command: "service restart", examples: &["service restart"], codes: Codes::Local, json: "{schema, service, unit}" },
    Entry { command: "service logs", examples: &["service logs", "service logs -f"], codes: Codes::Local, json: "one a line: {at, message}" },
    Entry { command: "status", examples: &["status", "status --watch", "status --line"], codes: Codes::Pass, json: STATUS },
    Entry { command: "plan", examples: &["plan", "plan docs"], codes: Codes::Plan,
        json: "{schema, folders: [{name, operations: [{kind, path, to, bytes, why}], count, bytes, unconfirmed, verdict, paused, unseen_directories, held: {kind, reason, choices}, would_hold: [{kind, reason, entries, files, of, limit, allowed, held}]}], left_out: [{name, verdict, reason}]}" },
    Entry { command: "sync", examples: &["sync", "sync docs --wait --timeout 10m"], codes: Codes::Verdict, json: "" },
    Entry { command: "verify", examples: &["verify", "verify docs"], codes: Codes::Pass,
        json: "{schema, folders: [{name, began_at, ended_at, files, bytes, damaged, unread, sent, mended, meanwhile, compared}]}" },
    Entry { command: "pause", examples: &["pause", "pause docs 2h"], codes: Codes::Pause, json: "" },
    Entry { command: "resume", examples: &["resume", "resume docs"], codes: Codes::Daemon, json: "" },
    Entry { command: "held", examples: &["held"], codes: Codes::Held,
        json: "{schema, folders: [{name, kind, reason, choices: [{means, command}], deletes: [{path, side, entries, files}], overwrites: [{path}]}], noted: [{word, …as in folders}], runs}" },
    Entry { command: "approve", examples: &["approve docs"], codes: Codes::Daemon, json: "" },
    Entry { command: "reject", examples: &["reject docs"], codes: Codes::Daemon, json: "" },
    Entry { command: "problems", examples: &["problems"], codes: Codes::Problems,
        json: "{schema, problems: [{folder, path, kind, reason, remedy, since, tries, next_try, being_tried}], left_out: [{name, verdict, reason}]}" },
    Entry { command: "conflicts", examples: &["conflicts", "conflicts docs"], codes: Codes::Daemon,
        json: "{schema, conflicts: [{folder, path, copy}], left_out: [{name, verdict, reason}]}" },
    Entry { command: "why", examples: &["why ~/Documents/letter.txt"], codes: Codes::Daemon,
        json: "{schema, folder, path, state, reason, rule, base, local, remote, sent, next, last_operations}" },
    Entry { command: "log", examples: &["log", "log -f", "log --path ~/Documents --kind trash --since yesterday"], codes: Codes::Daemon,
        json: "one a line: {folder, id, at, kind, path, to, bytes, error}" },
    Entry { command: "ls", examples: &["ls Jotta/Archive", "ls -l -R Jotta/Archive/Documents"], codes: Codes::Service,
        json: "one a line: {path, name, kind, size, md5, modified}" },
    Entry { command: "cat", examples: &["cat Jotta/Archive/notes.txt", "cat --offset 100 --length 20 Jotta/Archive/notes.txt"],
        codes: Codes::Service, json: "" },
    Entry { command: "get", examples: &["get Jotta/Archive/notes.txt", "get -r Jotta/Archive/Documents restored", "get 'Jotta/Archive/Photos/*.jpg' Jotta/Archive/notes.txt here", "get Jotta/Archive/notes.txt -"],
        codes: Codes::Entries, json: "{schema, files, bytes, unchanged, to_local_trash, skipped: [{path, reason}]}" },
    Entry { command: "put", examples: &["put notes.txt Jotta/Archive", "put -r Pictures Jotta/Archive/Pictures", "put a.txt b.txt Jotta/Archive", "put - Jotta/Archive/from-a-pipe.txt"],
        codes: Codes::Entries, json: "{schema, files, bytes, unchanged, to_local_trash, skipped: [{path, reason}]}" },
    Entry { command: "mkdir", examples: &["mkdir Jotta/Archive/2026/March"], codes: Codes::Service, json: "{schema, path, made}" },
    Entry { command: "mv", examples: &["mv Jotta/Archive/a.txt Jotta/Archive/b.txt"], codes: Codes::Service, json: "{schema, path, to}" },
    Entry { command: "cp", examples: &["cp Jotta/Archive/a.txt Jotta/Archive/copies/a.txt"], codes: Codes::Entries, json: "" },
    Entry { command: "rm", examples: &["rm Jotta/Archive/a.txt", "rm -r Jotta/Archive/old"], codes: Codes::Service,
        json: "one a line: {schema, path, permanent}" },
    Entry { command: "touch", examples: &["touch Jotta/Archive/a.txt", "touch --time 2026-01-31 Jotta/Archive/a.txt"],
        codes: Codes::Service, json: "{schema, path, modified}" },
    Entry { command: "link", examples: &["link Jotta/Archive/a.txt"], codes: Codes::Service, json: "{schema, path, page, download}" },
    Entry { command: "unlink", examples: &["unlink Jotta/Archive/a.txt"], codes: Codes::Service, json: "{schema, path}" },
    Entry { command: "versions", examples: &["versions Jotta/Archive/a.txt"], codes: Codes::Service,
        json: "{schema, path, trashed, versions: [{revision, state, size, md5, modified, updated, current}]}" },
    Entry { command: "restore", examples: &["restore Jotta/Archive/gone.txt", "restore Jotta/Archive/a.txt --revision 3", "restore Jotta/Archive/a.txt --revision 3 --to old.txt", "restore Jotta/Archive/gone.txt --here"],
        codes: Codes::Entries, json: "{schema, path, …}; in a folder also folder: {name, mode, local, next_pass}, with --here here: {files, bytes, unchanged, to_local_trash, skipped: [{path, reason}]}" },
    Entry { command: "trash ls", examples: &["trash ls", "trash ls --local docs"], codes: Codes::Service, json: "one a line: {path, kind, size, deleted}; with --local also folder" },
    Entry { command: "trash restore", examples: &["trash restore Jotta/Archive/gone.txt", "trash restore --local ~/Documents/gone.txt"], codes: Codes::Entries, json: "with --local: {schema, folder, restored}" },
    Entry { command: "trash empty", examples: &["trash empty", "trash empty --yes", "trash empty --local docs"], codes: Codes::Service, json: "{schema, folders, files}; with --local schema and bytes" },
    Entry { command: "devices", examples: &["devices"], codes: Codes::Service,
        json: "{schema, devices: [{name, display_name, type, used_bytes, modified}]}" },
    Entry { command: "devices create", examples: &["devices create laptop"], codes: Codes::Service,
        json: "{schema, device: {name, display_name, type, used_bytes, modified}}" },
    Entry { command: "mountpoints", examples: &["mountpoints Jotta"], codes: Codes::Service,
        json: "{schema, device, mountpoints: [{name, used_bytes, modified, trashed}]}" },
    Entry { command: "mountpoints create", examples: &["mountpoints create laptop documents"], codes: Codes::Service,
        json: "{schema, mountpoint: {name, used_bytes, modified, trashed}}" },
    Entry { command: "doctor", examples: &["doctor"], codes: Codes::Checks, json: "{schema, checks}" },
    Entry { command: "selftest", examples: &["selftest Jotta/Archive", "selftest Jotta/Archive --only U-07 --json", "selftest Jotta/Archive --destroy --token-stdin"],
        codes: Codes::Service,
        json: "{schema, remote, scratch, put_away, complete, as_assumed, different, not_told, questions: [{id, name, question, answer, assumed, differs, seen, not_told}]}" },
    Entry { command: "completions", examples: &["completions bash"], codes: Codes::Local, json: "" },
    Entry { command: "man", examples: &["man"], codes: Codes::Local, json: "" },
];

const STATUS: &str = "{schema, verdict, version, daemon, pid, started_at, account: {username, email, used_bytes, quota_bytes, checked_at}, folders: [{name, local, remote, mode, verdict, settled, only_failures_left, proven_at, caught_up_at, local_checked_at, remote_checked_at, heard, listed_every_seconds, files, directories, bytes, skipped: {rules, max_size, links, special}, pending, transfers, paused, unseen_directories, held, noted, problems, watching, …}], problems, …}";

const HEAD: &str = "\
# Commands

Every command with its options. This file is printed from the program's own description of them; a test fails when it is
stale. REMOTE is `DEVICE/MOUNTPOINT[/path]`, for example `Jotta/Archive/Photos`, with names as you know them.

Results go to stdout. Errors go to stderr: a line `error: …` with what failed, on what and why, and mostly a line `hint: …` with what
mends it; with `--json` one document `{\"schema\": 1, \"error\": {\"kind\", \"message\", \"path\", \"hint\"}}`.
Commands in what is said to people carry the `--config` and `--state-dir` of the call that they answer; in JSON they stand without.
A name that a terminal would not show for what it is, is shown as bash and zsh quote it: `$'two\\nlines'` (`docs/errors.md`).

Exit codes: 0 done / in sync, 1 failed, 2 usage, 3 daemon not running, 4 login needed, 5 working, not yet in sync, 6 problems remain, 7
held, 8 offline, 9 stalled, 10 paused, 130 interrupted.

Without a daemon `status`, `problems`, `held`, `approve`, `reject`, `why`, `log` and `conflicts` answer from what the last run knew, and
say so on stderr; `status` exits with how that run ended (4, 7, 8 and 9 included) until another one ends otherwise.
`pause` and `resume` are noted for whatever runs next; `plan` looks at both sides and changes nothing; `verify` does the pass itself. What
is watched (`status --watch`, `log --follow`) goes on when a daemon starts or ends. Only `sync` needs one; `run --once` does a pass
without it.

A command that asks the service says on stderr after five seconds without an answer what it waits for, and gives up after 70 (8).
A person who answers a question with no is told what was not done, and the command ends with 1.

`get -r`, `put -r`, `cp -r` and `restore` work on as many files at one time as the service and the line bear: four at first, more while that is
faster, fewer when the service turns requests away or only gets slower; at most 16, of files below 64 KiB 32.
";

/// The commands that do something themselves, each with its path.
fn commands<'a>(command: &'a Command, path: &str, found: &mut Vec<(String, &'a Command)>) {
    for below in command.get_subcommands().filter(|below| below.get_name() != "help") {
        let path = format!("{path} {}", below.get_name()).trim_start().to_owned();
        let has_more = below.get_subcommands().any(|further| further.get_name() != "help");
        if !has_more || !below.is_subcommand_required_set() {
            found.push((path.clone(), below));
        }
        commands(below, &path, found);
    }
}

fn argument(argument: &Arg) -> String {
    let values = argument.get_value_names().unwrap_or_default();
    let takes_value = matches!(argument.get_action(), ArgAction::Set | ArgAction::Append);
    let mut value = String::new();
    for name in values.iter().filter(|_| takes_value) {
        write!(value, " {name}").unwrap();
    }
    let short = argument.get_short().map(|letter| format!("-{letter}"));
    let long = argument.get_long().map(|word| format!("--{word}"));
    let names: Vec<String> = short.into_iter().chain(long).collect();
    let names =
        if names.is_empty() { value.trim().to_owned() } else { format!("{}{value}", names.join(", ")) };
    let mut text = argument.get_help().map(ToString::to_string).unwrap_or_default();
    let choices: Vec<String> = argument
        .get_possible_values()
        .iter()
        .filter(|_| takes_value)
        .map(|choice| choice.get_name().to_owned())
        .collect();
    if !choices.is_empty() {
        write!(text, " ({})", choices.join(", ")).unwrap();
    }
    let default: Vec<String> = argument
        .get_default_values()
        .iter()
        .filter(|_| takes_value)
        .map(|value| value.to_string_lossy().into_owned())
        .collect();
    if !default.is_empty() {
        write!(text, " (default: {})", default.join(", ")).unwrap();
    }
    format!("| `{names}` | {} |\n", text.replace('|', "\\|"))
}

fn table(command: &Command, is_listed: impl Fn(&Arg) -> bool) -> String {
    let rows: String = command
        .get_arguments()
        .filter(|argument| !argument.is_hide_set() && is_listed(argument))
        .map(argument)
        .collect();
    if rows.is_empty() { rows } else { format!("\n| option | |\n|---|---|\n{rows}") }
}

fn document() -> String {
    let mut program = Arguments::command();
    program.build();
    let mut text = HEAD.to_owned();
    let is_own = |argument: &Arg| !matches!(argument.get_id().as_str(), "help" | "version");
    write!(text, "\n## For every command\n{}", table(&program, is_own)).unwrap();
    let mut found = Vec::new();
    commands(&program, "", &mut found);
    for (path, command) in found {
        let entry = ENTRIES.iter().find(|entry| entry.command == path);
        let entry = entry.unwrap_or_else(|| panic!("nothing is said of {path:?} in reference.rs"));
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        write!(text, "\n## {path}\n\n{about}.\n").unwrap();
        text.push_str(&table(command, |argument| is_own(argument) && !argument.is_global_set()));
        text.push_str("\n```\n");
        for example in entry.examples {
            writeln!(text, "jottad {example}").unwrap();
        }
        write!(text, "```\n\nExit codes: {}.\n", entry.codes.text()).unwrap();
        if !entry.json.is_empty() {
            let (note, shape) =
                entry.json.split_once(": {").map_or(("", entry.json.to_owned()), |(note, rest)| {
                    if note.starts_with('{') {
                        ("", entry.json.to_owned())
                    } else {
                        (note, format!("{{{rest}"))
                    }
                });
            let note = if note.is_empty() { String::new() } else { format!(", {note}") };
            write!(text, "\nJSON{note}: `{shape}`\n").unwrap();
        }
    }
    text
}

#[test]
fn the_document_of_the_commands_is_not_stale() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/commands.md");
    let printed = document();
    if std::env::var_os("JOTTAD_WRITE_DOCS").is_some() {
        std::fs::write(&path, &printed).unwrap();
    }
    assert!(
        std::fs::read_to_string(&path).unwrap_or_default() == printed,
        "docs/commands.md is stale: run JOTTAD_WRITE_DOCS=1 cargo test -p jottad reference"
    );
}

#[test]
fn nothing_is_said_of_commands_that_do_not_exist() {
    let mut program = Arguments::command();
    program.build();
    let mut found = Vec::new();
    commands(&program, "", &mut found);
    let known: Vec<&str> = found.iter().map(|(path, _)| path.as_str()).collect();
    for entry in ENTRIES {
        assert!(known.contains(&entry.command), "{}", entry.command);
    }
}

#[test]
fn every_example_is_understood() {
    for entry in ENTRIES {
        assert!(!entry.examples.is_empty(), "{}", entry.command);
        for example in entry.examples {
            assert!(example.starts_with(entry.command), "{example}");
            let words = std::iter::once("jottad").chain(example.split(' '));
            Arguments::try_parse_from(words).unwrap_or_else(|error| panic!("{example}: {error}"));
        }
    }
}
