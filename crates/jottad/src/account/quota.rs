//! How full an account is, and from when on a person should know.

use serde::{Deserialize, Serialize};

use crate::config::units::format_size;

/// From this part on it is nearly full, in percent.
const NEARLY_FULL: u64 = 90;

/// How full an account is, as far as that is a reason to do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum QuotaWarning {
    /// 90 % and more.
    NearlyFull,
    /// Nothing more goes in.
    Full,
}

/// What is known of an account's size.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Fullness {
    /// Bytes in use.
    pub(crate) used_bytes: Option<u64>,
    /// Bytes that may be used; `None` when unlimited or not known.
    pub(crate) quota_bytes: Option<u64>,
    /// Whether there is no limit; `None` when not known.
    pub(crate) unlimited: Option<bool>,
}

impl Fullness {
    /// What the service told.
    pub(crate) fn new(used_bytes: Option<u64>, quota: Option<jottad_transport::Quota>) -> Self {
        Self {
            used_bytes,
            quota_bytes: quota.and_then(jottad_transport::Quota::bytes),
            unlimited: quota.map(|quota| quota == jottad_transport::Quota::Unlimited),
        }
    }

    /// Whether a person should know; never without being told a limit.
    pub(crate) fn warning(self) -> Option<QuotaWarning> {
        match self.percent()? {
            100.. => Some(QuotaWarning::Full),
            NEARLY_FULL.. => Some(QuotaWarning::NearlyFull),
            _ => None,
        }
    }

    fn percent(self) -> Option<u64> {
        let (used, quota) = (u128::from(self.used_bytes?), u128::from(self.quota_bytes?));
        u64::try_from(used * 100 / quota.max(1)).ok()
    }
}

/// `9.3 GiB of 10.0 GiB used: 93 %, nearly full`.
impl std::fmt::Display for Fullness {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.used_bytes {
            Some(used) => formatter.write_str(&format_size(used))?,
            None => formatter.write_str("an unknown amount")?,
        }
        match (self.quota_bytes, self.unlimited) {
            (Some(quota), _) => write!(formatter, " of {} used", format_size(quota))?,
            (None, Some(true)) => formatter.write_str(" used, unlimited")?,
            (None, _) => formatter.write_str(" used, quota unknown")?,
        }
        match (self.percent(), self.warning()) {
            (Some(_), Some(QuotaWarning::Full)) => formatter.write_str(": it is full, uploads will fail"),
            (Some(percent), Some(QuotaWarning::NearlyFull)) => {
                write!(formatter, ": {percent} %, nearly full")
            }
            (Some(percent), None) => write!(formatter, " ({percent} %)"),
            (None, _) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use jottad_transport::Quota;

    use super::*;

    const GIB: u64 = 1 << 30;

    #[test]
    fn fullness_in_words() {
        let cases = [
            (Some(GIB), Some(Quota::Unlimited), "1.0 GiB used, unlimited"),
            (Some(GIB), None, "1.0 GiB used, quota unknown"),
            (None, Some(Quota::Unlimited), "an unknown amount used, unlimited"),
            (None, Some(Quota::Bytes(GIB)), "an unknown amount of 1.0 GiB used"),
            (Some(GIB), Some(Quota::Bytes(5 * GIB)), "1.0 GiB of 5.0 GiB used (20 %)"),
            (Some(9 * GIB), Some(Quota::Bytes(10 * GIB)), "9.0 GiB of 10.0 GiB used: 90 %, nearly full"),
            (Some(GIB), Some(Quota::Bytes(GIB)), "1.0 GiB of 1.0 GiB used: it is full, uploads will fail"),
        ];
        for (used, quota, expected) in cases {
            assert_eq!(Fullness::new(used, quota).to_string(), expected);
        }
    }

    #[test]
    fn warnings_begin_at_ninety_and_at_a_hundred_percent() {
        for (used, quota, expected) in [
            (899, 1000, None),
            (900, 1000, Some(QuotaWarning::NearlyFull)),
            (999, 1000, Some(QuotaWarning::NearlyFull)),
            (1000, 1000, Some(QuotaWarning::Full)),
            (5000, 1000, Some(QuotaWarning::Full)),
            (u64::MAX, u64::MAX, Some(QuotaWarning::Full)),
            (1, 0, Some(QuotaWarning::Full)),
        ] {
            let fullness = Fullness::new(Some(used), Some(Quota::Bytes(quota)));
            assert_eq!(fullness.warning(), expected, "{used} of {quota}");
        }
        assert_eq!(Fullness::new(Some(u64::MAX), Some(Quota::Unlimited)).warning(), None);
        assert_eq!(Fullness::new(None, Some(Quota::Bytes(1))).warning(), None);
        assert_eq!(Fullness::new(Some(1), None).warning(), None);
    }
}
