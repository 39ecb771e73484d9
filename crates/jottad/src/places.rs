//! Where things are: the config file, the state directory and what is kept in it.

use std::env;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// Bytes that the path of a Unix socket may have, its ending NUL included.
const SOCKET_PATH_LIMIT: usize = if cfg!(target_os = "macos") { 104 } else { 108 };

/// Where things are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Places {
    /// The user's home directory.
    pub(crate) home: PathBuf,
    /// The config file.
    pub(crate) config_file: PathBuf,
    /// Everything that jottad keeps.
    pub(crate) state_dir: PathBuf,
}

impl Places {
    /// Finds out where things are: as told, else by the customs of the system.
    pub(crate) fn find(config_file: Option<PathBuf>, state_dir: Option<PathBuf>) -> Result<Self, Failure> {
        let home = env::home_dir().filter(|home| home.is_absolute()).ok_or_else(|| {
            Failure::failed("the home directory is not known").hint("set the environment variable HOME")
        })?;
        let here = env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
        let custom = Custom::of_this_system(&home, |name| env::var_os(name).map(PathBuf::from));
        Ok(Self {
            config_file: here.join(config_file.unwrap_or(custom.config_file)),
            state_dir: here.join(state_dir.unwrap_or(custom.state_dir)),
            home,
        })
    }

    /// The daemon's socket.
    pub(crate) fn socket(&self) -> PathBuf {
        self.state_dir.join("control.sock")
    }

    /// The lock that a daemon holds for its life.
    pub(crate) fn lock(&self) -> PathBuf {
        self.state_dir.join("lock")
    }

    /// The tokens.
    pub(crate) fn credentials(&self) -> PathBuf {
        self.state_dir.join("credentials.json")
    }

    /// The tokens, sealed with a key that is in the system's keyring.
    pub(crate) fn sealed_credentials(&self) -> PathBuf {
        self.state_dir.join("credentials.sealed")
    }

    /// The directory of the indexes.
    pub(crate) fn indexes(&self) -> PathBuf {
        self.state_dir.join("index")
    }

    /// Makes the state directory, for its owner alone.
    pub(crate) fn make_state_dir(&self) -> Result<(), Failure> {
        make_private_directory(&self.state_dir)
    }

    /// Refuses a state directory whose socket's path is longer than the system takes.
    pub(crate) fn check_socket_path(&self) -> Result<(), Failure> {
        let socket = self.socket();
        let length = socket.as_os_str().as_bytes().len();
        if length < SOCKET_PATH_LIMIT {
            return Ok(());
        }
        let message = format!(
            "the path of the control socket is {length} bytes long, and this system takes {}: {}",
            SOCKET_PATH_LIMIT - 1,
            socket.display()
        );
        Err(Failure::usage(message)
            .hint("choose a shorter state directory with --state-dir or JOTTAD_STATE_DIR"))
    }
}

/// Makes a directory and those above it; itself for its owner alone.
pub(crate) fn make_private_directory(path: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| {
        Failure::failed(format!("making the directory {}: {error}", path.display()))
            .path(path.display().to_string())
    })
}

/// Where a system's programs usually keep such things.
struct Custom {
    config_file: PathBuf,
    state_dir: PathBuf,
}

impl Custom {
    fn of_this_system(home: &Path, variable: impl Fn(&str) -> Option<PathBuf>) -> Self {
        if cfg!(target_os = "macos") {
            let support = home.join("Library/Application Support/jottad");
            return Self { config_file: support.join("config.toml"), state_dir: support };
        }
        // The XDG rules: a variable that is not an absolute path is to be ignored.
        let base = |name, default| {
            variable(name).filter(|path| path.is_absolute()).unwrap_or_else(|| home.join(default))
        };
        Self {
            config_file: base("XDG_CONFIG_HOME", ".config").join("jottad/config.toml"),
            state_dir: base("XDG_STATE_HOME", ".local/state").join("jottad"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(not(target_os = "macos"))]
    fn the_customs_of_linux() {
        let home = Path::new("/home/kari");
        let none = Custom::of_this_system(home, |_| None);
        assert_eq!(none.config_file, Path::new("/home/kari/.config/jottad/config.toml"));
        assert_eq!(none.state_dir, Path::new("/home/kari/.local/state/jottad"));
        let set = Custom::of_this_system(home, |name| {
            Some(if name == "XDG_CONFIG_HOME" { "/etc/kari".into() } else { "not/absolute".into() })
        });
        assert_eq!(set.config_file, Path::new("/etc/kari/jottad/config.toml"));
        assert_eq!(set.state_dir, Path::new("/home/kari/.local/state/jottad"));
    }

    #[test]
    fn a_socket_path_that_is_too_long_is_told_before_it_is_tried() {
        let places = |state_dir: String| Places {
            home: "/home/kari".into(),
            config_file: "/c".into(),
            state_dir: state_dir.into(),
        };
        assert!(places("/short".to_owned()).check_socket_path().is_ok());
        let failure = places(format!("/{}", "x".repeat(100))).check_socket_path().unwrap_err();
        assert!(failure.message().contains("114 bytes long"), "{failure}");
    }
}
