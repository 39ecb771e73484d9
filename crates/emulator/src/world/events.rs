//! What the account tells its event subscribers (protocol 9.5).

use serde_json::json;

use super::World;
use super::tree::File;
use crate::address::Address;
use crate::times::classic;

/// One event, ready to be sent.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) text: String,
    pub(crate) uuid: String,
}

/// A file id in the usual groups of digits.
pub(crate) fn write_uuid(uuid: u128) -> String {
    let hex = format!("{uuid:032x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

impl World {
    /// Tells that something happened at `address`; `to` is the target of a move.
    pub(super) fn emit(&mut self, kind: &'static str, address: &Address, to: Option<&Address>) {
        self.touch_containers(address, kind == "NEW_UPLOAD");
        if self.events.receiver_count() == 0 {
            return;
        }
        let uuid = write_uuid(self.uuid());
        let mut detail = json!({
            "FROM": self.path(address),
            "actorDevice": self.actor,
            "uuid": uuid,
        });
        if let Some(to) = to {
            detail["TO"] = self.path(to).into();
        }
        if let Some(file) = self.file(to.unwrap_or(address)) {
            describe_file(&mut detail, file);
        }
        let millis = self.now() * 1000;
        let mut event = json!({
            "U": self.account.username,
            "A": self.actor,
            "T": "PATH",
            "ST": kind,
            "TS": millis,
            "D": detail,
            "uuid": uuid,
            "unixnano": millis * 1_000_000,
        });
        let length = event.to_string().len();
        event = json!({ "EVENT": event, "Length": length });
        for _ in 0..self.event_copies {
            // Nobody listening is no failure.
            let _ = self.events.send(Event { text: event.to_string(), uuid: uuid.clone() });
        }
    }
}

fn describe_file(detail: &mut serde_json::Value, file: &File) {
    let Some(current) = file.current() else { return };
    detail["fileuuid"] = write_uuid(file.uuid).into();
    detail["created"] = classic(current.created).into();
    detail["modified"] = classic(current.modified).into();
    detail["updated"] = classic(current.updated).into();
    detail["md5"] = current.md5.as_ref().into();
    detail["mimeType"] = "APPLICATION_OCTET_STREAM".into();
    // Numbers as strings: that is how the service sends them.
    detail["revision"] = current.number.to_string().into();
    detail["size"] = current.key.size.to_string().into();
}
