//! `jottad login`: from a token, a browser or a password to a login that keeps itself fresh.

mod browser;
mod legacy;
mod token;

pub(crate) use token::login_token_from_stdin;

use clap::Args;
use jottad_transport::{
    Brand, Client, ClientOptions, Customer, ErrorKind, GrantedLogin, REDIRECT_PORT, Session,
};
use serde_json::json;

use crate::account::KnownAccount;
use crate::account::login;
use crate::cli::failure::{Exit, Failure};
use crate::cli::invocation::Invocation;
use crate::cli::output::{Columns, Escaped};
use crate::commands::folder::tell_daemon;
use crate::config::Config;
use crate::service::start_command;

/// How often a person may try again at one prompt.
const TRIES: u32 = 3;

#[derive(Debug, Default, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub(crate) struct LoginArguments {
    /// Read the personal login token from standard input instead of asking on the terminal
    #[arg(long, conflicts_with_all = ["legacy", "no_browser"])]
    pub(crate) token_stdin: bool,
    /// Log in with a browser to this brand (see --list-brands); with --token-stdin, demand a token of it
    #[arg(long, value_name = "NAME", conflicts_with = "legacy")]
    brand: Option<String>,
    /// Open no browser; print the address to go to, here or on another machine
    #[arg(long, conflicts_with = "legacy")]
    no_browser: bool,
    /// Let the browser come back to this port; the service is only known to take the default. 0: any free one
    #[arg(long, value_name = "PORT", default_value_t = REDIRECT_PORT)]
    redirect_port: u16,
    /// List the brands, and exit
    #[arg(long, conflicts_with_all = ["token_stdin", "brand", "no_browser", "legacy"])]
    list_brands: bool,
    /// The old login with user name and password; no brand is known to serve it any more
    #[arg(long)]
    legacy: bool,
}

/// Logs in; the login that was kept before is replaced only when the new one was granted, and is of the same
/// account.
pub(crate) fn run(arguments: &LoginArguments, invocation: &Invocation) -> Result<Exit, Failure> {
    if arguments.list_brands {
        return list_brands(invocation);
    }
    let config = invocation.tolerant_config()?;
    let named = arguments.brand.as_deref().map(brand_of).transpose()?;
    // A brand in the config is meant as much as one on the command line; the default is nobody's wish.
    let configured = Brand::of_key(&config.service.brand).filter(|brand| *brand != &Brand::ALL[0]);
    let brand = named.or(configured);
    invocation.places.make_state_dir()?;
    let begun = Beginning { invocation, config: &config };
    match brand {
        _ if arguments.legacy => legacy::run(&begun),
        _ if arguments.token_stdin => token::run_stdin(&begun, brand),
        None if !arguments.no_browser => token::run_terminal(&begun),
        brand => {
            let brand = brand.unwrap_or(&Brand::ALL[0]);
            browser::run(&begun, brand, arguments.redirect_port, arguments.no_browser)
        }
    }
}

/// What every way of logging in begins with and ends in.
struct Beginning<'a> {
    invocation: &'a Invocation,
    config: &'a Config,
}

impl Beginning<'_> {
    /// Keeps a login that was granted, unless it is another account's than the folders'.
    async fn keep(&self, granted: GrantedLogin) -> Result<Exit, Failure> {
        let (places, output) = (&self.invocation.places, self.invocation.output);
        let endpoints = self.config.service.endpoints.clone();
        let owner = KnownAccount::owner(places).filter(|_| !self.config.is_empty());
        let owner = match owner {
            Some(owner) => Some(self.check_owner(&granted, owner).await?),
            None => None,
        };
        let session = granted.keep()?;
        // From here on the login is kept.
        KnownAccount::forget(places);
        login::clear_other_store(places, self.config)?;
        let account = match owner {
            Some(account) => account,
            None => KnownAccount::from(&ask(session, endpoints).await?),
        };
        account.save(places)?;
        let document = json!({"schema": 1, "username": account.username, "email": account.email});
        output.either(&document, || {
            output.prose(format_args!("logged in as {}", Escaped(account.for_people())))
        })?;
        let is_running = tell_daemon(self.invocation).await;
        if self.config.is_empty() {
            output.next("choose a folder: `jottad folder add ~/Documents`, or `jottad setup`");
        } else if !is_running {
            let start = start_command(places);
            output.next(&format!("`jottad run --once` compares once; `{start}` keeps everything in step"));
        }
        Ok(Exit::Done)
    }

    /// Refuses a login of another account than the folders were synced with.
    async fn check_owner(
        &self,
        granted: &GrantedLogin,
        owner: KnownAccount,
    ) -> Result<KnownAccount, Failure> {
        let found = granted.customer(&self.config.service.endpoints).await;
        let other = match (&found, granted.username()) {
            (Ok(customer), _) if customer.username == owner.username => return Ok(customer.into()),
            (Ok(customer), _) => customer.email.clone().unwrap_or_else(|| customer.username.clone()),
            // The service cannot be asked, but the token tells.
            (Err(_), Some(username)) if username == owner.username => return Ok(owner),
            (Err(_), Some(username)) => username,
            (Err(error), None) => {
                let message = format!("whose login this is cannot be found out, so it was not kept: {error}");
                return Err(Failure::failed(message)
                    .hint("the login that was kept before is still in force; try again with a new token"));
            }
        };
        let message = format!(
            "this is the login of {other}, but the folders here belong to {}; it was not kept, and nothing changed",
            owner.for_people()
        );
        Err(Failure::failed(message).hint(
            "to change the account, first remove the folders (`jottad folder remove NAME` deletes no file), or give the \
             other account a --config and --state-dir of its own",
        ))
    }
}

async fn ask(session: Session, endpoints: jottad_transport::Endpoints) -> Result<Customer, Failure> {
    let client = Client::new(endpoints, session, ClientOptions::default())?;
    client.customer().await.map_err(|error| {
        let kind = error.kind();
        let failure = Failure::from(error).because("logged in, but the account cannot be asked for");
        if kind == ErrorKind::LoginNeeded {
            return failure
                .hint("the service does not take this login: is it of another service than the config's?");
        }
        failure
    })
}

fn brand_of(key: &str) -> Result<&'static Brand, Failure> {
    Brand::of_key(key).ok_or_else(|| {
        Failure::usage(format!("{key:?} is not a known brand")).hint("see: jottad login --list-brands")
    })
}

fn list_brands(invocation: &Invocation) -> Result<Exit, Failure> {
    let brands: Vec<_> =
        Brand::ALL.iter().map(|brand| json!({"key": brand.key, "name": brand.name})).collect();
    invocation.output.either(&json!({"schema": 1, "brands": brands}), || {
        let mut columns = Columns::default();
        for brand in Brand::ALL {
            columns.push([brand.key.to_owned(), brand.name.to_owned()]);
        }
        invocation.output.table(&columns)
    })?;
    Ok(Exit::Done)
}
