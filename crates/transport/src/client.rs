//! Asking the service and giving it orders: one method for each thing that can be done with an account.

mod account;
mod commands;
mod download;
mod events;
mod links;
mod raw;
mod reading;
mod restore;
mod trash;
mod upload;

use std::sync::Arc;

use reqwest::header::{AUTHORIZATION, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::OnceCell;

use crate::answer::{Answer, BodyReader, document_error};
use crate::endpoints::Endpoints;
use crate::error::{Error, ErrorKind, Result};
use crate::http::{Attempts, Call, Http};
use crate::last_word::LastWord;
use crate::rate::RateLimit;
use crate::session::{Access, Session};
use crate::xml::XmlError;

pub(crate) use account::customer_of;
pub use commands::MoveOutcome;
pub use download::ContentStream;
pub use events::{Event, EventStream};
pub use raw::{RawAnswer, RawRequest};
pub use restore::Restored;

/// What can be set on a client.
#[derive(Debug, Clone, Copy, Default)]
pub struct ClientOptions {
    /// Bytes per second of all uploads together; `None` for no limit.
    pub upload_limit: Option<u64>,
    /// Bytes per second of all downloads together; `None` for no limit.
    pub download_limit: Option<u64>,
    /// An upload that an earlier run left unfinished is gone on with if the file has more bytes than this;
    /// smaller ones begin anew.
    pub resume_limit: u64,
}

/// A logged-in client of the service. Cheap to clone; clones share connections, tokens and limits.
///
/// All futures may be dropped at any point; an order whose future was dropped may or may not have been
/// carried out.
#[derive(Debug, Clone)]
pub struct Client(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    endpoints: Endpoints,
    session: Session,
    username: OnceCell<String>,
    upload_limit: RateLimit,
    download_limit: RateLimit,
    resume_limit: u64,
}

impl Client {
    /// Makes a client; nothing is sent yet.
    pub fn new(endpoints: Endpoints, session: Session, options: ClientOptions) -> Result<Self> {
        endpoints.check()?;
        Ok(Self(Arc::new(Inner {
            endpoints,
            session,
            username: OnceCell::new(),
            upload_limit: RateLimit::new(options.upload_limit),
            download_limit: RateLimit::new(options.download_limit),
            resume_limit: options.resume_limit,
        })))
    }

    /// Changes the limits of running and coming transfers; bytes per second, `None` for no limit.
    pub fn set_limits(&self, upload: Option<u64>, download: Option<u64>) {
        self.0.upload_limit.set(upload);
        self.0.download_limit.set(download);
    }

    /// The login that this client uses.
    pub fn session(&self) -> &Session {
        &self.0.session
    }

    /// When the service last answered anything.
    pub fn last_word(&self) -> LastWord {
        self.http().last_word().clone()
    }

    fn http(&self) -> &Http {
        self.0.session.http()
    }

    /// Sends a request with the login, repeating it where that is allowed and may help.
    async fn send(&self, call: Call) -> Result<Answer> {
        let mut attempts = Attempts::at(&call);
        let mut renewed = false;
        loop {
            let access = self.0.session.access().await.map_err(|error| attempts.mark(error))?;
            let error = match self.http().send_once(&authorised(call.clone(), &access)?).await {
                Ok(answer) => return Ok(answer),
                Err(error) => attempts.fail(error),
            };
            if error.kind() == ErrorKind::LoginNeeded {
                let renewal = self.renew_once(&mut renewed, &access, error).await;
                renewal.map_err(|error| attempts.mark(error))?;
                continue;
            }
            attempts.wait_to_repeat(self.http(), error).await?;
        }
    }

    /// Asks for something that is read whole, repeating also when the body breaks off.
    async fn fetch<T, F>(&self, call: Call, read: impl Fn(Answer) -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        let mut attempts = Attempts::at(&call);
        loop {
            let answer = self.send(call.clone()).await.map_err(|error| attempts.mark(error))?;
            match read(answer).await {
                Ok(value) => return Ok(value),
                Err(error) => {
                    let error = attempts.fail(error);
                    attempts.wait_to_repeat(self.http(), error).await?;
                }
            }
        }
    }

    /// Asks for an XML document.
    async fn document<T, F>(&self, call: Call, parse: impl Fn(BodyReader) -> F) -> Result<T>
    where
        F: Future<Output = std::result::Result<T, XmlError>>,
    {
        let action = call.action.clone();
        let read = |answer: Answer| {
            let parsing = parse(answer.into_reader());
            async { parsing.await.map_err(|error| document_error(&action, error)) }
        };
        self.fetch(call, read).await
    }

    /// After a 401: renews the token the first time, gives up the second (protocol 2.6).
    async fn renew_once(&self, renewed: &mut bool, access: &Access, error: Error) -> Result<()> {
        let Error::Answer { fault, .. } = error.last() else { return Err(error) };
        if *renewed {
            return Err(Error::LoginNeeded { reason: fault.to_string() });
        }
        *renewed = true;
        self.0.session.renew(access.generation).await?;
        Ok(())
    }
}

fn authorised(call: Call, access: &Access) -> Result<Call> {
    let bearer = bearer(&access.token)?;
    Ok(call.header(AUTHORIZATION.as_str(), bearer))
}

fn bearer(token: &SecretString) -> Result<HeaderValue> {
    let mut value = HeaderValue::try_from(format!("Bearer {}", token.expose_secret())).map_err(|_| {
        Error::LoginNeeded { reason: "the access token is not usable as a header".to_owned() }
    })?;
    value.set_sensitive(true);
    Ok(value)
}

/// Takes "not found" for an answer.
fn none_if_missing<T>(result: Result<T>) -> Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}
