//! A machine with one user: a home, a config, a state directory, and the program.

use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use super::{Daemon, Outcome};

/// The user and group without privileges, by custom.
const NOBODY: u32 = 65534;

/// Where one user's things are. Removed when dropped.
pub(crate) struct Machine {
    place: TempDir,
    program: PathBuf,
    /// The user and group that everything runs as, if not the tests' own.
    user: Option<u32>,
}

impl Machine {
    pub(crate) fn new() -> Self {
        Self::within(&std::env::temp_dir())
    }

    /// A machine whose files are in a certain directory.
    pub(crate) fn within(directory: &Path) -> Self {
        let place = tempfile::Builder::new().prefix("jottad-").tempdir_in(directory).unwrap();
        let machine = Self { place, program: env!("CARGO_BIN_EXE_jottad-under-test").into(), user: None };
        fs::create_dir_all(machine.home()).unwrap();
        machine
    }

    /// A machine whose user has no privileges: root, as which tests often run, can read everything.
    pub(crate) fn unprivileged() -> Self {
        let mut machine = Self::new();
        if !rustix::process::geteuid().is_root() {
            return machine;
        }
        // The program may lie where nobody but root can go. Another process copies it: one that this process
        // writes to may still be open in what another test starts, and then it cannot be run.
        let program = machine.place().join("jottad");
        let copied = Command::new("cp").arg(&machine.program).arg(&program).status().unwrap();
        assert!(copied.success(), "the program was not copied");
        machine.program = program;
        machine.user = Some(NOBODY);
        machine.hand_over(machine.place());
        machine
    }

    /// Makes a path, with all below it, the user's own.
    pub(crate) fn hand_over(&self, path: &Path) {
        let Some(user) = self.user else { return };
        std::os::unix::fs::lchown(path, Some(user), Some(user)).unwrap();
        if path.symlink_metadata().unwrap().is_dir() {
            for entry in fs::read_dir(path).unwrap() {
                self.hand_over(&entry.unwrap().path());
            }
        }
    }

    fn place(&self) -> &Path {
        self.place.path()
    }

    /// The home directory.
    pub(crate) fn home(&self) -> PathBuf {
        self.place().join("home")
    }

    /// The state directory.
    pub(crate) fn state(&self) -> PathBuf {
        self.place().join("state")
    }

    /// The config file.
    pub(crate) fn config(&self) -> PathBuf {
        self.place().join("config.toml")
    }

    /// A path beside the home, for whatever a test needs.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.place().join(name)
    }

    /// The index of the only folder.
    pub(crate) fn index(&self) -> PathBuf {
        let files = fs::read_dir(self.state().join("index")).unwrap();
        let mut indexes: Vec<PathBuf> = files.map(|entry| entry.unwrap().path()).collect();
        indexes.retain(|path| path.extension() == Some(OsStr::new("sqlite")));
        assert_eq!(indexes.len(), 1, "{indexes:?}");
        indexes.remove(0)
    }

    /// The program with arguments, not yet started; the environment is the machine's alone.
    pub(crate) fn command<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut command = Command::new(&self.program);
        if let Some(user) = self.user {
            command.uid(user).gid(user);
        }
        command
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.home())
            .env("TZ", "UTC")
            .env("TMPDIR", self.place())
            .env("JOTTAD_CONFIG", self.config())
            .env("JOTTAD_STATE_DIR", self.state())
            .current_dir(self.home())
            .stdin(Stdio::null());
        command
    }

    /// Runs the program to its end.
    pub(crate) fn jottad<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Outcome {
        Outcome::of(self.command(arguments))
    }

    /// Runs the program to its end with something on its standard input.
    pub(crate) fn jottad_with_input<const N: usize>(&self, arguments: [&str; N], input: &str) -> Outcome {
        let mut command = self.command(arguments);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // A program that complains before it reads leaves a broken pipe, which is fine.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        Outcome::new(&command, &output)
    }

    /// Starts the daemon and waits until it says that it is ready.
    pub(crate) fn start(&self) -> Daemon {
        self.start_in(|command| command)
    }

    /// As [`Machine::start`], in an environment that something else prepares.
    pub(crate) fn start_in(&self, prepare: impl Fn(Command) -> Command) -> Daemon {
        let questions =
            [&["status"][..], &["problems"], &["log", "-n", "1000"]].map(|question| self.command(question));
        Daemon::start(prepare(self.command(["run"])), self.place(), questions.into())
    }

    /// The daemon's status.
    #[track_caller]
    pub(crate) fn status(&self) -> Value {
        self.jottad(["status", "--json"]).json()
    }
}

/// A command that is started by a shell once that has done something, such as setting a limit.
pub(crate) fn within(first: &str, command: &Command) -> Command {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(format!("{first} && exec \"$0\" \"$@\"")).arg(command.get_program());
    shell.args(command.get_args()).env_clear();
    shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if let Some(directory) = command.get_current_dir() {
        shell.current_dir(directory);
    }
    shell.stdin(Stdio::null());
    shell
}
