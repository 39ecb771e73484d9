//! `jottad selftest`: which answers a service has to what is not known of Jottacloud.

use std::time::Duration;

use clap::Args;
use jottad_core::shell_word;
use jottad_transport::{Client, HttpOptions, RemotePath, RetryPolicy, Sighting};
use serde_json::{Value, json};

use crate::commands::login::login_token_from_stdin;
use crate::failure::{Exit, Failure};
use crate::invocation::Invocation;
use crate::login;
use crate::output::{Escaped, count};
use crate::remote::{not_file, target_argument};
use crate::selftest::{Asking, FIRST, Finding, QUESTIONS, Question, Scratch, ask};
use crate::signals::called_off;

#[derive(Debug, Args)]
pub(crate) struct SelftestArguments {
    /// A folder in which the test makes one of its own: DEVICE/MOUNTPOINT[/path]
    remote: String,
    /// Ask only this question, for example U-07; may be given more than once
    #[arg(long, value_name = "QUESTION")]
    only: Vec<String>,
    /// Also destroy a file that the test made, for good: one question cannot be answered otherwise
    #[arg(long)]
    destroy: bool,
    /// Also spend the personal login token on standard input: one question ends the login it is asked with
    #[arg(long)]
    token_stdin: bool,
}

/// Asks, tells each answer as it comes, and puts the test's folder into the trash, also when it is
/// interrupted.
pub(crate) fn run(arguments: &SelftestArguments, invocation: &Invocation) -> Result<Exit, Failure> {
    let parent = target_argument(&arguments.remote)?;
    let chosen = chosen(&arguments.only)?;
    let token = if arguments.token_stdin { Some(login_token_from_stdin()?) } else { None };
    let asking = Asking { destroy: arguments.destroy, token };
    let client = patient_client(invocation)?;
    let mut signals = invocation.signals()?;
    invocation.serve(async {
        match client.look(&parent).await? {
            Sighting::Folder => {}
            seen => return Err(not_file("testing in", &parent, &seen)),
        }
        let scratch = Scratch::make(client, &parent).await?;
        let mut report = Report::new(invocation, &parent, &scratch);
        let outcome = tokio::select! {
            outcome = examine(&chosen, &scratch, &asking, &mut report) => outcome,
            () = called_off(&mut signals) => Err(Failure::failed("the test was interrupted")),
        };
        let put_away = scratch.put_away().await;
        // A renewal of the tokens that is under way would cost the login if the program ended in it.
        scratch.client().session().settle().await;
        report.finish(outcome, put_away, &scratch)
    })
}

/// A service that turns requests away is asked again for longer than by other commands: that is one of the
/// questions.
fn patient_client(invocation: &Invocation) -> Result<Client, Failure> {
    let config = invocation.tolerant_config()?;
    let retry =
        RetryPolicy { attempts: 12, first_delay: Duration::from_millis(200), ..RetryPolicy::default() };
    let options = HttpOptions { retry, ..HttpOptions::default() };
    Ok(login::client_with(&invocation.places, &config, options)?)
}

fn chosen(only: &[String]) -> Result<Vec<&'static Question>, Failure> {
    if only.is_empty() {
        return Ok(QUESTIONS.iter().collect());
    }
    let mut chosen = Vec::new();
    for text in only {
        let found = QUESTIONS.iter().find(|question| {
            let plain = text.to_ascii_uppercase().replace('-', "");
            plain == question.id().replace('-', "") || *text == question.name
        });
        chosen.push(found.ok_or_else(|| {
            let last = QUESTIONS.last().map(Question::id).unwrap_or_default();
            Failure::usage(format!("there is no question {text:?}")).hint(format!("they are U-01 to {last}"))
        })?);
    }
    Ok(chosen)
}

