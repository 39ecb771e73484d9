//! The usual case: a machine whose user is logged in to a service and backs up one folder, `docs`.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use super::{Daemon, Machine, Outcome, Service, Tree, wait_until};

/// Where the folder is on the service.
pub(crate) const REMOTE: &str = "Jotta/Archive/docs";

/// A machine, a service and a folder.
pub(crate) struct World {
    pub(crate) machine: Machine,
    /// Another machine's world may have the same one.
    pub(crate) service: Arc<Service>,
    /// The local root.
    pub(crate) root: PathBuf,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::of(Machine::new(), Service::start(), "")
    }

    /// With more text in the config, which follows the `[[folder]]` table.
    pub(crate) fn configured(more: &str) -> Self {
        Self::of(Machine::new(), Service::start(), more)
    }

    /// Logs the machine in to the service and configures the folder; `more` follows the `[[folder]]` table.
    #[track_caller]
    pub(crate) fn of(machine: Machine, service: impl Into<Arc<Service>>, more: &str) -> Self {
        let service = service.into();
        let root = machine.home().join("docs");
        fs::create_dir_all(&root).unwrap();
        machine.hand_over(&root);
        let world = Self { machine, service, root };
        world.configure(more);
        world.log_in();
        world
    }

    /// Writes the config; `more` follows the `[[folder]]` table.
    pub(crate) fn configure(&self, more: &str) {
        let folder = format!(
            "[[folder]]\nname = \"docs\"\nlocal = \"~/docs\"\nremote = \"{REMOTE}\"\nsettle = \"50ms\"\n{more}\n"
        );
        fs::write(self.machine.config(), format!("{}{folder}", self.service_section())).unwrap();
    }

    /// The part of a config that leads to the service.
    pub(crate) fn service_section(&self) -> String {
        let url = self.service.url();
        let line = |key| format!("{key} = \"{url}\"\n");
        format!("[service]\n{}\n", ["jfs_url", "api_url", "www_url", "id_url"].map(line).concat())
    }

    #[track_caller]
    pub(crate) fn log_in(&self) {
        self.machine.jottad_with_input(["login", "--token-stdin"], &self.service.login_token()).expect(0);
    }

    /// A path in the folder.
    pub(crate) fn path(&self, path: impl AsRef<OsStr>) -> PathBuf {
        self.root.join(Path::new(path.as_ref()))
    }

    /// Writes a file, with the directories above it.
    pub(crate) fn write(&self, path: impl AsRef<OsStr>, content: impl AsRef<[u8]>) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }

    /// Makes a directory, with those above it.
    pub(crate) fn mkdir(&self, path: &str) {
        fs::create_dir_all(self.path(path)).unwrap();
    }

    pub(crate) fn remove(&self, path: &str) {
        let path = self.path(path);
        let is_directory = path.symlink_metadata().unwrap().is_dir();
        if is_directory { fs::remove_dir_all(path) } else { fs::remove_file(path) }.unwrap();
    }

    pub(crate) fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to)).unwrap();
    }

    /// Sets a file's time, in seconds since 1970.
    pub(crate) fn set_time(&self, path: &str, seconds: u64) {
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        File::options().write(true).open(self.path(path)).unwrap().set_modified(time).unwrap();
    }

    /// Writes many small files: `prefix/dNN/fNN`.
    pub(crate) fn fill(&self, prefix: &str, directories: usize, files: usize) {
        for directory in 0..directories {
            for file in 0..files {
                self.write(
                    format!("{prefix}/d{directory:02}/f{file:02}"),
                    format!("{prefix} {directory} {file}"),
                );
            }
        }
    }

    /// One pass of the program, which ends with this exit code.
    #[track_caller]
    pub(crate) fn pass(&self, code: i32) -> Outcome {
        self.machine.jottad(["run", "--once"]).expect(code)
    }

    /// One pass that ends in sync, after which both sides are the same.
    #[track_caller]
    pub(crate) fn settle(&self) {
        self.pass(0);
        self.assert_same();
    }

    pub(crate) fn start(&self) -> Daemon {
        self.machine.start()
    }

    /// The running daemon looks now, and its verdict has this exit code.
    #[track_caller]
    pub(crate) fn sync(&self, code: i32) -> Outcome {
        let outcome = self.machine.jottad(["sync", "--wait", "--timeout", "60s"]).expect(code);
        // On a busy machine the word of a change may come after the pass that has found it.
        if code == 0 && outcome.stdout.contains("something has changed since") {
            wait_until("in sync again", || self.machine.jottad(["status"]).code == Some(0));
        }
        outcome
    }

    /// The running daemon gets in sync, after which both sides are the same.
    #[track_caller]
    pub(crate) fn synced(&self) {
        self.sync(0);
        self.assert_same();
    }

    /// Demands that the service holds what the folder holds.
    #[track_caller]
    pub(crate) fn assert_same(&self) {
        self.assert_same_without(&[]);
    }

    /// Demands that the service holds what the folder holds, but for the entries of these stored paths.
    #[track_caller]
    pub(crate) fn assert_same_without(&self, left_out: &[&str]) {
        let here = Tree::on_disk(&self.root).without(left_out);
        let there = Tree::on_service(&self.service, REMOTE).without(left_out);
        here.assert_equals(&there, ("here", "there"));
    }

    /// Demands that the service holds everything that the folder holds; it may hold more.
    #[track_caller]
    pub(crate) fn assert_nothing_is_missing(&self) {
        let here = Tree::on_disk(&self.root);
        let there = Tree::on_service(&self.service, REMOTE).shared_with(&here);
        here.assert_equals(&there, ("here", "there"));
    }

    /// The paths that are live on the service.
    pub(crate) fn remote_paths(&self) -> Vec<String> {
        Tree::on_service(&self.service, REMOTE).paths().into_iter().map(str::to_owned).collect()
    }

    /// The problems as `path: kind`, sorted.
    #[track_caller]
    pub(crate) fn problems(&self) -> Vec<String> {
        let document = self.machine.jottad(["problems", "--json"]).json();
        let problems = document["problems"].as_array().unwrap();
        let text = |problem: &Value, key: &str| problem[key].as_str().unwrap_or("?").to_owned();
        let mut lines: Vec<String> = problems
            .iter()
            .map(|problem| format!("{}: {}", text(problem, "path"), text(problem, "kind")))
            .collect();
        lines.sort();
        lines
    }
}
