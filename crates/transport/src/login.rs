//! Logging in: from the service's grant to a login that is kept; and the personal login token (protocol 2.1).

use std::time::SystemTime;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use crate::brands::Brand;
use crate::client::customer_of;
use crate::credentials::{CredentialFile, Credentials, Flow};
use crate::endpoints::Endpoints;
use crate::error::{Error, ErrorKind, Result};
use crate::facts::Customer;
use crate::host_identity::HostIdentity;
use crate::http::Http;
use crate::login_token::LoginToken;
use crate::oauth::{self, Discovery, Grant, TOKEN_LOGIN_CLIENT};
use crate::session::Session;

/// A login that the service has granted and that is not kept yet: the moment to look whose it is.
///
/// Dropping it forgets it. A login that was kept before is then still in force: each has tokens of its own.
#[derive(Debug)]
pub struct GrantedLogin {
    http: Http,
    file: CredentialFile,
    credentials: Credentials,
}

/// How a login was obtained, which its refreshes must repeat.
#[derive(Debug)]
pub(crate) struct Obtained<'a> {
    pub(crate) brand: &'a str,
    pub(crate) flow: Flow,
    pub(crate) token_endpoint: String,
    pub(crate) client_id: &'a str,
    pub(crate) client_secret: Option<SecretString>,
    pub(crate) host: &'a HostIdentity,
}

impl GrantedLogin {
    pub(crate) fn new(
        http: Http,
        file: CredentialFile,
        grant: Grant,
        obtained: Obtained<'_>,
    ) -> Result<Self> {
        let refresh_token = grant.refresh_token.ok_or_else(|| Error::LoginRefused {
            reason: "the service granted no refresh token".to_owned(),
        })?;
        let credentials = Credentials {
            brand: obtained.brand.to_owned(),
            flow: obtained.flow,
            token_endpoint: obtained.token_endpoint,
            client_id: obtained.client_id.to_owned(),
            client_secret: obtained.client_secret,
            access_token: grant.access_token,
            refresh_token,
            expires_at: SystemTime::now() + grant.lifetime,
            lifetime: grant.lifetime,
            host: obtained.host.clone(),
        };
        Ok(Self { http, file, credentials })
    }

    /// The internal user name, if the access token tells it (protocol 2.2). Nothing is sent.
    pub fn username(&self) -> Option<String> {
        username_in(self.credentials.access_token.expose_secret())
    }

    /// Asks whose login it is. Only the access token is shown: the refresh token stays unused until it is
    /// kept.
    pub async fn customer(&self, endpoints: &Endpoints) -> Result<Customer> {
        endpoints.check()?;
        customer_of(&self.http, endpoints, &self.credentials.access_token).await
    }

    /// Writes the tokens down, durably, then starts using them.
    pub fn keep(self) -> Result<Session> {
        Session::start(self.http, self.file, self.credentials)
    }
}

impl LoginToken {
    /// Exchanges the token, which is spent by it, for a login that the file is to keep.
    pub async fn spend(&self, http: Http, file: CredentialFile, host: &HostIdentity) -> Result<GrantedLogin> {
        // The service wants to be asked for its description first (protocol 2.1).
        let discovery = oauth::discover(&http, &self.well_known_link).await?;
        // A token is single-use: it must not be spent if the result cannot be kept.
        drop(file.reserve()?);
        let grant = self.request_grant(&http, &discovery).await?;
        let realm = self.realm.as_deref();
        let obtained = Obtained {
            // A brand that is not in our list is called by its realm.
            brand: self.brand().map(|brand| brand.key).or(realm).unwrap_or("jottacloud"),
            flow: Flow::Standard,
            token_endpoint: discovery.token_endpoint,
            client_id: TOKEN_LOGIN_CLIENT,
            client_secret: None,
            host,
        };
        GrantedLogin::new(http, file, grant, obtained)
    }

