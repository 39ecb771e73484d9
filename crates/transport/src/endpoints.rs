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

    /// Replaces the URLs that are given. Events follow the metadata host when that one is not the service's
    /// own.
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

    /// Parses an address that the service named, to which a token is to go: it must be one of the service's
    /// own.
    pub(crate) fn check_named(&self, action: &str, text: &str) -> Result<reqwest::Url, Error> {
        let url = check_secure(text)?;
        let own = [&self.jfs_url, &self.api_url, &self.www_url, &self.id_url, &self.events_url];
        if own.into_iter().any(|own| belongs_to(&url, own)) {
            return Ok(url);
        }
        Err(foreign(action, &url))
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

/// Whether an address is on the host of another one, below it, or beside it in its domain. All of the machine
/// itself is one place.
pub(crate) fn belongs_to(url: &reqwest::Url, own: &str) -> bool {
    let Ok(own) = reqwest::Url::parse(own) else { return false };
    if is_loopback(url) || is_loopback(&own) {
        return is_loopback(url) && is_loopback(&own);
    }
    let (host, own_host) = (url.host_str().unwrap_or_default(), own.host_str().unwrap_or_default());
    if address_of(&own).is_some() {
        return host == own_host;
    }
    let is_within = |domain: &str| {
        host.strip_suffix(domain).is_some_and(|before| before.is_empty() || before.ends_with('.'))
    };
    is_within(own_host) || domain_of(own_host).is_some_and(is_within)
}

/// The domain that a host shares with those beside it; `None` where what is above it may be anybody's, as in
/// `example.net` or `example.co.uk`.
fn domain_of(host: &str) -> Option<&str> {
    let (_, domain) = host.split_once('.')?;
    let (name, rest) = domain.split_once('.')?;
    // Registries in many countries keep short names for everybody below them.
    let is_registrys = name.len() <= 3 && rest.len() == 2;
    (!is_registrys).then_some(domain)
}

/// An address to which no token goes.
pub(crate) fn foreign(action: &str, url: &reqwest::Url) -> Error {
    let host = shortened(url.host_str().unwrap_or("another place"));
    Error::ForeignHost { action: action.to_owned(), host }
}

fn is_loopback(url: &reqwest::Url) -> bool {
    url.host_str() == Some("localhost") || address_of(url).is_some_and(|address| address.is_loopback())
}

/// The host, if it is no name but an address.
fn address_of(url: &reqwest::Url) -> Option<std::net::IpAddr> {
    url.host_str()?.trim_start_matches('[').trim_end_matches(']').parse().ok()
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
    fn what_the_service_names_must_be_its_own() {
        let gateway = |url: &str| Endpoints::on_one_host(url);
        let table = [
            (Endpoints::default(), "https://up-no-001.jottacloud.com/upload/1", true),
            (Endpoints::default(), "https://jottacloud.com/upload/1", true),
            (Endpoints::default(), "https://a.b.jottacloud.com:8443/x", true),
            (Endpoints::default(), "https://jottacloud.com.example.net/x", false),
            (Endpoints::default(), "https://evil-jottacloud.com/x", false),
            (Endpoints::default(), "https://jottacloud.com@example.net/x", false),
            (Endpoints::default(), "https://example.net/?jottacloud.com", false),
            (Endpoints::default(), "https://com/x", false),
            (Endpoints::default(), "https://203.0.113.7/x", false),
            (Endpoints::default(), "https://127.0.0.1/x", false),
            (Endpoints::default(), "http://127.0.0.1:8080/x", false),
            (Endpoints::default(), "http://up.jottacloud.com/x", false),
            (gateway("http://127.0.0.1:8080"), "http://127.0.0.1:9090/x", true),
            (gateway("http://127.0.0.1:8080"), "http://localhost/x", true),
            (gateway("http://127.0.0.1:8080"), "https://up.jottacloud.com/x", false),
            (gateway("https://gateway.example.net"), "https://upload.example.net/x", true),
            (gateway("https://example.net"), "https://upload.example.net/x", true),
            (gateway("https://example.net"), "https://other.net/x", false),
            (gateway("https://example.co.uk"), "https://other.co.uk/x", false),
            (gateway("https://jfs.example.co.uk"), "https://up.example.co.uk/x", true),
            (gateway("https://[2001:db8::1]:8443"), "https://[2001:db8::1]/x", true),
            (gateway("https://[2001:db8::1]"), "https://[2001:db8::2]/x", false),
            (gateway("https://203.0.113.7"), "https://203.0.113.8/x", false),
        ];
        for (endpoints, url, expected) in table {
            let checked = endpoints.check_named("uploading a", url);
            assert_eq!(checked.is_ok(), expected, "{} names {url}: {checked:?}", endpoints.api_url);
        }
        let refused = Endpoints::default().check_named("uploading a", "https://example.net/x").unwrap_err();
        let told = "uploading a: refused to send to example.net, which does not belong to the service";
        assert_eq!(refused.to_string(), told);
    }

    #[test]
    fn overriding_the_metadata_host_moves_the_events_too() {
        let endpoints = Endpoints::with_overrides(Some("http://127.0.0.1:1/"), None, None, None);
        assert_eq!(endpoints.jfs_url, "http://127.0.0.1:1");
        assert_eq!(endpoints.events_url, "http://127.0.0.1:1");
        assert_eq!(endpoints.api_url, Endpoints::default().api_url);
    }
}
