//! Being logged in: an access token that is always fresh, from a refresh token that is used only once.
//!
//! The service kills a whole family of tokens when a spent refresh token is shown to it again (protocol 2.3).
//! So there is one refresh at a time, in this process and across processes; the new tokens are on disk before
//! they are used; and nobody's cancelled future interrupts a rotation.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use secrecy::SecretString;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::credentials::{CredentialFile, Credentials, Reservation};
use crate::error::{Error, ErrorKind, Result};
use crate::host_identity::HostIdentity;
use crate::http::Http;
use crate::oauth::{self, Grant};

/// A token is renewed at this part of its life, or this long before its end, whichever comes first.
const RENEW_AT: f64 = 0.8;
const MARGIN: Duration = Duration::from_mins(1);

/// A login that keeps itself fresh. Cheap to clone; all clones share the tokens.
#[derive(Clone)]
pub struct Session(Arc<Shared>);

struct Shared {
    http: Http,
    file: CredentialFile,
    access: RwLock<Access>,
    rotation: Mutex<Rotation>,
    brand: String,
}

/// What the one refresh at a time works on.
struct Rotation {
    credentials: Credentials,
    /// New credentials that could not be written yet: they must be before anything uses them.
    unsaved: bool,
    /// Why no refresh can succeed any more.
    dead: Option<String>,
    /// The last attempt that failed, for those who waited for it.
    failed: Option<(Instant, Arc<Error>)>,
}

/// A token for requests, and how fresh it is.
#[derive(Clone)]
pub(crate) struct Access {
    pub(crate) token: SecretString,
    /// Tells tokens apart: the one that failed is named when a new one is asked for.
    pub(crate) generation: u64,
    fresh_until: Moment,
    valid_until: Moment,
}

/// A point in time by two clocks: the steady one stops during suspend, the other can be set. The earlier
/// counts.
#[derive(Debug, Clone, Copy)]
struct Moment {
    steady: Instant,
    wall: SystemTime,
}

impl Moment {
    fn in_future(length: Duration) -> Self {
        // A day at most: whatever the service says, asking once a day costs nothing and never overflows a
        // clock.
        let length = length.min(Duration::from_hours(24));
        Self { steady: Instant::now() + length, wall: SystemTime::now() + length }
    }

    fn is_past(&self) -> bool {
        Instant::now() >= self.steady || SystemTime::now() >= self.wall
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Session").field("file", &self.0.file).finish_non_exhaustive()
    }
}

impl Session {
    /// Takes up the login that a file holds. Nothing is sent.
    ///
    /// [`ErrorKind::LoginNeeded`] if there is none, or if the file was made on another machine: using its
    /// token would log both machines out.
    pub fn open(http: Http, file: CredentialFile, host: &HostIdentity) -> Result<Self> {
        file.check_host(host)?;
        let credentials =
            file.load()?.ok_or_else(|| Error::LoginNeeded { reason: "nobody is logged in".to_owned() })?;
        Ok(Self::with(http, file, credentials))
    }

    /// Starts with tokens that were just obtained, and keeps them.
    pub(crate) fn start(http: Http, file: CredentialFile, credentials: Credentials) -> Result<Self> {
        let _lock = file.lock()?;
        file.reserve()?.commit(&credentials)?;
        Ok(Self::with(http, file, credentials))
    }

    fn with(http: Http, file: CredentialFile, credentials: Credentials) -> Self {
        let access = access_of(&credentials, 0);
        let brand = credentials.brand.clone();
        let rotation = Mutex::new(Rotation { credentials, unsaved: false, dead: None, failed: None });
        Self(Arc::new(Shared { http, file, access: RwLock::new(access), rotation, brand }))
    }

    /// The connections that this login uses.
    pub fn http(&self) -> &Http {
        &self.0.http
    }

    /// Key of the brand that the login is with (protocol 1.3).
    pub fn brand(&self) -> &str {
        &self.0.brand
    }

