//! Where the service lives. Not how it is spoken to: that is `http`.

use crate::error::Error;

/// All hosts of the service that are not a brand's login are in it (protocol 1.1).
const SERVICE_DOMAIN: &str = "jottacloud.com";

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

/// Whether tokens for one address of the service may also go to another one. In the service's own domain they
/// may go to any host. Everywhere else they may go to the same scheme, host and port alone: who keeps the
/// hosts beside a gateway is not known.
pub(crate) fn belongs_to(url: &reqwest::Url, own: &str) -> bool {
    let Ok(own) = reqwest::Url::parse(own) else { return false };
    url.origin() == own.origin() || (is_services(url) && is_services(&own))
}

/// Whether an address is in the domain that the service keeps for itself.
fn is_services(url: &reqwest::Url) -> bool {
    let before = url.host_str().and_then(|host| host.strip_suffix(SERVICE_DOMAIN));
    url.scheme() == "https" && before.is_some_and(|before| before.is_empty() || before.ends_with('.'))
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
        let service = Endpoints::default;
        let gateway = Endpoints::on_one_host;
        let mixed = |api_url| Endpoints::with_overrides(None, Some(api_url), None, None);
        let table = [
            (service(), "https://up-no-001.jottacloud.com/upload/1", true),
            (service(), "https://jottacloud.com/upload/1", true),
            (service(), "https://a.b.jottacloud.com:8443/x", true),
            (service(), "https://UP.Jottacloud.COM/x", true),
            (service(), "https://jottacloud.com.example.net/x", false),
            (service(), "https://evil-jottacloud.com/x", false),
            (service(), "https://jottacloud.com@example.net/x", false),
            (service(), "https://example.net/?jottacloud.com", false),
            (service(), "https://up.jottacloud.net/x", false),
            (service(), "https://com/x", false),
            (service(), "https://203.0.113.7/x", false),
            (service(), "https://127.0.0.1/x", false),
            (service(), "http://127.0.0.1:8080/x", false),
            (service(), "http://up.jottacloud.com/x", false),
            (gateway("http://127.0.0.1:8080"), "http://127.0.0.1:8080/x", true),
            (gateway("http://127.0.0.1:8080"), "http://127.0.0.1:9090/x", false),
            (gateway("http://127.0.0.1:8080"), "http://127.0.0.1/x", false),
            (gateway("http://127.0.0.1:8080"), "http://127.0.0.2:8080/x", false),
            (gateway("http://127.0.0.1:8080"), "https://127.0.0.1:8080/x", false),
            (gateway("http://127.0.0.1:8080"), "http://localhost:8080/x", false),
            (gateway("http://127.0.0.1:8080"), "http://[::1]:8080/x", false),
            (gateway("http://127.0.0.1:8080"), "https://up.jottacloud.com/x", false),
            (gateway("http://localhost:8080"), "http://localhost:8080/x", true),
            (gateway("https://gateway.example.net"), "https://gateway.example.net/x", true),
            (gateway("https://gateway.example.net"), "https://gateway.example.net:443/x", true),
            (gateway("https://gateway.example.net"), "https://gateway.example.net:8443/x", false),
            (gateway("https://gateway.example.net"), "https://upload.example.net/x", false),
            (gateway("https://gateway.example.net"), "https://upload.gateway.example.net/x", false),
            (gateway("https://gateway.example.net"), "https://example.net/x", false),
            (gateway("https://gateway.example.net/jotta"), "https://gateway.example.net/x", true),
            (gateway("https://example.net"), "https://upload.example.net/x", false),
            (gateway("https://example.net"), "https://up.jottacloud.com/x", false),
            (gateway("https://jfs.example.co.uk"), "https://up.example.co.uk/x", false),
            (gateway("https://team.github.io"), "https://others.github.io/x", false),
            (gateway("https://[2001:db8::1]:8443"), "https://[2001:db8::1]:8443/x", true),
            (gateway("https://[2001:db8::1]:8443"), "https://[2001:db8::1]/x", false),
            (gateway("https://203.0.113.7"), "https://203.0.113.8/x", false),
            // What is left at the service's own hosts is the service; what is overridden is that one place.
            (mixed("https://gateway.example.net"), "https://up.jottacloud.com/x", true),
            (mixed("https://gateway.example.net"), "https://gateway.example.net/x", true),
            (mixed("https://gateway.example.net"), "https://upload.example.net/x", false),
            (mixed("https://gateway.jottacloud.com"), "https://up.jottacloud.com/x", true),
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
    fn a_login_service_takes_tokens_itself_and_only_the_services_own_domain_has_several_hosts() {
        let table = [
            ("https://id.jottacloud.com/auth", "https://id.jottacloud.com/token", true),
            ("https://id.jottacloud.com/auth", "https://login.jottacloud.com/token", true),
            ("https://mediamarkt.jottacloud.com/auth", "https://id.jottacloud.com/token", true),
            ("https://cloud-auth.telia.se/auth", "https://cloud-auth.telia.se/token", true),
            ("https://cloud-auth.telia.se/auth", "https://www.telia.se/token", false),
            ("https://cloud-auth.telia.se/auth", "https://telia.se/token", false),
            ("https://cloud-auth.telia.se/auth", "https://id.jottacloud.com/token", false),
            ("https://gateway.example.net/auth", "https://id.example.net/token", false),
            ("http://127.0.0.1:8080/auth", "http://127.0.0.1:8080/token", true),
            ("http://127.0.0.1:8080/auth", "http://127.0.0.1:8081/token", false),
            ("not a link", "https://id.jottacloud.com/token", false),
        ];
        for (link, endpoint, expected) in table {
            let endpoint = reqwest::Url::parse(endpoint).unwrap();
            assert_eq!(belongs_to(&endpoint, link), expected, "{link} names {endpoint}");
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
