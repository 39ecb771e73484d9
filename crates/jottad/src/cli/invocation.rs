//! One run of the program: where things are, how to answer, and what to wait with.

use std::future::Future;
use std::sync::OnceLock;
use std::time::Duration;

use jottad_transport::{Client, Http, HttpOptions, Session, Unanswered};

use crate::account::login;
use crate::api::waiting::WORTH_TELLING;
use crate::cli::failure::{Exit, Failure};
use crate::cli::output::{Escaped, Output, remark};
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
    /// The connections that a login is made through.
    pub(crate) http: OnceLock<Http>,
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
            Some(wrong) if config.folders.is_empty() => Err(wrong.failure()),
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
                failure = self.service_is_silent() => Err(failure),
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

    /// Completes when the service has owed an answer for longer than anybody waits; says before that what is
    /// waited for. Every command that asks the service by itself waits here.
    async fn service_is_silent(&self) -> Failure {
        let unanswered = || {
            let session = self.session.get().map(Session::http);
            session
                .into_iter()
                .chain(self.http.get())
                .filter_map(Http::unanswered)
                .max_by_key(|one| one.quiet)
        };
        let failure = until_given_up(unanswered, |word| {
            if !self.output.json {
                leave_line();
                remark(Escaped(&word));
            }
        });
        let failure = failure.await;
        leave_line();
        failure
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

    /// Connections to the service for a login.
    pub(crate) fn connections(&self) -> Result<Http, jottad_transport::Error> {
        let http = connections()?;
        Ok(self.http.get_or_init(|| http).clone())
    }

    /// The service, logged in.
    pub(crate) fn client(&self) -> Result<Client, Failure> {
        let client = login::client(&self.places, &self.tolerant_config()?)?;
        let _ = self.session.set(client.session().clone());
        Ok(client)
    }
}

/// How often a service that says nothing is told of again.
const REMINDER: Duration = Duration::from_secs(15);
/// How long one waits for it at all. A single request is given up sooner, so that what came of it can be
/// said.
const LONGEST_SILENCE: Duration = Duration::from_secs(70);

/// Completes when nothing has come for longer than anybody waits.
async fn until_given_up(unanswered: impl Fn() -> Option<Unanswered>, say: impl Fn(String)) -> Failure {
    let mut next_word = WORTH_TELLING;
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let Some(Unanswered { action, quiet }) = unanswered() else { continue };
        let seconds = quiet.as_secs();
        if quiet >= LONGEST_SILENCE {
            return Failure::new(
                Exit::Offline,
                format!("{action}: the service does not answer: nothing came for {seconds} s"),
            )
            .hint("check the network, and try again; what was ordered may have been done all the same");
        }
        if quiet < WORTH_TELLING {
            next_word = WORTH_TELLING;
        } else if quiet >= next_word {
            let left = LONGEST_SILENCE.saturating_sub(quiet).as_secs();
            say(format!("{action}: no answer for {seconds} s; waiting for the service, {left} s more"));
            next_word = quiet + REMINDER;
        }
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

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_service_that_says_nothing_is_told_of_again_and_again_and_then_given_up() {
        let began = Instant::now();
        let unanswered = || {
            let action = "listing Jotta".to_owned();
            Some(Unanswered { action, quiet: began.elapsed() })
        };
        let told = RefCell::new(Vec::new());
        let failure =
            until_given_up(unanswered, |word| told.borrow_mut().push((began.elapsed().as_secs(), word)));
        let failure = failure.await;
        assert_eq!((failure.exit(), began.elapsed()), (Exit::Offline, LONGEST_SILENCE));
        assert!(failure.message().starts_with("listing Jotta: the service does not answer"), "{failure}");
        let told = told.into_inner();
        let times: Vec<u64> = told.iter().map(|(second, _)| *second).collect();
        assert_eq!(times, [5, 20, 35, 50, 65]);
        assert_eq!(told[0].1, "listing Jotta: no answer for 5 s; waiting for the service, 65 s more");
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_that_answers_now_and_then_is_waited_for() {
        let began = Instant::now();
        let unanswered = || {
            let quiet = Duration::from_secs(began.elapsed().as_secs() % 4);
            Some(Unanswered { action: String::new(), quiet })
        };
        let given_up = until_given_up(unanswered, |word| panic!("nothing is to be said: {word}"));
        let waited = tokio::time::timeout(Duration::from_hours(1), given_up).await;
        assert!(waited.is_err());
    }
}
