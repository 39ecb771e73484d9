//! The old login with user name and password (protocol 2.5). No service is known to accept it any more.

use std::time::SystemTime;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use crate::credentials::{CredentialFile, Flow};
use crate::endpoints::Endpoints;
use crate::error::{Error, Result};
use crate::host_identity::HostIdentity;
use crate::http::{Call, Http};
use crate::login::{GrantedLogin, Obtained, refusal};
use crate::oauth::{self, encode_form};

/// What every client showed when it registered a device; it is public and protects nothing.
const REGISTRATION_BEARER: &str = "Bearer c2xrZmpoYWRsZmFramhkc2xma2phaHNkbGZramhhc2xkZmtqaGFzZGxrZmpobGtq";

/// User name and password of a legacy login. The password is not kept.
#[derive(Debug)]
pub struct LegacyLogin {
    /// E-mail address.
    pub username: String,
    /// Asked for, used once.
    pub password: SecretString,
    /// Six digits, once [`Error::OneTimeCodeNeeded`] asked for them; hyphens are ignored.
    pub one_time_code: Option<String>,
}

/// A client of its own that a device was registered as. Another device must not use it.
#[derive(Debug, Deserialize)]
pub struct LegacyDevice {
    client_id: String,
    client_secret: SecretString,
}

impl LegacyDevice {
    /// Registers this device under a name that no other has.
    pub async fn register(http: &Http, endpoints: &Endpoints, device_id: &str) -> Result<Self> {
        endpoints.check()?;
        let query = encode_form(&[("device_id", device_id)]);
        let url = format!("{}/auth/v1/register?{}", endpoints.api_url, String::from_utf8_lossy(&query));
        let call = form_call("registering the device", url)
            .header(AUTHORIZATION.as_str(), HeaderValue::from_static(REGISTRATION_BEARER));
        let answer = http.send(&call).await;
        answer.map_err(|error| refusal(error, "the service registers no devices"))?.json().await
    }

    /// Logs in as this device. [`Error::OneTimeCodeNeeded`] asks to come again with a code, or with another
    /// one.
    pub async fn log_in(
        &self,
        http: Http,
        endpoints: &Endpoints,
        login: &LegacyLogin,
        file: CredentialFile,
        host: &HostIdentity,
    ) -> Result<GrantedLogin> {
        endpoints.check()?;
        drop(file.reserve()?);
        let token_endpoint = format!("{}/auth/v1/token", endpoints.api_url);
        // This endpoint wants its parameters in the query, and the grant in upper case.
        let query = encode_form(&[
            ("grant_type", "PASSWORD"),
            ("username", &login.username),
            ("password", login.password.expose_secret()),
            ("client_id", &self.client_id),
            ("client_secret", self.client_secret.expose_secret()),
        ]);
        let mut call =
            form_call("logging in", format!("{token_endpoint}?{}", String::from_utf8_lossy(&query)));
        if let Some(code) = &login.one_time_code {
            let code = HeaderValue::try_from(code.replace('-', "").trim()).map_err(|_| {
                Error::LoginRefused { reason: "the one-time code is not six digits".to_owned() }
            })?;
            call = call.header("x-jottacloud-otp", code);
        }
        let grant = match oauth::send_for_grant(&http, &call).await {
            Ok(grant) => grant,
            Err(Error::Answer { fault, .. }) if fault.wants_code().is_some() => {
                let channel = fault.wants_code().unwrap_or_default().to_owned();
                return Err(Error::OneTimeCodeNeeded { channel });
            }
            Err(error) => return Err(refusal(error, "user name or password is wrong")),
        };
        let obtained = Obtained {
            brand: "jottacloud",
            flow: Flow::Legacy,
            token_endpoint,
            client_id: &self.client_id,
            client_secret: Some(self.client_secret.clone()),
            host,
        };
        GrantedLogin::new(http, file, grant, obtained)
    }

    /// A name for a device that no other will choose: random, with the time, as the service wants it unique.
    pub fn fresh_id() -> String {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_nanos();
        format!("{now:x}{:016x}", fastrand::u64(..))
    }
}

fn form_call(action: &str, url: String) -> Call {
    Call::post(action, url, bytes::Bytes::new())
        .header(CONTENT_TYPE.as_str(), HeaderValue::from_static("application/x-www-form-urlencoded"))
}
