//! The token endpoint of the login service: discovery, grants, refresh (protocol 2.1, 2.3).

use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use crate::credentials::{Credentials, Flow};
use crate::endpoints::{belongs_to, check_secure, foreign, shortened};
use crate::error::{Error, ErrorKind, Result};
use crate::http::{Call, Http, host_of};

/// The client id of logins by personal token.
pub(crate) const TOKEN_LOGIN_CLIENT: &str = "jottacli";
/// An answer without `expires_in` is believed for this long.
const DEFAULT_LIFETIME: u64 = 3600;

/// The parts of a discovery document that a client needs.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Discovery {
    pub(crate) token_endpoint: String,
    pub(crate) authorization_endpoint: Option<String>,
    #[serde(default)]
    pub(crate) code_challenge_methods_supported: Vec<String>,
}

/// Tokens as the service granted them.
#[derive(Debug)]
pub(crate) struct Grant {
    pub(crate) access_token: SecretString,
    pub(crate) refresh_token: Option<SecretString>,
    pub(crate) lifetime: Duration,
}

#[derive(Deserialize)]
struct GrantAnswer {
    access_token: SecretString,
    refresh_token: Option<SecretString>,
    expires_in: Option<u64>,
}

impl From<GrantAnswer> for Grant {
    fn from(answer: GrantAnswer) -> Self {
        let seconds = answer.expires_in.unwrap_or(DEFAULT_LIFETIME).min(366 * 24 * 3600);
        Self {
            access_token: answer.access_token,
            refresh_token: answer.refresh_token.filter(|token| !token.expose_secret().is_empty()),
            lifetime: Duration::from_secs(seconds),
        }
    }
}

/// Asks a login service to describe itself. Both the address and what it answers must be safe for tokens.
pub(crate) async fn discover(http: &Http, well_known_link: &str) -> Result<Discovery> {
    check_secure(well_known_link)?;
    let action = format!("asking the login service at {}", shortened(host_of(well_known_link)));
    let call = Call::get(action, well_known_link.to_owned());
    let discovery: Discovery = http.send(&call).await?.json().await?;
    // Login secrets and refresh tokens go there.
    let endpoint = check_secure(&discovery.token_endpoint)?;
    if !belongs_to(&endpoint, well_known_link) {
        return Err(foreign("logging in", &endpoint));
    }
    if let Some(endpoint) = &discovery.authorization_endpoint {
        check_secure(endpoint)?;
    }
    Ok(discovery)
}

/// Sends a form to a token endpoint, once: login secrets and refresh tokens are single-use.
pub(crate) async fn request_grant(
    http: &Http,
    action: &str,
    endpoint: &str,
    form: &[(&str, &str)],
) -> Result<Grant> {
    let call = Call::post(action, endpoint.to_owned(), encode_form(form))
        .header(CONTENT_TYPE.as_str(), HeaderValue::from_static("application/x-www-form-urlencoded"));
    send_for_grant(http, &call).await
}

/// Sends a request that a token endpoint answers.
pub(crate) async fn send_for_grant(http: &Http, call: &Call) -> Result<Grant> {
    let answer: GrantAnswer = http.send(call).await?.json().await?;
    Ok(answer.into())
}

/// Spends the refresh token.
///
/// An attempt that broke off leaves it unknown whether the token is spent. Trying it again is then right: if
/// it is spent, the new one is lost and so is the login, whatever is done.
pub(crate) async fn refresh(http: &Http, credentials: &Credentials) -> Result<Grant> {
    check_secure(&credentials.token_endpoint)?;
    let grant_type = match credentials.flow {
        Flow::Standard => "refresh_token",
        Flow::Legacy => "REFRESH_TOKEN",
    };
    let mut form = vec![
        ("grant_type", grant_type),
        ("client_id", credentials.client_id.as_str()),
        ("refresh_token", credentials.refresh_token.expose_secret()),
    ];
    if let Some(secret) = &credentials.client_secret {
        form.push(("client_secret", secret.expose_secret()));
    }
    let granted = request_grant(http, "renewing the login", &credentials.token_endpoint, &form).await;
    granted.map_err(|error| match &error {
        Error::Answer { fault, .. }
            if fault.exception() == Some("invalid_grant") || error.kind() == ErrorKind::LoginNeeded =>
        {
            let words = fault.message().unwrap_or("the login is no longer valid");
            Error::LoginNeeded { reason: format!("the service ended the login ({words})") }
        }
        _ => error,
    })
}

/// Encodes a form exactly once (protocol 2.1: a doubly encoded scope yields other rights).
pub(crate) fn encode_form(fields: &[(&str, &str)]) -> Bytes {
    let mut serializer = reqwest::Url::parse("form:").map(|mut url| {
        url.query_pairs_mut().extend_pairs(fields);
        url.query().unwrap_or_default().to_owned()
    });
    serializer.as_mut().map(std::mem::take).unwrap_or_default().into()
}