async fn examine(
    chosen: &[&'static Question],
    scratch: &Scratch,
    asking: &Asking,
    report: &mut Report<'_>,
) -> Result<(), Failure> {
    // All others depend on this one, whether it was asked for or not.
    let mut first = None;
    for question in QUESTIONS.iter().filter(|question| question.number == FIRST) {
        first = Some(ask(question, scratch, asking).await?);
    }
    for question in chosen {
        let finding = match &first {
            Some(finding) if question.number == FIRST => finding.clone(),
            _ => ask(question, scratch, asking).await?,
        };
        report.tell(question, finding)?;
    }
    Ok(())
}

/// What was found out so far.
struct Report<'a> {
    invocation: &'a Invocation,
    remote: String,
    scratch: String,
    findings: Vec<(&'static Question, Finding)>,
}

impl<'a> Report<'a> {
    fn new(invocation: &'a Invocation, parent: &RemotePath, scratch: &Scratch) -> Self {
        let (remote, scratch) = (parent.to_string(), scratch.root().to_string());
        Self { invocation, remote, scratch, findings: Vec::new() }
    }

    fn tell(&mut self, question: &'static Question, finding: Finding) -> Result<(), Failure> {
        if !self.invocation.output.json {
            let (id, text) = (question.id(), question.text);
            let line = match &finding {
                Finding::Answer { answer, seen } => {
                    let comparison = if *answer == question.assumed() {
                        "as assumed".to_owned()
                    } else {
                        format!("NOT as assumed: {}", question.assumed())
                    };
                    format!("{answer} ({comparison}): {seen}")
                }
                Finding::Other(seen) => format!("NONE of the known answers: {seen}"),
                Finding::NotTold(reason) => format!("cannot be told: {reason}"),
            };
            self.invocation.output.prose(Escaped(&format!("{id}  {text}: {line}")))?;
        }
        self.findings.push((question, finding));
        Ok(())
    }

    fn finish(
        self,
        outcome: Result<(), Failure>,
        put_away: Result<(), Failure>,
        scratch: &Scratch,
    ) -> Result<Exit, Failure> {
        let is = |test: fn(&Question, &Finding) -> bool| {
            self.findings.iter().filter(|(question, finding)| test(question, finding)).count()
        };
        let assumed = is(
            |question, finding| matches!(finding, Finding::Answer { answer, .. } if *answer == question.assumed()),
        );
        let different = is(|question, finding| match finding {
            Finding::Answer { answer, .. } => *answer != question.assumed(),
            Finding::Other(_) => true,
            Finding::NotTold(_) => false,
        });
        let not_told = is(|_, finding| matches!(finding, Finding::NotTold(_)));
        let document = json!({
            "schema": 1,
            "remote": self.remote,
            "scratch": self.scratch,
            "put_away": put_away.is_ok(),
            "complete": outcome.is_ok(),
            "as_assumed": assumed,
            "different": different,
            "not_told": not_told,
            "questions": self.findings.iter().map(|(question, finding)| entry(question, finding)).collect::<Vec<_>>(),
        });
        self.invocation.output.either(&document, || {
            let asked = count(self.findings.len() as u64, "question", "questions");
            self.invocation.output.prose(format_args!(
                "{asked}: {assumed} as assumed, {different} different, {not_told} cannot be told"
            ))?;
            if put_away.is_ok() {
                self.invocation
                    .output
                    .prose(format_args!("the test's folder is in the trash: {}", self.scratch))?;
            }
            Ok(())
        })?;
        let root = scratch.root();
        put_away.map_err(|failure| {
            Failure::new(failure.exit(), format!("putting {root} away: {}", failure.message()))
                .path(root.to_string())
                .hint(format!("put it away: jottad rm -r {}", shell_word(root)))
        })?;
        outcome?;
        Ok(Exit::Done)
    }
}

fn entry(question: &Question, finding: &Finding) -> Value {
    let (answer, seen, reason) = match finding {
        Finding::Answer { answer, seen } => (Some(*answer), Some(seen), None),
        Finding::Other(seen) => (None, Some(seen), None),
        Finding::NotTold(reason) => (None, None, Some(reason)),
    };
    let differs = reason.is_none().then(|| answer != Some(question.assumed()));
    json!({
        "id": question.id(),
        "name": question.name,
        "question": question.text,
        "answer": answer,
        "assumed": question.assumed(),
        "differs": differs,
        "seen": seen,
        "not_told": reason,
    })
}
