//! Logging in with a personal login token (protocol 2.1).

use std::time::SystemTime;

use secrecy::ExposeSecret as _;

use crate::brands::Brand;
use crate::credentials::{CredentialFile, Credentials, Flow, HostIdentity};
use crate::error::{Error, ErrorKind, Result};
use crate::http::Http;
use crate::login_token::LoginToken;
use crate::oauth::{self, Grant, TOKEN_LOGIN_CLIENT};
use crate::session::Session;

/// A login that was granted but is not kept yet.
#[derive(Debug)]
pub(crate) struct NewLogin<'a> {
    pub(crate) brand: &'a str,
    pub(crate) flow: Flow,
    pub(crate) token_endpoint: String,
    pub(crate) client_id: &'a str,
    pub(crate) client_secret: Option<secrecy::SecretString>,
    pub(crate) grant: Grant,
    pub(crate) host: &'a HostIdentity,
}

impl NewLogin<'_> {
    /// Writes the tokens down, then starts using them.
    pub(crate) fn keep(self, http: Http, file: CredentialFile) -> Result<Session> {
        let refresh_token = self.grant.refresh_token.ok_or_else(|| Error::LoginRefused {
            reason: "the service granted no refresh token".to_owned(),
        })?;
        let credentials = Credentials {
            brand: self.brand.to_owned(),
            flow: self.flow,
            token_endpoint: self.token_endpoint,
            client_id: self.client_id.to_owned(),
            client_secret: self.client_secret,
            access_token: self.grant.access_token,
            refresh_token,
            expires_at: SystemTime::now() + self.grant.lifetime,
            lifetime: self.grant.lifetime,
            host: self.host.clone(),
        };
        Session::start(http, file, credentials)
    }
}

impl Session {
    /// Exchanges a personal login token, which is spent by it, and keeps the login in the file.
    ///
    /// A login that is kept there already is replaced only after the new one was granted.
    pub async fn log_in(
        http: Http,
        token: &LoginToken,
        file: CredentialFile,
        host: &HostIdentity,
    ) -> Result<Self> {
        // The service wants to be asked for its description first (protocol 2.1).
        let discovery = oauth::discover(&http, &token.well_known_link).await?;
        // A token is single-use: it must not be spent if the result cannot be kept.
        drop(file.reserve()?);
        let form = [
            ("client_id", TOKEN_LOGIN_CLIENT),
            ("grant_type", "password"),
            ("username", token.username.as_str()),
            ("password", token.auth_token.expose_secret()),
            ("scope", "openid offline_access"),
        ];
        let granted = oauth::request_grant(&http, "logging in", &discovery.token_endpoint, &form).await;
        let grant = granted.map_err(refusal)?;
        let brand = token.realm.as_deref().and_then(Brand::of_realm);
        let login = NewLogin {
            brand: brand.map_or("jottacloud", |brand| brand.key),
            flow: Flow::Standard,
            token_endpoint: discovery.token_endpoint,
            client_id: TOKEN_LOGIN_CLIENT,
            client_secret: None,
            grant,
            host,
        };
        login.keep(http, file)
    }
}

/// Says of an answer to a login that it was the login that was wrong.
pub(crate) fn refusal(error: Error) -> Error {
    match &error {
        Error::Answer { fault, .. }
            if fault.exception() == Some("invalid_grant") || error.kind() == ErrorKind::LoginNeeded =>
        {
            let words = fault.message().unwrap_or("no reason given");
            Error::LoginRefused { reason: format!("the token is used up, expired or wrong ({words})") }
        }
        Error::Answer { fault, .. } if fault.status() == 400 => {
            Error::LoginRefused { reason: fault.to_string() }
        }
        _ => error,
    }
}
