//! The personal login token: a text that a user copies from the web page (protocol 2.1).

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use secrecy::SecretString;
use serde::Deserialize;

use crate::endpoints::check_secure;
use crate::error::Error;

/// Bigger texts are something else that was pasted.
const SIZE_LIMIT: usize = 64 * 1024;

/// A single-use login token. Printing it shows no secret.
#[derive(Debug, Clone)]
pub struct LoginToken {
    /// The name that the token was made for; may differ from the internal user name.
    pub username: String,
    /// The realm, which tells the brand.
    pub realm: Option<String>,
    /// Where the login service describes itself.
    pub well_known_link: String,
    /// The one-time secret.
    pub(crate) auth_token: SecretString,
}

#[derive(Deserialize)]
struct Content {
    username: String,
    realm: Option<String>,
    #[serde(alias = "wellKnownLink")]
    well_known_link: String,
    auth_token: SecretString,
}

impl LoginToken {
    /// Reads a token in either base64 alphabet, with or without padding, with any whitespace in and around
    /// it.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let refuse = |reason| Error::LoginToken { reason };
        if text.len() > SIZE_LIMIT {
            return Err(refuse("it is far too long"));
        }
        let plain: String = text
            .chars()
            .filter(|character| !character.is_whitespace())
            .map(|character| match character {
                '-' => '+',
                '_' => '/',
                other => other,
            })
            .collect();
        if plain.is_empty() {
            return Err(refuse("it is empty"));
        }
        let configuration = GeneralPurposeConfig::new()
            .with_decode_padding_mode(DecodePaddingMode::Indifferent)
            .with_decode_allow_trailing_bits(true);
        let json = GeneralPurpose::new(&STANDARD, configuration)
            .decode(plain.trim_end_matches('='))
            .map_err(|_| refuse("it is not base64 text; was all of it copied?"))?;
        let content: Content = serde_json::from_slice(&json)
            .map_err(|_| refuse("it does not hold the expected fields; was all of it copied?"))?;
        if content.username.is_empty() {
            return Err(refuse("it names no user"));
        }
        check_secure(&content.well_known_link)?;
        Ok(Self {
            username: content.username,
            realm: content.realm,
            well_known_link: content.well_known_link,
            auth_token: content.auth_token,
        })
    }
}

#[cfg(test)]
mod tests {
    use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
    use proptest::prelude::*;
    use secrecy::ExposeSecret as _;

    use super::*;
    use crate::ErrorKind;

    fn json(link: &str) -> String {
        format!(
            "{{\"username\":\"u7k2\",\"realm\":\"jottacloud\",\"well_known_link\":\"{link}\",\"auth_token\":\"b0gus??>>\"}}"
        )
    }

    #[test]
    fn every_spelling_of_a_token_is_read() {
        let json = json("https://id.example.net/.well-known/openid-configuration");
        let padded = BASE64_STANDARD.encode(&json);
        let url_safe = BASE64_URL_SAFE_NO_PAD.encode(&json);
        let wrapped =
            url_safe.as_bytes().chunks(20).map(|line| std::str::from_utf8(line).unwrap()).collect::<Vec<_>>();
        for text in [padded.clone(), url_safe.clone(), format!("\n  {padded}\r\n"), wrapped.join("\n")] {
            let token = LoginToken::parse(&text).unwrap();
            assert_eq!(token.username, "u7k2");
            assert_eq!(token.auth_token.expose_secret(), "b0gus??>>");
        }
        let other_field = json.replace("well_known_link", "wellKnownLink");
        assert!(LoginToken::parse(&BASE64_STANDARD.encode(other_field)).is_ok());
    }

    #[test]
    fn bad_tokens_are_refused_with_words() {
        let encoded = |json: &str| BASE64_STANDARD.encode(json);
        for (text, words) in [
            (String::new(), "it is empty"),
            ("   \n".to_owned(), "it is empty"),
            ("*** not a token ***".to_owned(), "not base64"),
            (encoded("{}"), "expected fields"),
            (encoded("[1,2]"), "expected fields"),
            ("A".repeat(SIZE_LIMIT), "expected fields"),
            ("A".repeat(SIZE_LIMIT + 1), "too long"),
        ] {
            let error = LoginToken::parse(&text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Setup);
            assert!(error.to_string().contains(words), "{error}");
        }
    }

    #[test]
    fn a_token_cannot_send_its_secret_in_the_clear() {
        for link in ["http://id.example.net/x", "ftp://id.example.net", "//x"] {
            assert!(LoginToken::parse(&BASE64_STANDARD.encode(json(link))).is_err(), "{link}");
        }
        assert!(LoginToken::parse(&BASE64_STANDARD.encode(json("http://127.0.0.1:9/x"))).is_ok());
    }

    #[test]
    fn printing_a_token_shows_no_secret() {
        let token = LoginToken::parse(&BASE64_STANDARD.encode(json("https://id.example.net/x"))).unwrap();
        assert!(!format!("{token:?}").contains("b0gus"));
    }

    proptest! {
        #[test]
        fn parsing_takes_anything(text in ".{0,80}") {
            let _ = LoginToken::parse(&text);
        }
    }
}
