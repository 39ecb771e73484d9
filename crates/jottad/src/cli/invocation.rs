//! One run of the program: where things are, how to answer, and what to wait with.

use std::future::Future;
use std::sync::OnceLock;
use std::time::Duration;

use jottad_transport::{Client, Http, HttpOptions, Session};

use crate::account::login;
use crate::cli::failure::{Exit, Failure};
use crate::cli::output::Output;
use crate::cli::terminal::leave_line;
use crate::config::Config;
use crate::places::Places;
use crate::signals::{Listen, Signals, ended};

/// Patience for a renewal of the tokens when a command ends.
const SETTLING: Duration = Duration::from_secs(10);

/// What every command gets.
#[derive(Debug)]
pub(crate) struct Invocation {
    /// Where things are.
    pub(crate) places: Places,
    /// How to answer.
    pub(crate) output: Output,
    /// How to hear signals, for commands that run until they are told to stop.
    pub(crate) listen: Listen,
    /// The login that this command uses, once it does.
    pub(crate) session: OnceLock<Session>,
}

impl Invocation {
    /// The config, checked.
    pub(crate) fn config(&self) -> Result<Config, Failure> {
        Ok(Config::load(&self.places)?)
    }

    /// The config, in which folders that are written wrongly are set apart.
    pub(crate) fn tolerant_config(&self) -> Result<Config, Failure> {
        Ok(Config::load_tolerantly(&self.places)?)
    }

    /// The same for what is of no use if all folders are written wrongly: that is an error of the file then.
    pub(crate) fn usable_config(&self) -> Result<Config, Failure> {
        let config = self.tolerant_config()?;
        match config.wrong.iter().find(|wrong| wrong.is_in_file) {
            Some(wrong) if config.folders.is_empty() => Err(wrong.error.clone().into()),
            _ => Ok(config),
        }
    }

    /// The config, with the folder of a name that must be in it.
    pub(crate) fn config_with(&self, name: Option<&str>) -> Result<Config, Failure> {
        let config = self.tolerant_config()?;
        match name {
            Some(name) if config.folder(name).is_none() => Err(match config.wrong_folder(name) {
                Some(wrong) => {
                    Failure::new(Exit::Held, format!("the folder {name:?} is held: {}", wrong.reason()))
                }
                None => unknown_folder(name, &config),
            }),
            _ => Ok(config),
        }
    }

    /// The same for what needs a folder, whichever it is.
    pub(crate) fn config_with_folders(&self, name: Option<&str>) -> Result<Config, Failure> {
        let config = self.config_with(name)?;
        if config.is_empty() {
            return Err(
                Failure::usage("no folder is configured").hint("add one with: jottad folder add LOCAL")
            );
        }
        Ok(config)
    }

    /// Waits for a future: enough for a command that asks and prints.
    ///
    /// A signal ends the command in good order: a renewal of the tokens that is under way would cost the
    /// login if it were cut off (protocol 2.3).
    pub(crate) fn wait<T>(&self, future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        self.wait_unless(future, || Err(Failure::interrupted()))
    }

    /// The same, where being interrupted may be how a command usually ends.
    pub(crate) fn wait_unless<T>(
        &self,
        future: impl Future<Output = Result<T, Failure>>,
        interrupted: impl FnOnce() -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Failure::failed(format!("starting: {error}")))?;
        let mut signals = self.signals()?;
        let result = runtime.block_on(async {
            let result = tokio::select! {
                result = future => result,
                () = ended(&mut signals) => {
                    leave_line();
                    interrupted()
                }
            };
            if let Some(session) = self.session.get() {
                let _ = tokio::time::timeout(SETTLING, session.settle()).await;
            }
            result
        });
        // A file that is being read from a dead disk must not keep the program from ending.
        runtime.shutdown_timeout(Duration::from_secs(1));
        result
    }

    /// Begins to listen for signals.
    pub(crate) fn signals(&self) -> Result<Signals, Failure> {
        (self.listen)().map_err(|error| Failure::failed(format!("listening for signals: {error}")))
    }

    /// Waits for a future that runs for long and does many things at once.
    #[expect(clippy::unused_self, reason = "a command waits with what it was given")]
    pub(crate) fn serve<T>(&self, future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.map_err(|error| Failure::failed(format!("starting: {error}")))?;
        let result = runtime.block_on(future);
        // A file that is being read from a dead disk must not keep the program from ending.
        runtime.shutdown_timeout(Duration::from_secs(1));
        result
    }

    /// The service, logged in.
    pub(crate) fn client(&self) -> Result<Client, Failure> {
        let client = login::client(&self.places, &self.tolerant_config()?)?;
        let _ = self.session.set(client.session().clone());
        Ok(client)
    }
}

/// No folder is called so.
pub(crate) fn unknown_folder(name: &str, config: &Config) -> Failure {
    let names: Vec<&str> = config.names().collect();
    let hint = if names.is_empty() {
        "no folder is configured yet: jottad folder add LOCAL".to_owned()
    } else {
        format!("the folders are: {}", names.join(", "))
    };
    Failure::usage(format!("no folder is called {name:?}")).hint(hint)
}

/// The connections to the service.
pub(crate) fn connections() -> Result<Http, jottad_transport::Error> {
    Http::new(HttpOptions::default())
}
