//! The brands that Jottacloud is sold under; they differ in where and how one logs in (protocol 1.3).

use crate::endpoints::Endpoints;

/// A brand of the service. All of them keep their files on the same hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Brand {
    /// What commands and files call it.
    pub key: &'static str,
    /// What people call it.
    pub name: &'static str,
    domain: &'static str,
    realm: &'static str,
    client_id: &'static str,
    scopes: &'static str,
}

const SCOPES: &str = "openid jotta-default offline_access";
/// These two brands refuse the wider one.
const NARROW_SCOPES: &str = "openid offline_access";

impl Brand {
    /// All brands, the main one first.
    pub const ALL: &[Self] = &[
        Self::new("jottacloud", "Jottacloud", "id.jottacloud.com", "jottacloud"),
        Self::new("elgiganten_dk", "Elgiganten Cloud (Denmark)", "cloud.elgiganten.dk", "elgiganten"),
        Self::new("elgiganten_se", "Elgiganten Cloud (Sweden)", "cloud.elgiganten.se", "elgiganten"),
        Self::new("elkjop", "Elkjøp Cloud (Norway)", "cloud.elkjop.no", "elkjop"),
        Self::new("elko", "ELKO Cloud (Iceland)", "cloud.elko.is", "elko"),
        Self::new("gigantti", "Gigantti Cloud (Finland)", "cloud.gigantti.fi", "gigantti"),
        Self::new("letsgo", "Let's Go Cloud (Germany)", "letsgo.jotta.cloud", "letsgo").windows(),
        Self::new("mediamarkt", "MediaMarkt Cloud", "mediamarkt.jottacloud.com", "mediamarkt"),
        Self::new("onlime", "Onlime (Denmark)", "cloud-auth.onlime.dk", "onlime_wl"),
        Self::new("phonero", "Phonero Sky (Norway)", "sky.phonero.no", "phonero").windows(),
        Self::new("tele2", "Tele2 Cloud (Sweden)", "mittcloud-auth.tele2.se", "comhem"),
        Self::new("telia_no", "Telia Sky (Norway)", "sky-auth.telia.no", "get"),
        Self::new("telia_se", "Telia Cloud (Sweden)", "cloud-auth.telia.se", "telia_se"),
    ];

    /// The brand of this key.
    pub fn of_key(key: &str) -> Option<&'static Self> {
        Self::ALL.iter().find(|brand| brand.key == key)
    }

    /// The brand whose logins come from this realm, as a personal login token tells it; where brands share a
    /// realm, the first.
    pub fn of_realm(realm: &str) -> Option<&'static Self> {
        Self::ALL.iter().find(|brand| brand.realm == realm)
    }

    /// Whether a login cannot tell the two apart: they share a realm.
    pub fn shares_login_with(&self, other: &Self) -> bool {
        self.realm == other.realm
    }

    /// The client that a browser login introduces itself as; refreshes must name the same one.
    pub(crate) fn client_id(&self) -> &'static str {
        self.client_id
    }

    /// The rights that a browser login asks for.
    pub(crate) fn scopes(&self) -> &'static str {
        self.scopes
    }

    /// Where the brand's login service describes itself. With a login host of one's own, that one serves all.
    pub(crate) fn well_known_link(&self, endpoints: &Endpoints) -> String {
        let own = Endpoints::default().id_url;
        let base = if endpoints.id_url == own {
            format!("https://{}", self.domain)
        } else {
            endpoints.id_url.clone()
        };
        format!("{base}/auth/realms/{}/.well-known/openid-configuration", self.realm)
    }

    const fn new(key: &'static str, name: &'static str, domain: &'static str, realm: &'static str) -> Self {
        Self { key, name, domain, realm, client_id: "desktop", scopes: SCOPES }
    }

    const fn windows(self) -> Self {
        Self { client_id: "desktop-win", scopes: NARROW_SCOPES, ..self }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_brand_is_found_by_its_key_and_has_an_address() {
        let keys: BTreeSet<_> = Brand::ALL.iter().map(|brand| brand.key).collect();
        assert_eq!(keys.len(), Brand::ALL.len());
        for brand in Brand::ALL {
            assert_eq!(Brand::of_key(brand.key), Some(brand));
            assert!(Brand::of_realm(brand.realm).is_some());
            let link = brand.well_known_link(&Endpoints::default());
            assert!(crate::endpoints::check_secure(&link).is_ok(), "{link}");
        }
        assert_eq!(Brand::of_key("nobody"), None);
    }

    #[test]
    fn a_login_host_of_ones_own_serves_all_brands() {
        let endpoints = Endpoints::on_one_host("http://127.0.0.1:1");
        let link = Brand::of_key("tele2").unwrap().well_known_link(&endpoints);
        assert_eq!(link, "http://127.0.0.1:1/auth/realms/comhem/.well-known/openid-configuration");
    }

    #[test]
    fn a_login_tells_brands_apart_by_their_realms() {
        for one in Brand::ALL {
            assert!(one.scopes().split(' ').any(|scope| scope == "openid"), "{}", one.key);
            for other in Brand::ALL {
                assert_eq!(one.shares_login_with(other), one.realm == other.realm);
            }
        }
    }
}
