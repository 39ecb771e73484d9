//! What a program does to the disk, call by call: which of it a power cut would have kept, and what the index
//! said at any moment.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags};
use tempfile::TempDir;

use super::{Machine, Outcome, is_missing};

/// The calls that change what a disk holds, or make it durable.
const CALLS: &str =
    "trace=mkdir,mkdirat,rename,renameat,renameat2,unlink,unlinkat,fsync,fdatasync,write,pwrite64,ftruncate";

/// A system call that succeeded.
#[derive(Debug)]
struct Call {
    name: String,
    arguments: Vec<Argument>,
    result: u64,
    /// The line in which it began, and the one in which it had returned.
    began: usize,
    ended: usize,
}

/// What a call was given.
#[derive(Debug, PartialEq, Eq)]
enum Argument {
    /// An open file or directory, by its path at that moment.
    Open(PathBuf),
    Bytes(Vec<u8>),
    Other(String),
}

/// What a program did to the disk from its start to its end.
#[derive(Debug)]
pub(crate) struct Recording {
    calls: Vec<Call>,
    /// The index's files as they were before.
    before: BTreeMap<PathBuf, Vec<u8>>,
}

/// An entry that got its name.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Named {
    /// What it was called before; `None` of a directory that was made.
    pub(crate) from: Option<PathBuf>,
    pub(crate) path: PathBuf,
    /// What had the name before got the other one.
    is_swapped: bool,
    began: usize,
    ended: usize,
}

impl Recording {
    /// Runs the program to its end and watches it; `None` where that is not possible.
    pub(crate) fn of(machine: &Machine, arguments: &[&str]) -> Option<(Outcome, Self)> {
        if is_missing("strace", &["strace", "-o", "/dev/null", "true"]) {
            return None;
        }
        let index = machine.state().join("index");
        let files = fs::read_dir(&index).map(|files| files.map(|file| file.unwrap().path()).collect());
        let files: Vec<PathBuf> = files.unwrap_or_default();
        let before = files.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect();
        let trace = machine.beside("trace");
        let program = machine.command(arguments);
        let mut command = Command::new("strace");
        command.args(["-f", "-qq", "-y", "-x", "-s", "70000", "-e", "signal=none", "-e", CALLS, "-o"]);
        command.arg(&trace).arg(program.get_program()).args(program.get_args()).current_dir(machine.home());
        command.env_clear().envs(program.get_envs().filter_map(|(key, value)| Some((key, value?))));
        let outcome = Outcome::of(command);
        let trace = fs::read_to_string(trace).unwrap();
        Some((outcome, Self { calls: calls(&trace), before }))
    }

    /// Everything that got a name in a directory or below it, in order.
    pub(crate) fn named_below(&self, directory: &Path) -> Vec<Named> {
        let named = self.calls.iter().filter_map(|call| {
            let (from, path) = match call.name.as_str() {
                "mkdir" | "mkdirat" => (None, call.path(0)?.0),
                "rename" | "renameat" | "renameat2" => {
                    let (from, next) = call.path(0)?;
                    (Some(from), call.path(next)?.0)
                }
                _ => return None,
            };
            let is_swapped = call.arguments.contains(&Argument::Other("RENAME_EXCHANGE".to_owned()));
            Some(Named { from, path, is_swapped, began: call.began, ended: call.ended })
        });
        named.filter(|named| named.path.starts_with(directory)).collect()
    }

    /// The first moment at which a power cut would have left an entry under its new name, with all of its
    /// content; or why there is none.
    pub(crate) fn durable(&self, named: &Named) -> Result<usize, String> {
        if let Some(from) = named.from.as_deref().filter(|_| !named.path.is_dir()) {
            let known_as = self.names_until(named.began, from);
            let of_it =
                |call: &&Call| call.opened().is_some_and(|path| known_as.iter().any(|name| name == path));
            let before = || self.calls.iter().filter(|call| call.ended < named.began).filter(of_it);
            // What the program has not written is the user's, as durable as they made it.
            let written = before().filter(|call| call.writes()).map(|call| call.ended).max();
            if written.is_some_and(|written| !before().any(|call| call.syncs() && call.began > written)) {
                return Err(format!("{} was not synced before it got its name: {named:?}", from.display()));
            }
        }
        let places = [Some(named.path.as_path()), named.from.as_deref().filter(|_| named.is_swapped)];
        let mut durable = named.ended;
        for directory in places.into_iter().flatten().filter_map(Path::parent) {
            let synced = self.synced(directory, named.ended);
            let synced =
                synced.ok_or_else(|| format!("{} was not synced after: {named:?}", directory.display()));
            durable = durable.max(synced?);
        }
        Ok(durable)
    }

