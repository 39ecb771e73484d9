//! `OpenID` Connect: discovery, tokens, the authorization page (protocol 2).

use http::{HeaderValue, header};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;

use super::inject::RequestBody;
use super::reply::{full, html, json_ok, json_with, reply};
use super::{Call, Endpoint, Failure, Origin, Reply, query};
use crate::tokens::{Code, Grant, OAuthError};

/// Client ids of the browser flow (protocol 1.3).
const BROWSER_CLIENTS: [&str; 3] = ["desktop", "desktop-win", "desktop-mac"];

/// A realm where `desktop` and `jotta-default` do not work (protocol 1.3).
const STRICT_REALM: &str = "phonero";

pub(super) async fn answer(call: &Call<'_>, body: RequestBody) -> Result<Reply, Failure> {
    match call.endpoint {
        Endpoint::Discovery => Ok(discovery(call)),
        Endpoint::Authorize => Ok(authorize(call)),
        _ => {
            let form = body.collect().await?;
            let form = query::parse(&String::from_utf8_lossy(&form));
            let result = token(call, &form);
            Ok(match result {
                Ok(grant) => granted(&grant),
                Err(error) => refused(&error),
            })
        }
    }
}

/// The realm in `/auth/realms/<realm>/…`.
fn realm<'a>(call: &'a Call) -> &'a str {
    call.path().split('/').nth(3).unwrap_or_default()
}

fn discovery(call: &Call) -> Reply {
    let origin = match call.origin {
        Origin::Plain => call.asked_at(),
        Origin::Proxied { host } => format!("https://{host}"),
    };
    let realm = format!("{origin}/auth/realms/{}", realm(call));
    let connect = format!("{realm}/protocol/openid-connect");
    let challenge_methods: &[&str] = if call.shared.tokens().rules.pkce { &["plain", "S256"] } else { &[] };
    json_ok(&json!({
        "issuer": realm,
        "authorization_endpoint": format!("{connect}/auth"),
        "token_endpoint": format!("{connect}/token"),
        "token_introspection_endpoint": format!("{connect}/token/introspect"),
        "userinfo_endpoint": format!("{connect}/userinfo"),
        "end_session_endpoint": format!("{connect}/logout"),
        "jwks_uri": format!("{connect}/certs"),
        "check_session_iframe": format!("{connect}/login-status-iframe.html"),
        "grant_types_supported": ["authorization_code", "refresh_token", "password"],
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "scopes_supported": ["openid", "email", "offline_access", "jotta-default"],
        "code_challenge_methods_supported": challenge_methods,
        "tls_client_certificate_bound_access_tokens": true,
        "introspection_endpoint": format!("{connect}/token/introspect"),
    }))
}

fn token(call: &Call, form: &[(String, String)]) -> Result<Grant, OAuthError> {
    let field = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let (now, switches) = {
        let world = call.shared.world();
        (world.now(), world.switches)
    };
    if field("client_secret").is_some_and(|secret| !secret.is_empty()) {
        return Err(OAuthError::new(400, "unauthorized_client", "Invalid client secret"));
    }
    let client_id = field("client_id").ok_or(OAuthError::new(
        400,
        "invalid_request",
        "Missing form parameter: client_id",
    ))?;
    let text = |name: &str| field(name).unwrap_or_default();
    let mut tokens = call.shared.tokens();
    match field("grant_type") {
        Some("password") => {
            tokens.redeem_login(client_id, text("username"), text("password"), text("scope"), now)
        }
        Some("refresh_token") => tokens.refresh(client_id, text("refresh_token"), &switches, now),
        Some("authorization_code") => {
            tokens.redeem_code(client_id, text("code"), text("redirect_uri"), field("code_verifier"), now)
        }
        // Grants in upper case were for the legacy endpoint only (protocol 2.3).
        Some(_) => Err(OAuthError::new(400, "unsupported_grant_type", "Unsupported grant_type")),
        None => Err(OAuthError::new(400, "invalid_request", "Missing form parameter: grant_type")),
    }
}

/// The page in the browser; it lets everyone in at once.
fn authorize(call: &Call) -> Reply {
    let text = |name: &str| call.query(name).unwrap_or_default();
    let redirect_uri = text("redirect_uri");
    if !is_loopback(redirect_uri) {
        return html(400, "Invalid parameter: redirect_uri");
    }
    let is_strict = realm(call) == STRICT_REALM;
    let client_id = text("client_id");
    if !BROWSER_CLIENTS.contains(&client_id) || (is_strict && client_id == "desktop") {
        return html(400, "Client not found.");
    }
    let scope = text("scope");
    let state = encode(text("state"));
    let separator = if redirect_uri.contains('?') { '&' } else { '?' };
    let answer = if is_strict && scope.split(' ').any(|word| word == "jotta-default") {
        format!("error=invalid_scope&error_description=Invalid+scopes&state={state}")
    } else if text("response_type") != "code" {
        format!("error=unsupported_response_type&state={state}")
    } else if call.query("code_challenge").is_some() && !call.shared.tokens().rules.pkce {
        format!("error=invalid_request&error_description=Unknown+parameter%3A+code_challenge&state={state}")
    } else {
        let challenge = call.query("code_challenge").map(str::to_owned);
        let code = call.shared.tokens().authorize(Code {
            client_id: client_id.to_owned(),
            redirect_uri: redirect_uri.to_owned(),
            scope: scope.to_owned(),
            challenge,
        });
        format!("state={state}&session_state=3f0c1a52-0000-4000-8000-00000000e001&code={}", encode(&code))
    };
    let mut redirect = reply(302, "", full(""));
    if let Ok(location) = HeaderValue::from_str(&format!("{redirect_uri}{separator}{answer}")) {
        redirect.headers_mut().insert(header::LOCATION, location);
    }
    redirect
}

/// Whether a redirect leads back to the machine that asked, which is all the service is known to take.
fn is_loopback(uri: &str) -> bool {
    let host = uri.strip_prefix("http://").and_then(|rest| rest.split(['/', '?']).next());
    host.is_some_and(|host| {
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        ["localhost", "127.0.0.1", "[::1]"].contains(&name)
    })
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

pub(super) fn granted(grant: &Grant) -> Reply {
    json_ok(&json!({
        "access_token": grant.access_token,
        "expires_in": grant.expires_in,
        "refresh_expires_in": 0,
        "refresh_token": grant.refresh_token,
        "token_type": "bearer",
        "id_token": grant.id_token,
        "not-before-policy": 0,
        "session_state": "3f0c1a52-0000-4000-8000-00000000e001",
        "scope": grant.scope,
    }))
}

pub(super) fn refused(error: &OAuthError) -> Reply {
    json_with(error.status, &json!({ "error": error.error, "error_description": error.description }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_redirects_to_this_machine_are_taken() {
        for uri in ["http://localhost:53682/", "http://127.0.0.1:1/x?y", "http://[::1]:9"] {
            assert!(is_loopback(uri), "{uri}");
        }
        for uri in ["https://localhost/", "http://localhost.example.net/", "http://example.net/", ""] {
            assert!(!is_loopback(uri), "{uri}");
        }
    }
}
