//! Running rclone in a home of its own against an emulator of its own.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use jottad_emulator::{Emulator, EmulatorConfig, State};
use serde_json::Value;
use tempfile::TempDir;

/// A logged-in rclone; the remote is `r:`.
pub(crate) struct Rclone {
    pub(crate) emulator: Emulator,
    home: TempDir,
}

/// Whether there is an rclone. Says so if not.
pub(crate) fn is_missing() -> bool {
    let is_found = Command::new("rclone").arg("version").stdout(Stdio::null()).status().is_ok();
    let is_required = std::env::var("JOTTAD_REQUIRE")
        .is_ok_and(|names| names.split_whitespace().any(|name| name == "rclone"));
    assert!(is_found || !is_required, "JOTTAD_REQUIRE names rclone, but there is none on the path");
    if !is_found {
        println!("skipped: there is no rclone on the path");
    }
    !is_found
}

impl Rclone {
    /// A new emulator, and an rclone that has logged in with a personal login token, all defaults. `None`
    /// when there is no rclone.
    pub(crate) async fn start() -> Option<Self> {
        Self::with(EmulatorConfig::default()).await
    }

    pub(crate) async fn with(config: EmulatorConfig) -> Option<Self> {
        let rclone = Self::logged_out(config).await?;
        rclone.log_in();
        Some(rclone)
    }

    pub(crate) async fn logged_out(mut config: EmulatorConfig) -> Option<Self> {
        if is_missing() {
            return None;
        }
        let home = TempDir::new().unwrap();
        config.proxy_listen = Some("127.0.0.1:0".parse().unwrap());
        config.ca_file = Some(home.path().join("ca.pem"));
        let emulator = Emulator::start(config).await.unwrap();
        Some(Self { emulator, home })
    }

    /// Goes through rclone's own questions, as `rclone config` asks them.
    pub(crate) fn log_in(&self) {
        let token = self.state().login_token_for("id.jottacloud.com", "jottacloud");
        let first = self.run(["config", "create", "r", "jottacloud", "--non-interactive"]);
        assert_eq!(question(&first), "auth_type_done");
        assert_eq!(self.answer("auth_type_done", "standard"), "standard_token");
        assert_eq!(self.answer("standard_token", &token), "choose_device_query");
        assert_eq!(self.answer("choose_device_query", "false"), "");
    }

    /// Answers one question of the configuration and returns the next.
    pub(crate) fn answer(&self, state: &str, result: &str) -> String {
        let arguments = [
            "config",
            "update",
            "r",
            "--continue",
            "--state",
            state,
            "--result",
            result,
            "--non-interactive",
        ];
        question(&self.run(arguments))
    }

    pub(crate) fn state(&self) -> &State {
        self.emulator.state()
    }

    /// A directory for local files.
    pub(crate) fn local(&self, name: &str) -> PathBuf {
        let path = self.home.path().join(name);
        std::fs::create_dir_all(&path).unwrap();
        path
    }

    fn command<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut command = Command::new("rclone");
        command
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.home.path())
            .env("HTTPS_PROXY", self.emulator.proxy_url().unwrap())
            .env("SSL_CERT_FILE", self.home.path().join("ca.pem"))
            // What fails once on purpose shall not slow the test down by a second.
            .env("RCLONE_RETRIES_SLEEP", "10ms")
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn output<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs rclone, which must succeed, and returns what it printed.
    #[track_caller]
    pub(crate) fn run<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> String {
        let mut command = self.command(arguments);
        let output = command.output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command:?}\n{errors}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Runs rclone, which must fail, and returns what it complained of.
    #[track_caller]
    pub(crate) fn fail<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> String {
        let output = self.output(arguments);
        assert!(!output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    /// Runs rclone with something on its standard input.
    #[track_caller]
    pub(crate) fn feed(&self, input: &Path, arguments: &[&str]) {
        let input = std::fs::File::open(input).unwrap();
        assert!(self.command(arguments).stdin(input).status().unwrap().success());
    }

    /// The paths that `lsf -R` prints, sorted.
    #[track_caller]
    pub(crate) fn list(&self, remote: &str, flags: &[&str]) -> Vec<String> {
        let mut arguments = vec!["lsf", "-R", remote];
        arguments.extend(flags);
        let mut paths: Vec<_> = self.run(arguments).lines().map(str::to_owned).collect();
        paths.sort();
        paths
    }
}

/// A tree with files, a deep one, an empty one and an empty directory.
pub(crate) fn small_tree(root: &Path) {
    for (path, content) in
        [("one.txt", "one"), ("dir/two.txt", "two two"), ("dir/deep/three", "3"), ("empty file", "")]
    {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    std::fs::create_dir_all(root.join("empty dir")).unwrap();
}

/// What `lsf -R` says of [`small_tree`].
pub(crate) const SMALL_TREE: [&str; 7] =
    ["dir/", "dir/deep/", "dir/deep/three", "dir/two.txt", "empty dir/", "empty file", "one.txt"];

fn question(answer: &str) -> String {
    let answer: Value = serde_json::from_str(answer).unwrap();
    assert_eq!(answer["Error"], "");
    answer["State"].as_str().unwrap().to_owned()
}
