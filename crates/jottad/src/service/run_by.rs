//! Who runs a process, as far as somebody must know who is to stop it: the service manager, or a person in a
//! terminal. A service that does not run this process can neither stop it nor start it anew.

use std::time::Duration;

use tokio::net::UnixStream;

use super::Service;
use crate::places::Places;

/// A service manager that takes longer to say which process is the service is not waited for.
const TIMEOUT: Duration = Duration::from_secs(1);

/// Who runs the process that has a state directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RunBy {
    /// The service manager.
    Service,
    /// Somebody else. With the number of the process.
    Somebody(i32),
    /// Nobody tells.
    Unknown,
}

impl RunBy {
    /// Who runs the process that answers for a state directory, or would if it did not hang.
    pub(crate) async fn of_daemon(places: &Places) -> Self {
        // The system takes the connection, whatever the process does.
        let connecting = tokio::time::timeout(TIMEOUT, UnixStream::connect(places.socket())).await;
        let peer = connecting.ok().and_then(Result::ok).and_then(|stream| stream.peer_cred().ok());
        match peer.and_then(|peer| peer.pid()) {
            Some(process) => Self::of(process, places).await,
            None => Self::Unknown,
        }
    }

    /// Who runs this very process.
    pub(crate) async fn of_this_process(places: &Places) -> Self {
        Self::of(rustix::process::getpid().as_raw_nonzero().get(), places).await
    }

    async fn of(process: i32, places: &Places) -> Self {
        let places = places.clone();
        let asking = tokio::task::spawn_blocking(move || Service::of(&places).ok()?.process());
        match tokio::time::timeout(TIMEOUT, asking).await {
            Ok(Ok(found)) if found == Some(process) => Self::Service,
            _ => Self::Somebody(process),
        }
    }

    /// What stops it.
    pub(crate) fn stop(self) -> String {
        match self {
            Self::Service => "stop it with `jottad service stop`".to_owned(),
            Self::Somebody(process) => format!("stop it with Ctrl-C where it was started, or `kill {process}`"),
            Self::Unknown => {
                "stop it with `jottad service stop` if it is the service, else with Ctrl-C where it was started"
                    .to_owned()
            }
        }
    }

    /// What starts it anew.
    pub(crate) fn restart(self) -> String {
        match self {
            Self::Service => "start it anew with `jottad service restart`".to_owned(),
            Self::Somebody(_) => format!("{}, and start it again: `jottad run`", self.stop()),
            Self::Unknown => {
                "start it anew with `jottad service restart` if it is the service, else stop it with \
                              Ctrl-C where it was started, and start it again: `jottad run`"
                    .to_owned()
            }
        }
    }

    /// What starts it anew if it does not hear any more. It may be killed at any moment: nothing is lost.
    pub(crate) fn restart_by_force(self) -> String {
        match self {
            Self::Somebody(process) => {
                format!(
                    "end it with `kill -KILL {process}`, and start it again: `jottad run`; nothing is lost"
                )
            }
            Self::Service | Self::Unknown => self.restart(),
        }
    }

    /// What has it read its configuration again.
    pub(crate) fn reload(self) -> String {
        match self {
            Self::Service | Self::Unknown => self.restart(),
            Self::Somebody(process) => format!("have it read again: `kill -HUP {process}`"),
        }
    }

    /// What starts it after it has ended by a failure.
    pub(crate) const fn start_again(self) -> &'static str {
        match self {
            Self::Service => "the service manager starts it again",
            Self::Somebody(_) => "start it again: `jottad run`",
            Self::Unknown => "start it again: `jottad service start` if it is the service, else `jottad run`",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    /// What a service does not run it cannot stop; and what nobody tells is named both ways.
    #[test]
    fn every_remedy_names_what_can_do_it() {
        for (by, names, never) in [
            (RunBy::Service, &["service"][..], &["Ctrl-C", "kill", "jottad run"][..]),
            (RunBy::Somebody(4711), &[], &["service"]),
            (RunBy::Unknown, &["service", "jottad run"], &["kill"]),
        ] {
            let restarts = [by.restart(), by.restart_by_force(), by.start_again().to_owned()];
            for remedy in restarts.iter().chain([&by.reload()]) {
                assert!(names.iter().all(|name| remedy.contains(name)), "{by:?}: {remedy}");
                assert!(never.iter().all(|name| !remedy.contains(name)), "{by:?}: {remedy}");
            }
            assert!(never.iter().all(|name| !by.stop().contains(name)), "{by:?}: {}", by.stop());
        }
        let somebody = RunBy::Somebody(4711);
        for remedy in [somebody.stop(), somebody.restart(), somebody.restart_by_force(), somebody.reload()] {
            assert!(remedy.contains("kill") && remedy.contains(" 4711`"), "{remedy}");
        }
        assert_eq!(RunBy::Service.stop(), "stop it with `jottad service stop`");
    }

    /// Elsewhere nobody knows whether the service runs what is to be stopped, or is there at all.
    #[test]
    fn nobody_else_names_what_stops_or_starts_a_service() {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut directories = vec![source.clone()];
        let mut found = Vec::new();
        while let Some(directory) = directories.pop() {
            for entry in fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                let below = path.strip_prefix(&source).unwrap();
                // The reference of the commands is about all of them.
                if below == Path::new("service") || below == Path::new("cli/reference.rs") {
                    continue;
                }
                if path.is_dir() {
                    directories.push(path);
                    continue;
                }
                let text = fs::read_to_string(&path).unwrap();
                let words = ["stop", "start", "restart", "logs"].map(|word| format!("jottad service {word}"));
                found.extend(words.iter().filter(|word| text.contains(*word)).map(|_| below.to_owned()));
            }
        }
        assert!(found.is_empty(), "{found:?}");
    }
}