    /// A token that is fresh, renewed first if need be.
    ///
    /// Cancel safe: a renewal goes on by itself and the next caller has its result.
    pub(crate) async fn access(&self) -> Result<Access> {
        let access = self.current();
        if !access.fresh_until.is_past() {
            return Ok(access);
        }
        match self.renew(access.generation).await {
            Ok(access) => Ok(access),
            // It is not over yet: a service that cannot renew just now can still serve.
            Err(error) if error.kind() != ErrorKind::LoginNeeded && !access.valid_until.is_past() => {
                Ok(access)
            }
            Err(error) => Err(error),
        }
    }

    /// A newer token than the one of this generation, which was refused or is about to end.
    ///
    /// Cancel safe, as [`Session::access`] is.
    pub(crate) async fn renew(&self, generation: u64) -> Result<Access> {
        let shared = Arc::clone(&self.0);
        let renewal = tokio::spawn(async move { shared.renew(generation).await });
        renewal.await.unwrap_or_else(|_| Err(self.0.interrupted()))
    }

    /// Renews the token whenever its time comes, for as long as this future is polled: for requests that take
    /// longer than a token lives. Never returns.
    pub(crate) async fn keep_fresh(&self) -> std::convert::Infallible {
        loop {
            tokio::time::sleep_until(self.current().fresh_until.steady).await;
            // A token that lives for no time at all must not make this spin.
            let mut pause = Duration::from_secs(1);
            if let Err(error) = self.access().await {
                tracing::debug!(%error, "renewing the token during a transfer failed");
                pause = MARGIN / 2;
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// Waits for a renewal in progress, so that a program that ends does not lose the new tokens.
    pub async fn settle(&self) {
        drop(self.0.rotation.lock().await);
    }

    fn current(&self) -> Access {
        self.0.access.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Shared {
    /// One attempt answers everybody who was waiting when it ended, well or not: a service that cannot be
    /// reached is not asked once for each request that needs it.
    async fn renew(&self, generation: u64) -> Result<Access> {
        let asked = Instant::now();
        let mut rotation = self.rotation.lock().await;
        let current = self.access.read().unwrap_or_else(PoisonError::into_inner).clone();
        if current.generation != generation {
            return Ok(current);
        }
        if let Some((at, error)) = &rotation.failed
            && *at >= asked
        {
            return Err(Error::Renewal(Arc::clone(error)));
        }
        match self.renew_alone(&mut rotation, generation).await {
            Ok(access) => Ok(access),
            Err(error @ (Error::LoginNeeded { .. } | Error::LoginOfOtherMachine { .. })) => Err(error),
            Err(error) => {
                let error = Arc::new(error);
                rotation.failed = Some((Instant::now(), Arc::clone(&error)));
                Err(Error::Renewal(error))
            }
        }
    }

    async fn renew_alone(&self, rotation: &mut Rotation, generation: u64) -> Result<Access> {
        let file = self.file.clone();
        let lock = tokio::task::spawn_blocking(move || file.lock());
        let _lock = lock.await.map_err(|_| self.interrupted())??;
        if rotation.unsaved {
            self.file.reserve()?.commit(&rotation.credentials)?;
            rotation.unsaved = false;
            return Ok(self.publish(&rotation.credentials, generation));
        }
        if let Some(adopted) = self.adopt(rotation)? {
            return Ok(self.publish(&adopted, generation));
        }
        if let Some(reason) = &rotation.dead {
            return Err(Error::LoginNeeded { reason: reason.clone() });
        }
        // Room for the new tokens is on disk before the old ones are spent: a full disk must not cost the
        // login.
        let reservation = self.file.reserve()?;
        self.rotate(rotation, reservation).await?;
        Ok(self.publish(&rotation.credentials, generation))
    }

    /// Takes over what another process has renewed meanwhile, or a new login, if it is still of use.
    fn adopt(&self, rotation: &mut Rotation) -> Result<Option<Credentials>> {
        // Somebody may have copied another machine's file here meanwhile.
        self.file.check_host(&rotation.credentials.host)?;
        let Some(kept) = self.file.load()? else {
            let reason = "somebody logged out".to_owned();
            return Err(Error::LoginNeeded { reason });
        };
        if kept.same_tokens(&rotation.credentials) {
            return Ok(None);
        }
        rotation.credentials = kept.clone();
        rotation.dead = None;
        Ok(Some(kept).filter(|kept| !access_of(kept, 0).fresh_until.is_past()))
    }

    async fn rotate(&self, rotation: &mut Rotation, reservation: Reservation) -> Result<()> {
        let grant = match oauth::refresh(&self.http, &rotation.credentials).await {
            Ok(grant) => grant,
            Err(error) => {
                if let Error::LoginNeeded { reason } = &error {
                    rotation.dead = Some(reason.clone());
                }
                return Err(error);
            }
        };
        rotation.credentials = rotation.credentials.renewed(grant);
        // From here to the rename nothing is awaited, so that nothing can come between.
        rotation.unsaved = true;
        reservation.commit(&rotation.credentials)?;
        rotation.unsaved = false;
        Ok(())
    }

    fn publish(&self, credentials: &Credentials, previous: u64) -> Access {
        let access = access_of(credentials, previous + 1);
        *self.access.write().unwrap_or_else(PoisonError::into_inner) = access.clone();
        access
    }

    fn interrupted(&self) -> Error {
        Error::Credentials { path: self.file.to_string(), source: std::io::ErrorKind::Interrupted.into() }
    }
}

fn access_of(credentials: &Credentials, generation: u64) -> Access {
    let left = credentials.expires_at.duration_since(SystemTime::now()).unwrap_or_default();
    let life = credentials.lifetime;
    let used_before_renewal =
        life.mul_f64(RENEW_AT).min(life.checked_sub(MARGIN).unwrap_or(life.mul_f64(RENEW_AT)));
    // A clock that was set back makes a token look younger than its whole life: never trust more than that.
    let left = left.min(life);
    let fresh = left.saturating_sub(life.saturating_sub(used_before_renewal));
    Access {
        token: credentials.access_token.clone(),
        generation,
        fresh_until: Moment::in_future(fresh),
        valid_until: Moment::in_future(left),
    }
}

/// What a login or a refresh brought, and when it ends.
impl Credentials {
    fn renewed(&self, grant: Grant) -> Self {
        Self {
            access_token: grant.access_token,
            // A realm that does not rotate may leave the field out (protocol 2.3).
            refresh_token: grant.refresh_token.unwrap_or_else(|| self.refresh_token.clone()),
            expires_at: SystemTime::now() + grant.lifetime,
            lifetime: grant.lifetime,
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::Flow;

    #[test]
    fn a_clock_that_was_set_back_makes_no_token_last_longer_than_its_life() {
        let hour = Duration::from_hours(1);
        for (left, most) in [(hour / 2, hour / 2), (hour, hour), (hour * 20, hour)] {
            let credentials = Credentials {
                brand: "jottacloud".to_owned(),
                flow: Flow::Standard,
                token_endpoint: String::new(),
                client_id: String::new(),
                client_secret: None,
                access_token: "a".into(),
                refresh_token: "r".into(),
                expires_at: SystemTime::now() + left,
                lifetime: hour,
                host: HostIdentity::from_machine_id("a"),
            };
            let now = Instant::now();
            let access = access_of(&credentials, 0);
            assert!(access.valid_until.steady <= now + most + MARGIN, "{left:?}");
            assert!(access.fresh_until.steady < access.valid_until.steady, "{left:?}");
        }
    }

    /// One of the two clocks may have been set, the other one may have stood still.
    #[test]
    fn a_moment_is_past_once_one_of_the_clocks_says_so() {
        let (hour, now, wall) = (Duration::from_hours(1), Instant::now(), SystemTime::now());
        for (steady, wall, is_past) in [
            (now + hour, wall + hour, false),
            (now, wall + hour, true),
            (now + hour, wall - hour, true),
            (now, wall - hour, true),
        ] {
            assert_eq!(Moment { steady, wall }.is_past(), is_past);
        }
    }
}
