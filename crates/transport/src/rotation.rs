//! What becomes of a refresh token that was used (protocol 2.3, U-24): found out with a login of its own,
//! which is thrown away, so that no login that is kept can be lost by it.

use secrecy::{ExposeSecret as _, SecretString};

use crate::error::{Error, ErrorKind, Result};
use crate::http::Http;
use crate::login_token::LoginToken;
use crate::oauth::{self, Discovery, Grant, TOKEN_LOGIN_CLIENT};

/// What a service does with refresh tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rotation {
    /// A refresh brings another refresh token.
    pub rotates: bool,
    /// The token that was spent is taken once more right afterwards.
    pub takes_spent: bool,
    /// After that second use the newest token is still good.
    pub survives_reuse: bool,
}

impl Rotation {
    /// Spends a personal login token and all that comes of it. Nothing is kept.
    pub async fn find_out(http: &Http, token: &LoginToken) -> Result<Self> {
        let discovery = oauth::discover(http, &token.well_known_link).await?;
        let first = refresh_token(token.request_grant(http, &discovery).await?)?;
        let second = refresh_token(refresh(http, &discovery, &first).await?)?;
        let rotates = first.expose_secret() != second.expose_secret();
        let takes_spent = is_taken(refresh(http, &discovery, &first).await)?;
        let survives_reuse = is_taken(refresh(http, &discovery, &second).await)?;
        Ok(Self { rotates, takes_spent, survives_reuse })
    }
}

async fn refresh(http: &Http, discovery: &Discovery, token: &SecretString) -> Result<Grant> {
    let form = [
        ("client_id", TOKEN_LOGIN_CLIENT),
        ("grant_type", "refresh_token"),
        ("refresh_token", token.expose_secret()),
    ];
    oauth::request_grant(http, "renewing a login", &discovery.token_endpoint, &form).await
}

fn refresh_token(grant: Grant) -> Result<SecretString> {
    grant.refresh_token.ok_or_else(|| Error::Protocol {
        action: "renewing a login".to_owned(),
        reason: "no refresh token came".to_owned(),
    })
}

/// A token that is refused is an answer; a service that cannot be asked is none.
fn is_taken(result: Result<Grant>) -> Result<bool> {
    match result {
        Ok(_) => Ok(true),
        Err(Error::Answer { fault, .. })
            if matches!(fault.kind(), ErrorKind::Refused | ErrorKind::LoginNeeded) =>
        {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}
