//! `jottad account`: who is logged in, and how much room there is.

use serde_json::json;

use crate::account::BUILT_IN_DEVICE;
use crate::commands::devices::device_document;
use crate::config::units::format_size;
use crate::failure::{Exit, Failure};
use crate::invocation::Invocation;
use crate::output::{Columns, Escaped};
use crate::quota::Fullness;

/// Asks the service and prints.
pub(crate) fn run(invocation: &Invocation) -> Result<Exit, Failure> {
    let client = invocation.client()?;
    invocation.wait(async {
        let customer = client.customer().await?;
        let user = client.user().await?;
        let used_bytes = user.used_bytes.or(customer.used_bytes);
        let fullness = Fullness::new(used_bytes, user.quota.or(customer.quota));
        let document = json!({
            "schema": 1,
            "username": customer.username,
            "email": customer.email,
            "name": customer.name,
            "brand": customer.brand,
            "device": BUILT_IN_DEVICE,
            "used_bytes": used_bytes,
            "quota_bytes": fullness.quota_bytes,
            "unlimited": fullness.unlimited,
            "quota_warning": fullness.warning(),
            "login_brand": client.session().brand(),
            "write_locked": customer.write_locked || user.write_locked,
            "read_locked": customer.read_locked || user.read_locked,
            "devices": user.devices.iter().map(device_document).collect::<Vec<_>>(),
        });
        invocation.output.either(&document, || {
            let output = invocation.output;
            let name = customer.email.as_deref().unwrap_or(&customer.username);
            output.prose(format_args!("{}  {}", Escaped(name), fullness))?;
            if customer.write_locked || user.write_locked {
                output.prose("the account is locked for writing: nothing can be uploaded")?;
            }
            if customer.read_locked || user.read_locked {
                output.prose("the account is locked for reading: nothing can be downloaded")?;
            }
            let mut columns = Columns::default();
            for device in &user.devices {
                let size = device.size.map_or_else(|| "unknown".to_owned(), format_size);
                let kind = device.kind.clone().unwrap_or_else(|| "unknown".to_owned());
                columns.push(["device".to_owned(), device.name.as_str().to_owned(), kind, size]);
            }
            output.table(&columns)
        })?;
        Ok(Exit::Done)
    })
}
