//! Where things are: the config file, the state directory and what is kept in it.

use std::env;
use std::fs::Permissions;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use jottad_core::shell_word;
use rustix::fs::Access;

use crate::cli::failure::Failure;

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

    /// A path that begins with `~` as a shell would have it, had nobody quoted it.
    pub(crate) fn expand(&self, path: &Path) -> PathBuf {
        match path.strip_prefix("~") {
            Ok(rest) if !path.exists() => self.home.join(rest),
            _ => path.to_owned(),
        }
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

    /// Makes the state directory, for its owner alone. One that others can read is closed to them; one that
    /// they could write to, or that is another user's, is refused: what is in it may be theirs.
    pub(crate) fn make_state_dir(&self) -> Result<(), Failure> {
        make_private_directory(&self.state_dir)?;
        let Some(exposure) = self.state_dir_exposure()? else { return Ok(()) };
        match exposure {
            Exposure::Readable(_) => {
                let shown = self.state_dir.display();
                std::fs::set_permissions(&self.state_dir, Permissions::from_mode(0o700)).map_err(
                    |error| {
                        Failure::of_system(format_args!("closing the directory {shown} to others"), &error)
                            .path(shown.to_string())
                    },
                )?;
                tracing::warn!("{}; they cannot any more", exposure.explain(&self.state_dir));
                Ok(())
            }
            Exposure::Writable(_) | Exposure::OfUser(_) => Err(exposure.refuse(&self.state_dir)),
        }
    }

    /// Who else may get at the state directory; `None` if nobody, or if there is none.
    pub(crate) fn state_dir_exposure(&self) -> Result<Option<Exposure>, Failure> {
        match std::fs::metadata(&self.state_dir) {
            Ok(data) => Ok(Exposure::of(data.mode(), data.uid(), rustix::process::geteuid().as_raw())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => {
                let shown = self.state_dir.display().to_string();
                Err(Failure::of_system(format_args!("looking at {shown}"), &error).path(shown))
            }
        }
    }

    /// Refuses a state directory that this user may not work in, or that holds something that is kept and
    /// that this user may not read and write: what is in it would be taken for missing.
    pub(crate) fn check_access(&self) -> Result<(), Failure> {
        let all = Access::READ_OK | Access::WRITE_OK;
        let account = self.state_dir.join("account.json");
        let files = [self.lock(), account, self.credentials(), self.sealed_credentials()];
        let directories = [self.state_dir.clone(), self.indexes()];
        let of_directories = directories.into_iter().map(|path| (path, all | Access::EXEC_OK));
        for (path, access) in of_directories.chain(files.into_iter().map(|path| (path, all))) {
            if rustix::fs::access(&path, access) == Err(rustix::io::Errno::ACCESS) {
                let shown = path.display().to_string();
                let message =
                    format!("{shown} belongs to what jottad keeps, and cannot be used: Permission denied");
                return Err(Failure::failed(message).path(shown).hint(format!(
                    "give it to the user that runs jottad: sudo chown -R \"$USER\" {}",
                    shell_word(self.state_dir.display())
                )));
            }
        }
        Ok(())
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

/// Who else may get at a directory that is meant for its owner alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exposure {
    /// Others can see what is in it. With its mode.
    Readable(u32),
    /// Others can put something into it. With its mode.
    Writable(u32),
    /// It is this user's.
    OfUser(u32),
}

impl Exposure {
    /// What a directory's mode and owner mean for a user.
    fn of(mode: u32, owner: u32, user: u32) -> Option<Self> {
        let mode = mode & 0o777;
        match mode {
            _ if owner != user => Some(Self::OfUser(owner)),
            _ if mode & 0o022 != 0 => Some(Self::Writable(mode)),
            _ if mode & 0o077 != 0 => Some(Self::Readable(mode)),
            _ => None,
        }
    }

    /// What is wrong.
    pub(crate) fn explain(self, directory: &Path) -> String {
        let shown = directory.display();
        match self {
            Self::Readable(mode) => {
                format!("other users could look into the state directory {shown} (mode {mode:o})")
            }
            Self::Writable(mode) => format!(
                "other users can write to the state directory {shown} (mode {mode:o}): what is in it may not be jottad's own"
            ),
            Self::OfUser(owner) => {
                format!("the state directory {shown} belongs to another user (number {owner})")
            }
        }
    }

    /// What mends it.
    pub(crate) fn remedy(self, directory: &Path) -> String {
        let shown = shell_word(directory.display());
        match self {
            Self::Readable(_) => format!("chmod 700 {shown}"),
            Self::Writable(_) => {
                format!(
                    "look at what is in it, then: chmod 700 {shown}; if others were at it, log in anew: jottad login"
                )
            }
            Self::OfUser(_) => {
                "run jottad as that user, or choose another directory with --state-dir or JOTTAD_STATE_DIR"
                    .to_owned()
            }
        }
    }

    fn refuse(self, directory: &Path) -> Failure {
        Failure::failed(self.explain(directory))
            .path(directory.display().to_string())
            .hint(self.remedy(directory))
    }
}

/// Makes a directory and those above it; itself for its owner alone.
pub(crate) fn make_private_directory(path: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| {
        Failure::of_system(format_args!("making the directory {}", path.display()), &error)
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
    fn who_else_may_get_at_a_directory() {
        for (mode, owner, expected) in [
            (0o40700, 1000, None),
            (0o42700, 1000, None),
            (0o40755, 1000, Some(Exposure::Readable(0o755))),
            (0o40710, 1000, Some(Exposure::Readable(0o710))),
            (0o40701, 1000, Some(Exposure::Readable(0o701))),
            (0o40770, 1000, Some(Exposure::Writable(0o770))),
            (0o40702, 1000, Some(Exposure::Writable(0o702))),
            (0o41777, 1000, Some(Exposure::Writable(0o777))),
            (0o40700, 1001, Some(Exposure::OfUser(1001))),
            (0o40700, 0, Some(Exposure::OfUser(0))),
        ] {
            assert_eq!(Exposure::of(mode, owner, 1000), expected, "{mode:o} of {owner}");
        }
    }

    #[test]
    fn a_state_directory_that_others_can_read_is_closed_and_one_that_they_can_write_to_is_refused() {
        let place = tempfile::tempdir().unwrap();
        let places = Places {
            home: "/home/kari".into(),
            config_file: "/c".into(),
            state_dir: place.path().join("state"),
        };
        let mode = || std::fs::metadata(&places.state_dir).unwrap().mode() & 0o777;
        let set_mode = |mode| {
            std::fs::set_permissions(&places.state_dir, Permissions::from_mode(mode)).unwrap();
        };
        places.make_state_dir().unwrap();
        assert_eq!(mode(), 0o700);
        set_mode(0o755);
        places.make_state_dir().unwrap();
        assert_eq!(mode(), 0o700);
        set_mode(0o777);
        let (message, _, remedy) = places.make_state_dir().unwrap_err().into_parts();
        assert!(message.contains("other users can write to the state directory"), "{message}");
        assert!(remedy.unwrap().contains("chmod 700 "));
        assert_eq!(mode(), 0o777, "what a person must look at stays as it is");
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
