//! Login tokens, token families, access tokens (protocol 2). No HTTP here.

use std::collections::{HashMap, HashSet};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::config::TokenRules;
use crate::switches::{OfflineTokenIdle, RefreshReuse, Switches};
use crate::times::Seconds;

/// The client id that personal login tokens belong to (protocol 1.3).
pub(crate) const PERSONAL_CLIENT: &str = "jottacli";

/// How long an unused refresh token lives when it does not live for ever.
const IDLE_LIFETIME: Seconds = 30 * 24 * 3600;

/// How long a rotated refresh token is still taken, under that switch.
const GRACE: Seconds = 30;

/// Every token that was given out.
pub(crate) struct Tokens {
    pub(crate) rules: TokenRules,
    username: String,
    random: fastrand::Rng,
    /// Secrets of login tokens that were not used yet.
    logins: HashSet<String>,
    codes: HashMap<String, Code>,
    families: Vec<Family>,
    /// Which family a refresh token, old or new, belongs to.
    refresh: HashMap<String, usize>,
    access: HashMap<String, Seconds>,
    event_keys: HashSet<String>,
}

/// An authorization code that waits for its exchange.
pub(crate) struct Code {
    pub(crate) client_id: String,
    pub(crate) redirect_uri: String,
    pub(crate) scope: String,
    /// The S256 challenge.
    pub(crate) challenge: Option<String>,
}

struct Family {
    client_id: String,
    scope: String,
    current: String,
    rotated_at: Seconds,
    used_at: Seconds,
    is_revoked: bool,
}

/// A successful answer of the token endpoint.
#[derive(Debug, Clone)]
pub(crate) struct Grant {
    pub(crate) access_token: String,
    pub(crate) refresh_token: String,
    pub(crate) id_token: String,
    pub(crate) expires_in: u64,
    pub(crate) scope: String,
}

/// An OAuth error (protocol 2.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OAuthError {
    pub(crate) status: u16,
    pub(crate) error: &'static str,
    pub(crate) description: &'static str,
}

impl OAuthError {
    pub(crate) const fn new(status: u16, error: &'static str, description: &'static str) -> Self {
        Self { status, error, description }
    }
}

/// What a presented access token is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Valid,
    Expired,
    Unknown,
}

const INVALID_GRANT: OAuthError =
    OAuthError::new(400, "invalid_grant", "Session doesn't have required client");

impl Tokens {
    pub(crate) fn new(rules: TokenRules, username: &str, seed: u64) -> Self {
        Self {
            rules,
            username: username.to_owned(),
            random: fastrand::Rng::with_seed(seed ^ 0x746f_6b65_6e73),
            logins: HashSet::new(),
            codes: HashMap::new(),
            families: Vec::new(),
            refresh: HashMap::new(),
            access: HashMap::new(),
            event_keys: HashSet::new(),
        }
    }

    /// A new personal login token that leads to `origin`.
    pub(crate) fn login_token(&mut self, origin: &str, realm: &str) -> String {
        let secret = self.opaque();
        let token = json!({
            "username": self.username,
            "realm": realm,
            "well_known_link": format!("{origin}/auth/realms/{realm}/.well-known/openid-configuration"),
            "auth_token": secret,
        });
        self.logins.insert(secret);
        URL_SAFE_NO_PAD.encode(token.to_string())
    }

    /// The password grant with the secret of a login token, which is spent by it.
    pub(crate) fn redeem_login(
        &mut self,
        client_id: &str,
        username: &str,
        secret: &str,
        scope: &str,
        now: Seconds,
    ) -> Result<Grant, OAuthError> {
        if client_id != PERSONAL_CLIENT {
            return Err(OAuthError::new(
                400,
                "unauthorized_client",
                "Client not allowed for direct access grants",
            ));
        }
        if username != self.username || !self.logins.remove(secret) {
            return Err(OAuthError::new(401, "invalid_grant", "Invalid user credentials"));
        }
        // A doubly encoded plus asks for one scope of a strange name (protocol 2.1).
        let is_doubly_encoded = scope.contains('+') || !scope.split(' ').any(|word| word == "openid");
        let granted = if is_doubly_encoded { "email offline_access" } else { "openid email offline_access" };
        Ok(self.start_family(client_id, granted, now))
    }