    /// What an entry was called until a moment, from the last name to the first.
    fn names_until(&self, mut moment: usize, name: &Path) -> Vec<PathBuf> {
        let all = self.named_below(Path::new("/"));
        let mut names = vec![name.to_owned()];
        while let Some(before) = all.iter().rfind(|it| it.ended < moment && names.last() == Some(&it.path)) {
            moment = before.began;
            let Some(from) = &before.from else { break };
            names.push(from.clone());
        }
        names
    }

    /// When a file or directory was made durable that began after a moment.
    pub(crate) fn synced(&self, path: &Path, after: usize) -> Option<usize> {
        let syncs = self.calls.iter().filter(|call| call.syncs());
        let syncs = syncs.filter(|call| call.began > after && call.opened() == Some(path));
        syncs.map(|call| call.ended).min()
    }

    /// What a question to the index would have been answered, had the power failed at a moment after all that
    /// was written had reached the disk.
    pub(crate) fn index_at(&self, moment: usize, question: &str) -> Vec<String> {
        let mut files = self.before.clone();
        for call in self.calls.iter().filter(|call| call.began < moment) {
            if call.name.starts_with("unlink") {
                call.path(0).and_then(|(path, _)| files.remove(&path));
                continue;
            }
            let Some(path) = call.opened().filter(|path| is_of_index(path)) else { continue };
            let file = files.entry(path.to_owned()).or_default();
            match (call.name.as_str(), call.arguments.as_slice()) {
                ("pwrite64", [_, Argument::Bytes(bytes), _, Argument::Other(offset)]) => {
                    let (offset, length) =
                        (offset.parse::<usize>().unwrap(), usize::try_from(call.result).unwrap());
                    file.resize(file.len().max(offset + length), 0);
                    file[offset..offset + length].copy_from_slice(&bytes[..length]);
                }
                ("ftruncate", [_, Argument::Other(size)]) => file.resize(size.parse().unwrap(), 0),
                _ => {}
            }
        }
        let place = TempDir::new().unwrap();
        for (path, content) in &files {
            fs::write(place.path().join(path.file_name().unwrap()), content).unwrap();
        }
        let is_index = |path: &&PathBuf| path.extension().is_some_and(|ending| ending == "sqlite");
        let Some(index) = files.keys().find(is_index) else { return Vec::new() };
        let index = place.path().join(index.file_name().unwrap());
        let index = Connection::open_with_flags(index, OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap();
        // Before its first commit it has no tables.
        let Ok(mut statement) = index.prepare(question) else { return Vec::new() };
        let rows = statement.query_map([], |row| row.get::<_, Value>(0)).unwrap();
        let text = |value| match value {
            Value::Text(text) => text,
            other => format!("{other:?}"),
        };
        rows.map(|row| text(row.unwrap())).collect()
    }

    /// When it had ended.
    pub(crate) fn end(&self) -> usize {
        self.calls.last().map_or(0, |call| call.ended + 1)
    }
}

impl Call {
    /// The path that is said from an argument on, and which argument is the next.
    fn path(&self, at: usize) -> Option<(PathBuf, usize)> {
        let text = |argument: &Argument| match argument {
            Argument::Bytes(bytes) => Some(PathBuf::from(String::from_utf8_lossy(bytes).into_owned())),
            _ => None,
        };
        match self.arguments.get(at)? {
            Argument::Open(directory) => Some((directory.join(text(self.arguments.get(at + 1)?)?), at + 2)),
            // Relative to the working directory, which no path of the program is.
            Argument::Other(_) => Some((text(self.arguments.get(at + 1)?)?, at + 2)),
            bytes @ Argument::Bytes(_) => Some((text(bytes)?, at + 1)),
        }
    }

