//! The config file's shape: which keys may stand where. What the values mean is checked afterwards.

use serde::Deserialize;
use toml::{Spanned, Value};

/// A value with its place in the text.
pub(crate) type Field = Option<Spanned<Value>>;

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawConfig {
    pub(crate) service: RawService,
    pub(crate) transfer: RawTransfer,
    pub(crate) guard: RawGuard,
    pub(crate) folder: Vec<Spanned<RawFolder>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawService {
    pub(crate) brand: Field,
    pub(crate) credentials: Field,
    pub(crate) events: Field,
    pub(crate) jfs_url: Field,
    pub(crate) api_url: Field,
    pub(crate) www_url: Field,
    pub(crate) id_url: Field,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawTransfer {
    pub(crate) uploads: Field,
    pub(crate) downloads: Field,
    pub(crate) upload_limit: Field,
    pub(crate) download_limit: Field,
    pub(crate) md5_memory_limit: Field,
    pub(crate) resume_limit: Field,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawGuard {
    pub(crate) max_deletes: Field,
    pub(crate) max_delete_percent: Field,
    pub(crate) hard_delete: Field,
    pub(crate) local_trash_days: Field,
    pub(crate) local_trash_limit: Field,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawFolder {
    pub(crate) name: Field,
    pub(crate) local: Field,
    pub(crate) remote: Field,
    pub(crate) mode: Field,
    pub(crate) ignore: Field,
    pub(crate) settle: Field,
    pub(crate) poll: Field,
    pub(crate) proof: Field,
    pub(crate) scan: Field,
    pub(crate) watch: Field,
    pub(crate) max_size: Field,
    pub(crate) resend: Field,
}