    /// Notes an authorization code and returns it.
    pub(crate) fn authorize(&mut self, code: Code) -> String {
        let secret = self.opaque();
        self.codes.insert(secret.clone(), code);
        secret
    }

    pub(crate) fn redeem_code(
        &mut self,
        client_id: &str,
        secret: &str,
        redirect_uri: &str,
        verifier: Option<&str>,
        now: Seconds,
    ) -> Result<Grant, OAuthError> {
        let code =
            self.codes.remove(secret).ok_or(OAuthError::new(400, "invalid_grant", "Code not valid"))?;
        if code.client_id != client_id || code.redirect_uri != redirect_uri {
            return Err(OAuthError::new(400, "invalid_grant", "Incorrect redirect_uri"));
        }
        let proof = verifier.map(|verifier| URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)));
        if code.challenge.is_some() && code.challenge != proof {
            return Err(OAuthError::new(400, "invalid_grant", "PKCE verification failed"));
        }
        Ok(self.start_family(client_id, &code.scope, now))
    }

    /// Starts a new family of refresh tokens; any number may coexist.
    pub(crate) fn start_family(&mut self, client_id: &str, scope: &str, now: Seconds) -> Grant {
        let current = self.opaque();
        self.refresh.insert(current.clone(), self.families.len());
        self.families.push(Family {
            client_id: client_id.to_owned(),
            scope: scope.to_owned(),
            current: current.clone(),
            rotated_at: now,
            used_at: now,
            is_revoked: false,
        });
        self.grant(current, scope, now)
    }

    /// A refresh: a new pair, and the old refresh token is dead. Using it again kills the family (protocol
    /// 2.3).
    pub(crate) fn refresh(
        &mut self,
        client_id: &str,
        token: &str,
        switches: &Switches,
        now: Seconds,
    ) -> Result<Grant, OAuthError> {
        let next = self.opaque();
        let place = *self.refresh.get(token).ok_or(INVALID_GRANT)?;
        let family = &mut self.families[place];
        let is_idle = switches.offline_token_idle == OfflineTokenIdle::ThirtyDays
            && now - family.used_at > IDLE_LIFETIME;
        if family.is_revoked || is_idle || family.client_id != client_id {
            return Err(INVALID_GRANT);
        }
        family.used_at = now;
        let scope = family.scope.clone();
        if switches.refresh_reuse == RefreshReuse::NoRotation {
            return Ok(self.grant(token.to_owned(), &scope, now));
        }
        if family.current != token {
            if switches.refresh_reuse == RefreshReuse::Grace && now - family.rotated_at <= GRACE {
                let current = family.current.clone();
                return Ok(self.grant(current, &scope, now));
            }
            family.is_revoked = true;
            return Err(INVALID_GRANT);
        }
        family.current.clone_from(&next);
        family.rotated_at = now;
        self.refresh.insert(next.clone(), place);
        Ok(self.grant(next, &scope, now))
    }

    pub(crate) fn check_access(&self, token: &str, now: Seconds) -> Access {
        match self.access.get(token) {
            Some(expires_at) if *expires_at > now => Access::Valid,
            Some(_) => Access::Expired,
            None => Access::Unknown,
        }
    }

    /// Makes every access token expire now.
    pub(crate) fn expire_access(&mut self) {
        self.access.values_mut().for_each(|expires_at| *expires_at = Seconds::MIN);
    }

    /// Ends every session, as deleting all "logged in devices" does: access tokens live on until they expire.
    pub(crate) fn revoke_sessions(&mut self) {
        self.families.iter_mut().for_each(|family| family.is_revoked = true);
    }

    /// A token for the event socket.
    pub(crate) fn event_token(&mut self) -> String {
        let token = self.opaque();
        self.event_keys.insert(token.clone());
        token
    }

    pub(crate) fn is_event_token(&self, token: &str) -> bool {
        self.event_keys.contains(token)
    }

    fn grant(&mut self, refresh_token: String, scope: &str, now: Seconds) -> Grant {
        let lifetime = self.rules.access_lifetime.as_secs();
        let expires_at = now + Seconds::try_from(lifetime).unwrap_or(Seconds::MAX / 2);
        let access_token = self.web_token(expires_at);
        self.access.insert(access_token.clone(), expires_at);
        Grant {
            access_token,
            refresh_token,
            id_token: self.web_token(expires_at),
            expires_in: lifetime,
            scope: scope.to_owned(),
        }
    }

    /// A token in the form of a JWT; `sub` ends in the user name (protocol 2.2).
    fn web_token(&mut self, expires_at: Seconds) -> String {
        if self.rules.opaque {
            return self.opaque();
        }
        let head = json!({ "alg": "RS256", "typ": "JWT" });
        let body = json!({
            "sub": format!("f:0e1d:{}", self.username),
            "exp": expires_at,
            "jti": self.opaque(),
        });
        let [head, body] = [head, body].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
        format!("{head}.{body}.{}", self.opaque())
    }

    fn opaque(&mut self) -> String {
        format!("{:032x}", self.random.u128(..))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::switches::Switches;

    fn tokens() -> Tokens {
        Tokens::new(TokenRules::default(), "kari", 1)
    }

    fn with(answer: &str) -> Switches {
        let mut switches = Switches::default();
        switches.apply(answer).unwrap();
        switches
    }

    #[test]
    fn a_login_token_works_once() {
        let mut tokens = tokens();
        let token = URL_SAFE_NO_PAD.decode(tokens.login_token("http://x", "jottacloud")).unwrap();
        let token: serde_json::Value = serde_json::from_slice(&token).unwrap();
        let secret = token["auth_token"].as_str().unwrap();
        let grant = tokens.redeem_login("jottacli", "kari", secret, "openid offline_access", 0).unwrap();
        assert_eq!(grant.scope, "openid email offline_access");
        assert_eq!(tokens.redeem_login("jottacli", "kari", secret, "", 0).unwrap_err().status, 401);
    }

    #[test]
    fn a_refresh_token_used_twice_kills_its_family_and_no_other() {
        let mut tokens = tokens();
        let strict = Switches::default();
        let other = tokens.start_family("jottacli", "", 0);
        let first = tokens.start_family("jottacli", "", 0);
        let second = tokens.refresh("jottacli", &first.refresh_token, &strict, 1).unwrap();
        assert_eq!(tokens.refresh("jottacli", &first.refresh_token, &strict, 2).unwrap_err(), INVALID_GRANT);
        assert_eq!(tokens.refresh("jottacli", &second.refresh_token, &strict, 3).unwrap_err(), INVALID_GRANT);
        assert_eq!(tokens.check_access(&second.access_token, 4), Access::Valid);
        assert!(tokens.refresh("jottacli", &other.refresh_token, &strict, 5).is_ok());
    }

    #[test]
    fn what_a_rotated_refresh_token_is_worth_depends_on_the_switch() {
        for (answer, after, works) in [
            ("U24=strict", 1, false),
            ("U24=grace-30s", 30, true),
            ("U24=grace-30s", 31, false),
            ("U24=no-rotation", 1000, true),
        ] {
            let mut tokens = tokens();
            let switches = with(answer);
            let first = tokens.start_family("jottacli", "", 0);
            tokens.refresh("jottacli", &first.refresh_token, &switches, 0).unwrap();
            let again = tokens.refresh("jottacli", &first.refresh_token, &switches, after);
            assert_eq!(again.is_ok(), works, "{answer} after {after} s");
        }
    }

    #[test]
    fn another_client_cannot_refresh() {
        let mut tokens = tokens();
        let first = tokens.start_family("desktop", "", 0);
        assert!(tokens.refresh("jottacli", &first.refresh_token, &Switches::default(), 1).is_err());
    }

    #[test]
    fn a_code_needs_its_verifier() {
        let mut tokens = tokens();
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest("the verifier"));
        for (verifier, works) in [(Some("the verifier"), true), (Some("another"), false), (None, false)] {
            let code = tokens.authorize(Code {
                client_id: "desktop".to_owned(),
                redirect_uri: "http://localhost:53682/".to_owned(),
                scope: "openid".to_owned(),
                challenge: Some(challenge.clone()),
            });
            let grant = tokens.redeem_code("desktop", &code, "http://localhost:53682/", verifier, 0);
            assert_eq!(grant.is_ok(), works, "{verifier:?}");
        }
    }
}
