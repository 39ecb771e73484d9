//! What is known of the account, asked for seldom: at the start, and when somebody looks and it is old.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::account::KnownAccount;
use crate::account::link::ServiceLink;
use crate::account::quota::Fullness;
use crate::api::documents::{AccountStatus, Time};
use crate::cli::output::now;

/// Quota and usage are asked for again when they are older than this and somebody looks.
const OLD: Duration = Duration::from_mins(15);

/// What is known of the account.
#[derive(Debug, Clone)]
pub(crate) struct AccountWatch {
    link: ServiceLink,
    known: Arc<Mutex<Known>>,
}

#[derive(Debug, Default)]
struct Known {
    status: AccountStatus,
    /// When it was last asked for, whether or not an answer came.
    asked: Option<Instant>,
}

impl AccountWatch {
    /// Nothing is known yet.
    pub(crate) fn new(link: ServiceLink) -> Self {
        Self { link, known: Arc::default() }
    }

    /// Begins anew: it may be another account.
    pub(crate) fn replace(&self, account: Option<KnownAccount>) {
        let mut known = self.lock();
        let same = known.status.username == account.as_ref().map(|account| account.username.clone());
        if !same || account.is_none() {
            known.status = AccountStatus {
                username: account.as_ref().map(|account| account.username.clone()),
                email: account.and_then(|account| account.email),
                ..AccountStatus::default()
            };
        }
        known.asked = None;
    }

    /// What is known; if it is old, newer knowledge is asked for meanwhile.
    pub(crate) fn status(&self) -> AccountStatus {
        self.refresh();
        self.lock().status.clone()
    }

    /// Asks the service in the background, unless it was asked just now.
    pub(crate) fn refresh(&self) {
        let Ok(client) = self.link.client() else { return };
        {
            let mut known = self.lock();
            if known.asked.is_some_and(|asked| asked.elapsed() < OLD) {
                return;
            }
            known.asked = Some(Instant::now());
        }
        let watch = self.clone();
        tokio::spawn(async move {
            match client.customer().await {
                Ok(customer) => {
                    let fullness = Fullness::new(customer.used_bytes, customer.quota);
                    let status = AccountStatus {
                        username: Some(customer.username),
                        email: customer.email,
                        used_bytes: fullness.used_bytes,
                        quota_bytes: fullness.quota_bytes,
                        checked_at: Some(Time(now())),
                        unlimited: fullness.unlimited,
                        quota_warning: fullness.warning(),
                    };
                    let before = std::mem::replace(&mut watch.lock().status, status);
                    if fullness.warning() > before.quota_warning {
                        tracing::warn!("the account: {fullness}");
                    }
                }
                Err(error) => tracing::debug!(%error, "the account stays as it was last known"),
            }
        });
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