    fn opened(&self) -> Option<&Path> {
        match self.arguments.first()? {
            Argument::Open(path) => Some(path),
            _ => None,
        }
    }

    fn syncs(&self) -> bool {
        ["fsync", "fdatasync"].contains(&self.name.as_str())
    }

    fn writes(&self) -> bool {
        ["write", "pwrite64", "ftruncate"].contains(&self.name.as_str())
    }
}

fn is_of_index(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().contains(".sqlite"))
}

/// The calls of a trace that succeeded, in the order in which they began.
fn calls(trace: &str) -> Vec<Call> {
    let mut unfinished: BTreeMap<&str, (usize, String)> = BTreeMap::new();
    let mut calls = Vec::new();
    for (line, text) in trace.lines().enumerate() {
        let Some((process, text)) = text.split_once(' ') else { continue };
        let text = text.trim_start();
        if let Some(text) = text.strip_suffix(" <unfinished ...>") {
            unfinished.insert(process, (line, text.to_owned()));
        } else if let Some((_, rest)) =
            text.strip_prefix("<... ").and_then(|text| text.split_once(" resumed>"))
        {
            let Some((began, text)) = unfinished.remove(process) else { continue };
            calls.extend(call(&format!("{text}{rest}"), began, line));
        } else {
            calls.extend(call(text, line, line));
        }
    }
    calls.sort_by_key(|call| call.began);
    calls
}

/// One call, if it is one and succeeded.
fn call(text: &str, began: usize, ended: usize) -> Option<Call> {
    let (name, text) = text.split_once('(')?;
    let (arguments, result) = text.rsplit_once(" = ")?;
    let arguments = arguments.trim_end().strip_suffix(')')?;
    let result = result.split_whitespace().next()?.parse().ok()?;
    Some(Call { name: name.to_owned(), arguments: split(arguments), result, began, ended })
}

/// The arguments of a call, by the commas that are in no quotes.
fn split(text: &str) -> Vec<Argument> {
    let mut arguments = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let end = if let Some(quoted) = rest.strip_prefix('"') {
            let mut escaped = false;
            let end = quoted.bytes().position(|byte| {
                let ends = byte == b'"' && !escaped;
                escaped = byte == b'\\' && !escaped;
                ends
            });
            1 + end.unwrap_or(quoted.len())
        } else {
            0
        };
        let end = rest[end..].find(',').map_or(rest.len(), |comma| end + comma);
        arguments.push(argument(rest[..end].trim()));
        rest = rest[end..].trim_start_matches(',').trim_start();
    }
    arguments
}

fn argument(text: &str) -> Argument {
    if let Some(quoted) = text.strip_prefix('"') {
        return Argument::Bytes(unescaped(quoted.trim_end_matches("...").trim_end_matches('"')));
    }
    match text.split_once('<').and_then(|(_, path)| path.strip_suffix('>')) {
        Some(path) if path.starts_with('/') && !text.starts_with("AT_FDCWD") => Argument::Open(path.into()),
        _ => Argument::Other(text.to_owned()),
    }
}

/// The bytes that a quoted text stands for.
fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len() / 4);
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        if *byte != b'\\' {
            bytes.push(*byte);
            continue;
        }
        let Some((escape, after)) = rest.split_first() else { break };
        let (digits, radix) = match escape {
            b'x' => (&after[..2], 16),
            b'0'..=b'7' => {
                let octal = rest.iter().take(3).take_while(|digit| (b'0'..=b'7').contains(digit)).count();
                (&rest[..octal], 8)
            }
            _ => {
                bytes.push(match escape {
                    b'n' => b'\n',
                    b't' => b'\t',
                    b'r' => b'\r',
                    b'v' => 0x0b,
                    b'f' => 0x0c,
                    other => *other,
                });
                rest = after;
                continue;
            }
        };
        bytes.push(u8::from_str_radix(std::str::from_utf8(digits).unwrap(), radix).unwrap());
        rest = &rest[digits.len() + usize::from(radix == 16)..];
    }
    bytes
}
