//! The account, its devices and mountpoints (protocol 3).

use jottad_core::StoredName;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use secrecy::SecretString;
use serde::Deserialize;

use crate::answer::Answer;
use crate::client::{Client, bearer, none_if_missing};
use crate::documents;
use crate::endpoints::Endpoints;
use crate::error::{Error, Result};
use crate::facts::{Customer, DeviceDetails, Mountpoint, Quota, User};
use crate::http::{Call, Http};
use crate::path::{RemotePath, device_url, user_url};

/// The customer document; everything but the name is for people, so it may be missing or odd.
#[derive(Deserialize)]
struct CustomerAnswer {
    username: String,
    email: Option<String>,
    name: Option<String>,
    brand_code: Option<String>,
    account_type: Option<String>,
    usage: Option<i64>,
    quota: Option<i64>,
    write_locked: Option<bool>,
    read_locked: Option<bool>,
}

impl From<CustomerAnswer> for Customer {
    fn from(answer: CustomerAnswer) -> Self {
        Self {
            username: answer.username,
            email: answer.email,
            name: answer.name,
            brand: answer.brand_code,
            account_type: answer.account_type,
            used_bytes: answer.usage.and_then(|number| u64::try_from(number).ok()),
            quota: answer.quota.map(Quota::of_number),
            write_locked: answer.write_locked.unwrap_or_default(),
            read_locked: answer.read_locked.unwrap_or_default(),
        }
    }
}

impl Client {
    /// Who the account belongs to.
    pub async fn customer(&self) -> Result<Customer> {
        customer(self.fetch(customer_call(&self.0.endpoints), Answer::json::<CustomerAnswer>).await?)
    }

    /// The internal user name that all paths are made of; asked for once.
    pub async fn username(&self) -> Result<&str> {
        let known = self.0.username.get_or_try_init(async || Ok(self.customer().await?.username)).await?;
        Ok(known)
    }

    /// The account as the metadata host sees it: quota, locks, devices.
    pub async fn user(&self) -> Result<User> {
        let url = user_url(&self.0.endpoints.jfs_url, self.username().await?)?;
        self.document(Call::get("asking for the devices", url), documents::read_user).await
    }

    /// A device with its mountpoints; `None` if there is none of this name.
    pub async fn device(&self, device: &StoredName) -> Result<Option<DeviceDetails>> {
        let url = device_url(&self.0.endpoints.jfs_url, self.username().await?, device)?;
        let call = Call::get(format!("asking for the device {device}"), url);
        none_if_missing(self.document(call, documents::read_device).await)
    }

    /// Makes a device; fine if it is there already.
    pub async fn create_device(&self, device: &StoredName) -> Result<DeviceDetails> {
        let url = device_url(&self.0.endpoints.jfs_url, self.username().await?, device)?;
        let call =
            order(format!("making the device {device}"), format!("{url}?type=WORKSTATION")).repeatable();
        self.document(call, documents::read_device).await
    }

    /// Makes a mountpoint on a device that is there; fine if the mountpoint is there already.
    pub async fn create_mountpoint(&self, device: &StoredName, name: &StoredName) -> Result<Mountpoint> {
        let path = RemotePath::new(device.clone(), name.clone());
        let url = path.url(&self.0.endpoints.jfs_url, self.username().await?)?;
        self.document(
            order(format!("making the mountpoint {path}"), url).repeatable(),
            documents::read_mountpoint,
        )
        .await
    }
}

/// Whom an access token belongs to, asked outside of any kept login.
pub(crate) async fn customer_of(
    http: &Http,
    endpoints: &Endpoints,
    token: &SecretString,
) -> Result<Customer> {
    let call = customer_call(endpoints).header(AUTHORIZATION.as_str(), bearer(token)?);
    customer(http.send(&call).await?.json().await?)
}

fn customer_call(endpoints: &Endpoints) -> Call {
    Call::get("asking for the account", format!("{}/account/v1/customer", endpoints.api_url))
}

fn customer(answer: CustomerAnswer) -> Result<Customer> {
    if answer.username.is_empty() {
        let action = "asking for the account".to_owned();
        return Err(Error::Protocol { action, reason: "it names no user".to_owned() });
    }
    Ok(answer.into())
}

/// A command: an empty body and no content type, or it would be taken for an upload (protocol 6).
pub(super) fn order(action: String, url: String) -> Call {
    Call::post(action, url, bytes::Bytes::new()).header("accept", HeaderValue::from_static("*/*"))
}
