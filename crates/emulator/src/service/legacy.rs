//! The login that no service is known to accept any more (protocol 2.5). Off unless the configuration turns
//! it on.

use http::HeaderValue;
use serde_json::json;

use super::identity::{granted, refused};
use super::inject::RequestBody;
use super::reply::json_ok;
use super::{Call, Endpoint, Failure, Reply, query};
use crate::config::LegacyLogin;
use crate::tokens::OAuthError;

/// What a registered device gets.
const CLIENT_ID: &str = "legacy-device";
const CLIENT_SECRET: &str = "legacy-secret";

pub(super) async fn answer(call: &Call<'_>, body: RequestBody) -> Result<Reply, Failure> {
    let form = body.collect().await?;
    let form = query::parse(&String::from_utf8_lossy(&form));
    let Some(login) = call.shared.tokens().rules.legacy.clone() else {
        return Ok(refused(&OAuthError::new(400, "invalid_request", "no longer supported")));
    };
    if call.endpoint == Endpoint::LegacyRegister {
        return Ok(json_ok(&json!({ "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET })));
    }
    // Parameters come in the query for a login and in the body for a refresh.
    let field = |name: &str| {
        call.query(name).or_else(|| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str()))
    };
    match field("grant_type") {
        Some("PASSWORD") => Ok(log_in(call, &login, &field)),
        Some("REFRESH_TOKEN") => {
            let (now, switches) = {
                let world = call.shared.world();
                (world.now(), world.switches)
            };
            let token = field("refresh_token").unwrap_or_default();
            let grant = call.shared.tokens().refresh(CLIENT_ID, token, &switches, now);
            Ok(grant.map_or_else(|error| refused(&error), |grant| granted(&grant)))
        }
        _ => Ok(refused(&OAuthError::new(400, "unsupported_grant_type", "unknown grant"))),
    }
}

fn log_in<'a>(call: &Call, login: &LegacyLogin, field: &impl Fn(&str) -> Option<&'a str>) -> Reply {
    let (email, now) = {
        let world = call.shared.world();
        (world.account.email.clone(), world.now())
    };
    let is_device = field("client_id") == Some(CLIENT_ID) && field("client_secret") == Some(CLIENT_SECRET);
    let is_known = field("username") == Some(&email) && field("password") == Some(&login.password);
    if !is_device || !is_known {
        return refused(&OAuthError::new(401, "invalid_grant", "Invalid user credentials"));
    }
    if login.one_time_code.is_some() && call.header("x-jottacloud-otp") != login.one_time_code.as_deref() {
        let mut asked = refused(&OAuthError::new(401, "invalid_grant", "one-time code required"));
        asked.headers_mut().insert("x-jottacloud-otp", HeaderValue::from_static("required; SMS"));
        return asked;
    }
    granted(&call.shared.tokens().start_family(CLIENT_ID, "offline_access", now))
}
