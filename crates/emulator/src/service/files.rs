//! The JSON host: customer, allocate, emptying the trash (protocol 3.1, 5.1, 9.3).

use serde::Deserialize;
use serde_json::{Value, json};

use super::inject::RequestBody;
use super::reply::json_ok;
use super::{Call, Failure, Reply};
use crate::address::Address;
use crate::refusal::Refusal;
use crate::times::{self, Seconds};
use crate::world::content::{ContentKey, parse_md5};
use crate::world::{Allocation, Facts};

pub(super) fn customer(call: &Call) -> Reply {
    let world = call.shared.world();
    let account = &world.account;
    let quota = account.capacity.map_or(json!(-1), |bytes| json!(bytes));
    json_ok(&json!({
        "username": account.username,
        "email": account.email,
        "name": account.name,
        "country_code": "NO",
        "language_code": "en",
        "customer_group_code": "",
        "brand_code": "jotta",
        "account_type": if account.capacity.is_none() { "unlimited" } else { "personal" },
        "subscription_type": "Personal",
        "usage": world.usage(),
        "quota": quota,
        "business_usage": 0,
        "business_quota": 0,
        "write_locked": account.write_locked,
        "read_locked": account.read_locked,
        "locked_cause": null,
        "web_hash": "0",
        "android_hash": "0",
        "ios_hash": "0",
    }))
}

#[derive(Deserialize)]
struct AllocateBody {
    path: String,
    bytes: u64,
    md5: Option<String>,
    #[serde(default)]
    created: Value,
    #[serde(default)]
    modified: Value,
    conflict_handler: Option<String>,
}

pub(super) async fn allocate(call: &Call<'_>, body: RequestBody) -> Result<Reply, Failure> {
    let body = body.collect().await?;
    let body: AllocateBody =
        serde_json::from_slice(&body).map_err(|error| Refusal::invalid(error.to_string()))?;
    let mut world = call.shared.world();
    let md5 = body.md5.ok_or_else(|| Refusal::invalid("md5 is missing"))?;
    let key = ContentKey {
        md5: parse_md5(&md5).ok_or_else(|| Refusal::invalid(format!("{md5:?} is no MD5")))?,
        size: body.bytes,
    };
    let rejects_conflicts = match body.conflict_handler.as_deref() {
        None | Some("CREATE_NEW_REVISION") => false,
        Some("REJECT_CONFLICTS") => true,
        Some(other) => return Err(Refusal::invalid(format!("unknown conflict_handler {other:?}")).into()),
    };
    let now = world.now();
    let facts = Facts { md5, key, created: time(&body.created, now)?, modified: time(&body.modified, now)? };
    let request = Allocation { address: address(&body.path)?, facts, rejects_conflicts };
    let allocated = world.allocate(&request)?;
    let mut answer = json!({
        "name": allocated.address.leaf(),
        "path": format!("/jfs/{}", allocated.address.plain()),
        "state": allocated.state,
        "upload_id": "",
        "bytes": body.bytes,
        "resume_pos": allocated.resume_position,
    });
    if let Some(id) = allocated.upload {
        let node = call.url_of("up-emulator-001.jottacloud.com");
        answer["upload_url"] = format!("{node}/upload/{id}?token={id}").into();
        answer["upload_id"] = id.into();
    }
    Ok(json_ok(&answer))
}

/// `/jfs/<device>/<mountpoint>/…`, or the older `<mountpoint>/…` on the built-in device. Nothing is decoded.
fn address(path: &str) -> Result<Address, Refusal> {
    let address = match path.strip_prefix("/jfs/") {
        Some(rest) => Address::from_plain(rest),
        None => Address::from_plain(&format!("Jotta/{path}")),
    };
    if address.depth() < 3 {
        return Err(Refusal::invalid(format!("{path:?} is no path of a file")));
    }
    Ok(address)
}

/// RFC 3339, the classic format, or Unix milliseconds; missing is now (protocol 4.8).
fn time(value: &Value, now: Seconds) -> Result<Seconds, Refusal> {
    match value {
        Value::Null => Ok(now),
        Value::Number(millis) => millis
            .as_i64()
            .map(|millis| millis.div_euclid(1000))
            .ok_or_else(|| Refusal::invalid("the time is no integer")),
        Value::String(text) => {
            times::parse(text).ok_or_else(|| Refusal::invalid(format!("{text:?} is no time")))
        }
        _ => Err(Refusal::invalid("the time is neither text nor number")),
    }
}

pub(super) fn purge_trash(call: &Call) -> Reply {
    let purged = call.shared.world().purge_trash(Seconds::MAX);
    json_ok(&json!({ "folders": purged.folders, "files": purged.files }))
}
