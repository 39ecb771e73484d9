//! Where one client works: a home of its own, the files, and a service that nobody used before.

use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};
use tempfile::TempDir;

use crate::line::{Cost, Line, Sample};
use crate::measuring::measure;
use crate::programs::Programs;
use crate::service::Service;
use crate::tree::Shape;

/// The folder on the service.
pub(crate) const REMOTE: &str = "Jotta/Archive/folder";

/// One client's own world. Removed when dropped.
pub(crate) struct Stage {
    pub(crate) jottad: PathBuf,
    pub(crate) shape: Shape,
    pub(crate) service: Service,
    place: TempDir,
}

impl Stage {
    /// Makes the files and starts the service.
    pub(crate) fn set(programs: &Programs, shape: Shape, latency: &str) -> anyhow::Result<Self> {
        let stage = Self::empty(programs, shape, latency)?;
        shape.make(&stage.folder())?;
        Ok(stage)
    }

    /// Starts the service beside an empty home.
    pub(crate) fn empty(programs: &Programs, shape: Shape, latency: &str) -> anyhow::Result<Self> {
        let place = tempfile::Builder::new().prefix("jottad-benchmark-").tempdir()?;
        let service = Service::start(&programs.emulator, place.path(), latency)?;
        let stage = Self { jottad: programs.jottad.clone(), shape, service, place };
        fs::create_dir(stage.home()).with_context(|| format!("creating {}", stage.home().display()))?;
        Ok(stage)
    }

    /// The directory of one client's own things.
    pub(crate) fn place(&self) -> &Path {
        self.place.path()
    }

    fn home(&self) -> PathBuf {
        self.place.path().join("home")
    }

    /// The local folder.
    pub(crate) fn folder(&self) -> PathBuf {
        self.home().join("folder")
    }

    /// A program in this world: its home, and the service in place of the real one.
    pub(crate) fn command<A: AsRef<OsStr>>(
        &self,
        program: &Path,
        arguments: impl IntoIterator<Item = A>,
    ) -> Command {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.home())
            .env("HTTPS_PROXY", &self.service.proxy_url)
            .env("SSL_CERT_FILE", &self.service.ca_file)
            .stdin(Stdio::null());
        command
    }

    /// Runs what is not measured; it must succeed. Returns what it printed.
    pub(crate) fn prepare(mut command: Command, input: &str) -> anyhow::Result<String> {
        let shown = format!("{command:?}");
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("starting {shown}"))?;
        if let Some(mut pipe) = child.stdin.take() {
            pipe.write_all(input.as_bytes()).with_context(|| format!("giving {shown} its input"))?;
        }
        let output = child.wait_with_output().with_context(|| format!("waiting for {shown}"))?;
        ensure!(output.status.success(), "{shown} failed:\n{}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Measures a command from its start to its end.
    pub(crate) fn measure(
        &self,
        line: Line,
        client: &'static str,
        command: &Command,
    ) -> anyhow::Result<Sample> {
        self.service.reset()?;
        let cost = measure(command, self.place.path())?;
        self.sample(line, client, cost)
    }

    /// A sample with the requests since the last reset.
    pub(crate) fn sample(&self, line: Line, client: &'static str, cost: Cost) -> anyhow::Result<Sample> {
        Ok(Sample::new(line, client, cost, self.service.requests()?))
    }

    /// Renames the directory that holds everything.
    pub(crate) fn rename(&self, from: &str, to: &str) -> anyhow::Result<()> {
        let folder = self.folder();
        fs::rename(folder.join(from), folder.join(to)).with_context(|| format!("renaming {from} to {to}"))
    }

    /// Changes one file; returns its path below the folder, and its size.
    pub(crate) fn change_one(&self, top: &str, times: usize) -> anyhow::Result<(String, u64)> {
        let path = self.shape.change_one(&self.folder().join(top), times).context("changing one file")?;
        Ok((format!("{top}/{}", path.display()), (self.shape.size + times) as u64))
    }

    /// Demands that all files, and only those, are on the service, below the directory of this name.
    pub(crate) fn expect_all(&self, top: &str) -> anyhow::Result<()> {
        let all = self.service.live_files(REMOTE)?.len();
        let below = self.service.live_files(&format!("{REMOTE}/{top}"))?.len();
        let files = self.shape.files;
        ensure!(
            all == files && below == files,
            "the service has {all} files, {below} of them in {top}, instead of {files}"
        );
        Ok(())
    }

    /// Demands that the changed file has arrived.
    pub(crate) fn expect_changed(&self, path: &str, size: u64) -> anyhow::Result<()> {
        let there = self.service.size(&format!("{REMOTE}/{path}"))?;
        ensure!(there == size, "{path} has {there} bytes on the service instead of {size}");
        Ok(())
    }
}
