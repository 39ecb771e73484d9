//! `jottad account`: who is logged in, and how much room there is.

use serde_json::json;

use crate::account::BUILT_IN_DEVICE;
use crate::commands::devices::device_document;
use crate::config::units::format_size;
use crate::failure::{Exit, Failure};
use crate::invocation::Invocation;
use crate::output::{Columns, Escaped};

/// Asks the service and prints.
pub(crate) fn run(invocation: &Invocation) -> Result<Exit, Failure> {
    let client = invocation.client()?;
    invocation.wait(async {
        let customer = client.customer().await?;
        let user = client.user().await?;
        let used_bytes = user.used_bytes.or(customer.used_bytes);
        let quota_bytes = user.quota_bytes.or(customer.quota_bytes);
        let document = json!({
            "schema": 1,
            "username": customer.username,
            "email": customer.email,
            "name": customer.name,
            "brand": customer.brand,
            "device": BUILT_IN_DEVICE,
            "used_bytes": used_bytes,
            "quota_bytes": quota_bytes,
            "write_locked": customer.write_locked || user.write_locked,
            "read_locked": customer.read_locked || user.read_locked,
            "devices": user.devices.iter().map(device_document).collect::<Vec<_>>(),
        });
        invocation.output.either(&document, || {
            let output = invocation.output;
            let name = customer.email.as_deref().unwrap_or(&customer.username);
            output.line(format_args!("{}  {}", Escaped(name), quota(used_bytes, quota_bytes)))?;
            if customer.write_locked || user.write_locked {
                output.line("the account is locked for writing: nothing can be uploaded")?;
            }
            if customer.read_locked || user.read_locked {
                output.line("the account is locked for reading: nothing can be downloaded")?;
            }
            let mut columns = Columns::default();
            for device in &user.devices {
                let size = device.size.map_or_else(|| "unknown".to_owned(), format_size);
                let kind = device.kind.clone().unwrap_or_else(|| "unknown".to_owned());
                columns.push(["device".to_owned(), device.name.as_str().to_owned(), kind, size]);
            }
            columns.lines().try_for_each(|line| output.line(line))
        })?;
        Ok(Exit::Done)
    })
}

/// How full an account is, in words; warns from 90 % on.
fn quota(used: Option<u64>, quota: Option<u64>) -> String {
    let used_text = used.map_or_else(|| "an unknown amount".to_owned(), format_size);
    let Some(quota) = quota else { return format!("{used_text} used, unlimited") };
    let of = format!("{used_text} of {} used", format_size(quota));
    match used.map(|used| used.saturating_mul(100) / quota.max(1)) {
        Some(percent) if percent >= 100 => format!("{of}: it is full, uploads will fail"),
        Some(percent) if percent >= 90 => format!("{of}: {percent} %, nearly full"),
        Some(percent) => format!("{of} ({percent} %)"),
        None => of,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotas_in_words() {
        let gib = 1 << 30;
        let cases = [
            (Some(gib), None, "1.0 GiB used, unlimited"),
            (None, None, "an unknown amount used, unlimited"),
            (None, Some(gib), "an unknown amount of 1.0 GiB used"),
            (Some(gib), Some(5 * gib), "1.0 GiB of 5.0 GiB used (20 %)"),
            (Some(9 * gib), Some(10 * gib), "9.0 GiB of 10.0 GiB used: 90 %, nearly full"),
            (Some(gib), Some(gib), "1.0 GiB of 1.0 GiB used: it is full, uploads will fail"),
        ];
        for (used, of, expected) in cases {
            assert_eq!(quota(used, of), expected);
        }
    }
}
