//! Sealing a login with a key that is kept elsewhere, in the system's keyring for example.
//!
//! Only the key lives there; it never changes. The tokens, which change with every renewal, stay in a file of
//! ours, so that they are durable when we say so, whatever a keyring understands by "stored".

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use secrecy::{ExposeSecret as _, SecretSlice, SecretString};

use crate::error::{Error, Result};

/// What is sealed: nothing that was sealed for another purpose opens.
const PURPOSE: &[u8] = b"jottad credentials 2";

/// A key that seals credentials. Printing it shows no secret.
#[derive(Debug, Clone)]
pub struct SealingKey(SecretSlice<u8>);

impl SealingKey {
    /// Bytes of a key.
    pub const LENGTH: usize = 32;

    /// A new random key.
    pub fn generate() -> Result<Self> {
        let mut bytes = vec![0; Self::LENGTH];
        getrandom::fill(&mut bytes)
            .map_err(|error| Error::Setup { reason: format!("no random numbers: {error}") })?;
        Ok(Self(bytes.into()))
    }

    /// The key of these bytes; `None` if there are more or fewer than [`SealingKey::LENGTH`].
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        (bytes.len() == Self::LENGTH).then(|| Self(bytes.to_vec().into()))
    }

    /// The bytes, to be kept in a safe place.
    pub fn expose(&self) -> &[u8] {
        self.0.expose_secret()
    }

    /// The text sealed, with a nonce of its own in front.
    pub(crate) fn seal(&self, text: &SecretString) -> Option<Vec<u8>> {
        let mut sealed = text.expose_secret().as_bytes().to_vec();
        let nonce = self.cipher()?.seal_in_place_append_tag(Aad::from(PURPOSE), &mut sealed).ok()?;
        Some([&nonce.as_ref()[..], &sealed].concat())
    }

    /// What was sealed; `None` if it was sealed with another key or changed since.
    pub(crate) fn open(&self, sealed: &[u8]) -> Option<SecretString> {
        let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut text = sealed.to_vec();
        let text = self.cipher()?.open_in_place(nonce, Aad::from(PURPOSE), &mut text).ok()?;
        Some(SecretString::from(std::str::from_utf8(text).ok()?.to_owned()))
    }

    fn cipher(&self) -> Option<RandomizedNonceKey> {
        RandomizedNonceKey::new(&AES_256_GCM, self.expose()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_key_opens_and_only_what_is_untouched() {
        let (key, other) = (SealingKey::generate().unwrap(), SealingKey::generate().unwrap());
        let text = SecretString::from("refresh me");
        let sealed = key.seal(&text).unwrap();
        assert_eq!(key.open(&sealed).unwrap().expose_secret(), "refresh me");
        assert!(other.open(&sealed).is_none());
        for position in 0..sealed.len() {
            let mut touched = sealed.clone();
            touched[position] ^= 1;
            assert!(key.open(&touched).is_none(), "byte {position}");
            assert!(key.open(&sealed[..position]).is_none(), "{position} bytes");
        }
    }

    #[test]
    fn the_same_text_never_looks_the_same() {
        let key = SealingKey::generate().unwrap();
        let text = SecretString::from("refresh me");
        assert_ne!(key.seal(&text).unwrap(), key.seal(&text).unwrap());
    }

    #[test]
    fn a_key_survives_being_kept() {
        let key = SealingKey::generate().unwrap();
        assert_eq!(SealingKey::from_bytes(key.expose()).unwrap().expose(), key.expose());
        assert!(SealingKey::from_bytes(&key.expose()[1..]).is_none());
        assert!(!format!("{key:?}").contains(&format!("{:?}", key.expose()[0..4].to_vec())));
    }
}
