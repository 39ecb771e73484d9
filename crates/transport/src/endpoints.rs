//! Where the service lives. Not how it is spoken to: that is `http`.

use crate::error::Error;

/// The base URLs of the service's hosts (protocol 1.1), without a trailing slash.
///
/// The defaults are the real hosts; other values are for tests and private gateways.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    /// Metadata, listings, downloads and commands.
    pub jfs_url: String,
    /// Customer document, allocation of uploads, emptying the trash, legacy login.
    pub api_url: String,
    /// Public links.
    pub www_url: String,
    /// Login of the main brand.
    pub id_url: String,
    /// Change events; `https` stands for `wss` and `http` for `ws`.
    pub events_url: String,
}

impl Default for Endpoints {
    fn default() -> Self {
        Self {
            jfs_url: "https://jfs.jottacloud.com".to_owned(),
            api_url: "https://api.jottacloud.com".to_owned(),
            www_url: "https://www.jottacloud.com".to_owned(),
            id_url: "https://id.jottacloud.com".to_owned(),
            events_url: "https://websocket.jottacloud.com".to_owned(),
        }
    }
}

impl Endpoints {
    /// All services on one host, as an emulator or a gateway has them.
    pub fn on_one_host(base_url: &str) -> Self {
        let base = base_url.trim_end_matches('/').to_owned();
        Self {
            jfs_url: base.clone(),
            api_url: base.clone(),
            www_url: base.clone(),
            id_url: base.clone(),
            events_url: base,
        }
    }

    /// Replaces the URLs that are given. Events follow the metadata host when that one is not the service's own.
    pub fn with_overrides(
        jfs_url: Option<&str>,
        api_url: Option<&str>,
        www_url: Option<&str>,
        id_url: Option<&str>,
    ) -> Self {
        let own = Self::default();
        let choose = |given: Option<&str>, own: String| match given {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => own,
        };
        Self {
            events_url: choose(jfs_url, own.events_url),
            jfs_url: choose(jfs_url, own.jfs_url),
            api_url: choose(api_url, own.api_url),
            www_url: choose(www_url, own.www_url),
            id_url: choose(id_url, own.id_url),
        }
    }

    /// Refuses URLs that are not `https`, or `http` to the machine itself: tokens travel to them.
    pub(crate) fn check(&self) -> Result<(), Error> {
        for url in [&self.jfs_url, &self.api_url, &self.www_url, &self.id_url, &self.events_url] {
            check_secure(url)?;
        }
        Ok(())
    }
}

/// Parses a URL that tokens may be sent to: `https` anywhere, plain `http` only to a loopback address.
pub(crate) fn check_secure(text: &str) -> Result<reqwest::Url, Error> {
    let refuse = |reason| Error::InsecureUrl { url: shortened(text), reason };
    let url = reqwest::Url::parse(text).map_err(|_| refuse("it is not a URL"))?;
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        "http" => {
            Err(refuse("only https is safe for tokens, plain http is taken for loopback addresses alone"))
        }
        _ => Err(refuse("the scheme is not https")),
    }
}

fn is_loopback(url: &reqwest::Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// The start of a text that came from outside, fit for a message.
pub(crate) fn shortened(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).take(100).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_travel_only_encrypted_or_to_the_machine_itself() {
        for url in
            ["https://id.example.net/x", "http://127.0.0.1:8080", "http://[::1]:1/", "http://localhost"]
        {
            assert!(check_secure(url).is_ok(), "{url}");
        }
        for url in [
            "http://id.example.net/x",
            "http://127.0.0.1.example.net/",
            "http://localhost.example.net/",
            "http://127.0.0.1@example.net/",
            "ftp://127.0.0.1/",
            "file:///etc/passwd",
            "id.example.net",
            "",
        ] {
            assert!(check_secure(url).is_err(), "{url}");
        }
    }

    #[test]
    fn overriding_the_metadata_host_moves_the_events_too() {
        let endpoints = Endpoints::with_overrides(Some("http://127.0.0.1:1/"), None, None, None);
        assert_eq!(endpoints.jfs_url, "http://127.0.0.1:1");
        assert_eq!(endpoints.events_url, "http://127.0.0.1:1");
        assert_eq!(endpoints.api_url, Endpoints::default().api_url);
    }
}