    /// Spends the token for what the service grants for it.
    pub(crate) async fn request_grant(&self, http: &Http, discovery: &Discovery) -> Result<Grant> {
        let form = [
            ("client_id", TOKEN_LOGIN_CLIENT),
            ("grant_type", "password"),
            ("username", self.username.as_str()),
            ("password", self.auth_token.expose_secret()),
            ("scope", "openid offline_access"),
        ];
        let granted = oauth::request_grant(http, "logging in", &discovery.token_endpoint, &form).await;
        granted.map_err(|error| refusal(error, "the token is used up, expired or wrong"))
    }

    /// The brand that the token is of, as far as its realm tells it.
    pub fn brand(&self) -> Option<&'static Brand> {
        Brand::of_realm(self.realm.as_deref()?)
    }
}

impl Session {
    /// Exchanges a personal login token and keeps the login, whosever it is.
    ///
    /// A login that is kept there already is replaced only after the new one was granted.
    pub async fn log_in(
        http: Http,
        token: &LoginToken,
        file: CredentialFile,
        host: &HostIdentity,
    ) -> Result<Self> {
        token.spend(http, file, host).await?.keep()
    }
}

/// Says of an answer to a login what it was that was wrong.
pub(crate) fn refusal(error: Error, wrong: &str) -> Error {
    match &error {
        Error::Answer { fault, .. }
            if fault.exception() == Some("invalid_grant") || error.kind() == ErrorKind::LoginNeeded =>
        {
            let words = fault.message().unwrap_or("no reason given");
            Error::LoginRefused { reason: format!("{wrong} ({words})") }
        }
        Error::Answer { fault, .. } if fault.status() == 400 => {
            Error::LoginRefused { reason: fault.to_string() }
        }
        _ => error,
    }
}

/// The last part of the `sub` claim of a JWT. It came over TLS from the login service; its signature is not
/// checked.
fn username_in(access_token: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Claims {
        sub: String,
    }
    let claims = BASE64_URL_SAFE_NO_PAD.decode(access_token.split('.').nth(1)?).ok()?;
    let Claims { sub } = serde_json::from_slice(&claims).ok()?;
    let (_, username) = sub.rsplit_once(':')?;
    (!username.is_empty()).then(|| username.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_name_is_the_end_of_the_subject() {
        let token = |claims: &str| format!("e30.{}.x", BASE64_URL_SAFE_NO_PAD.encode(claims));
        for (claims, expected) in [
            (r#"{"sub":"f:0e1d:u7k2"}"#, Some("u7k2")),
            (r#"{"sub":"f:0e1d:"}"#, None),
            (r#"{"sub":"b3c1-77"}"#, None),
            (r#"{"sub":7}"#, None),
            ("[]", None),
        ] {
            assert_eq!(username_in(&token(claims)).as_deref(), expected, "{claims}");
        }
        for opaque in ["", "opaque", "a.b.c", "a.%.c"] {
            assert_eq!(username_in(opaque), None, "{opaque}");
        }
    }

    #[test]
    fn a_login_that_is_refused_is_told_from_a_service_that_fails() {
        let answer = |status, body: &str| Error::Answer {
            action: "logging in".to_owned(),
            fault: Box::new(crate::fault::ServerFault::parse(status, body.as_bytes())),
            retry_after: None,
        };
        let grant = r#"{"error":"invalid_grant","error_description":"Stale token"}"#;
        for (status, body, expected) in [
            (400, grant, Some("it is spent (Stale token)")),
            (401, "", Some("it is spent (no reason given)")),
            (400, "", Some("the service refused")),
            (503, "", None),
            (404, "", None),
        ] {
            let told = refusal(answer(status, body), "it is spent");
            match (told, expected) {
                (Error::LoginRefused { reason }, Some(expected)) => assert_eq!(reason, expected, "{status}"),
                (told, expected) => {
                    assert!(matches!(told, Error::Answer { .. }) && expected.is_none(), "{status}");
                }
            }
        }
    }
}
