//! Which network addresses are allowed: never the machine's own link by a name,
//! and only public addresses where somebody else chose the address.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// The addresses to which a request may be sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Reach {
    /// Wherever its address leads: a person wrote that.
    #[default]
    Anywhere,
    /// Only to public addresses: a server chose the address, and must not reach
    /// through this machine into its networks.
    Public,
}

/// Why an address is not visited, in words that complete a sentence about it.
pub const NOT_PUBLIC: &str = "an address of a private, local or reserved network, which is only \
                              visited where you set it yourself";

/// Metadata services outside the link-local ranges.
const METADATA: [IpAddr; 3] = [
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254)),
];

/// Names that never lead to a public address (RFC 6761, 6762, 8375, and the
/// reservation of `internal` by ICANN in 2024).
const LOCAL_NAMES: [&str; 4] = ["localhost", "local", "internal", "home.arpa"];

/// Resolves names, without the addresses that they must not lead to. An address
/// that a user writes as such is not resolved, and intended.
#[derive(Debug, Clone, Default)]
pub(crate) struct Resolver {
    /// The names that may only lead to public addresses.
    public_only: Arc<Mutex<HashSet<String>>>,
}

impl Resolver {
    /// From now on the host of this address must be public.
    pub(crate) fn restrict(&self, url: &Url) {
        if let Some(Host::Domain(name)) = url.host() {
            self.names().insert(name.to_owned());
        }
    }

    fn names(&self) -> MutexGuard<'_, HashSet<String>> {
        self.public_only
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let is_restricted = self.names().contains(name.as_str());
        Box::pin(async move {
            let host = format!("{}:0", name.as_str());
            let found = tokio::net::lookup_host(host).await?;
            let addresses = allowed(found, is_restricted)?;
            let addresses: Addrs = Box::new(addresses.into_iter());
            Ok(addresses)
        })
    }
}

/// The allowed addresses of a name; an error if it has only others.
fn allowed(
    found: impl Iterator<Item = SocketAddr>,
    is_restricted: bool,
) -> Result<Vec<SocketAddr>, String> {
    let (allowed, refused): (Vec<_>, Vec<_>) = found.partition(|address| {
        let address = address.ip();
        !is_own(address) && (!is_restricted || is_public(address))
    });
    if allowed.is_empty()
        && let Some(address) = refused.first()
    {
        return Err(format!("the name leads to {}, {NOT_PUBLIC}", address.ip()));
    }
    Ok(allowed)
}

/// Whether the host is written as an address, or is a name, that is not
/// public. Any other name has to be resolved to know that.
pub fn is_known_not_public(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => !is_public(address.into()),
        Some(Host::Ipv6(address)) => !is_public(address.into()),
        Some(Host::Domain(name)) => is_local_name(name),
        None => true,
    }
}

fn is_local_name(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    LOCAL_NAMES.iter().any(|local| {
        let above = name.strip_suffix(local);
        above.is_some_and(|above| above.is_empty() || above.ends_with('.'))
    })
}

/// Addresses of the machine's own link, where clouds keep what only the machine
/// may know.
fn is_own(address: IpAddr) -> bool {
    let is_link_local = match embedded(address) {
        IpAddr::V4(address) => address.is_link_local() || address.is_unspecified(),
        IpAddr::V6(address) => {
            address.is_unicast_link_local() || address.is_unspecified() || address.is_multicast()
        }
    };
    is_link_local || METADATA.contains(&embedded(address))
}

/// Whether an address is one of the public internet, by the registries of
/// special-purpose addresses of IANA.
fn is_public(address: IpAddr) -> bool {
    match embedded(address) {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [first, second, third, _] = address.octets();
    let is_special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation()
        // This network, and everything reserved, broadcast included.
        || first == 0
        || first >= 240
        // Shared by the customers of a provider (RFC 6598).
        || (first == 100 && second & 0b1100_0000 == 64)
        // Protocols, relays of 6to4, benchmarks.
        || (first, second, third) == (192, 0, 0)
        || (first, second, third) == (192, 88, 99)
        || (first == 198 && second & 0b1111_1110 == 18);
    !is_special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    // Global unicast, without protocols (Teredo among them) and documentation.
    let is_protocol = first == 0x2001 && second < 0x0200;
    let is_documentation =
        (first, second) == (0x2001, 0x0db8) || (first == 0x3fff && second < 0x1000);
    first & 0xe000 == 0x2000 && !is_protocol && !is_documentation
}

/// The IPv4 address that an IPv6 address stands for: mapped, compatible, or
/// translated by NAT64 or 6to4. Anything else stays.
fn embedded(address: IpAddr) -> IpAddr {
    let IpAddr::V6(whole) = address else {
        return address;
    };
    let v4 = |[first, second, third, fourth]: [u8; 4]| {
        IpAddr::V4(Ipv4Addr::new(first, second, third, fourth))
    };
    let octets = whole.octets();
    let last = [octets[12], octets[13], octets[14], octets[15]];
    match whole.segments() {
        [0, 0, 0, 0, 0, 0xffff, ..] | [0x0064, 0xff9b, 0, 0, 0, 0, ..] => v4(last),
        // `::` and `::1` are addresses of their own.
        [0, 0, 0, 0, 0, 0, ..] if !whole.is_unspecified() && !whole.is_loopback() => v4(last),
        [0x2002, ..] => v4([octets[2], octets[3], octets[4], octets[5]]),
        _ => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_public_internet_is_public() {
        for host in [
            // Unspecified, private, loopback, link-local, shared.
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "100.64.0.1",
            "100.100.100.200",
            "100.127.255.255",
            // Protocols, documentation, benchmarks, multicast, reserved, broadcast.
            "192.0.0.192",
            "192.0.2.1",
            "192.88.99.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "[::]",
            "[::1]",
            "[fe80::1]",
            "[fec0::1]",
            "[fc00::1]",
            "[fd00:ec2::254]",
            "[ff02::1]",
            "[100::1]",
            "[2001:db8::1]",
            "[2001::1]",
            "[3fff::1]",
            "[5f00::1]",
            // IPv4 in IPv6: mapped, compatible, NAT64, local NAT64, 6to4.
            "[::ffff:127.0.0.1]",
            "[::ffff:169.254.169.254]",
            "[::10.0.0.1]",
            "[64:ff9b::169.254.169.254]",
            "[64:ff9b::7f00:1]",
            "[64:ff9b:1::1]",
            "[2002:7f00:1::1]",
            "[2002:a9fe:a9fe::]",
            // Other forms of the same address are one to the URL standard.
            "2852039166",
            "0xa9.0xfe.0xa9.0xfe",
            "0177.1",
            "127.1",
            // Names.
            "localhost",
            "a.localhost",
            "localhost.",
            "printer.local",
            "metadata.google.internal",
            "router.home.arpa",
        ] {
            let url = format!("http://{host}/").parse().unwrap();
            assert!(is_known_not_public(&url), "{host}");
        }
        for host in [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.255.255",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "198.17.0.1",
            "198.20.0.1",
            "223.255.255.255",
            "[2606:4700::1111]",
            "[64:ff9b::8.8.8.8]",
            "[::ffff:8.8.8.8]",
            "[2002:808:808::]",
            "example.com",
            "notlocalhost",
            "mylocal",
            "internal.example.com",
        ] {
            let url = format!("https://{host}/").parse().unwrap();
            assert!(!is_known_not_public(&url), "{host}");
        }
    }

    #[test]
    fn a_name_leads_to_what_it_may_lead_to() {
        let address = |text: &str| SocketAddr::new(text.parse().unwrap(), 0);
        let of = |all: &[&str], is_restricted| {
            allowed(all.iter().map(|text| address(text)), is_restricted)
        };
        // A person's own name may lead into a private network, and to loopback.
        for private in ["127.0.0.1", "10.0.0.1", "::1", "fd00::1"] {
            assert_eq!(of(&[private], false).unwrap(), [address(private)]);
            let refused = of(&[private], true).unwrap_err();
            assert!(refused.contains(private), "{refused}");
        }
        // To the link of the machine leads no name.
        for own in [
            "169.254.169.254",
            "0.0.0.0",
            "::ffff:169.254.1.1",
            "64:ff9b::a9fe:a9fe",
        ] {
            assert!(of(&[own], false).is_err(), "{own}");
            assert!(of(&[own], true).is_err(), "{own}");
        }
        // Of several, the others are left.
        let mixed = ["127.0.0.1", "8.8.8.8", "169.254.169.254"];
        assert_eq!(of(&mixed, true).unwrap(), [address("8.8.8.8")]);
        assert_eq!(of(&mixed, false).unwrap().len(), 2);
        assert_eq!(of(&[], true).unwrap(), []);
    }

    #[tokio::test]
    async fn a_name_is_resolved_and_a_restricted_one_checked() {
        let resolver = Resolver::default();
        let found = resolver.resolve("localhost".parse().unwrap()).await;
        assert!(found.unwrap().next().is_some());
        resolver.restrict(&"http://localhost:1/".parse().unwrap());
        let refused = resolver.resolve("localhost".parse().unwrap()).await;
        assert!(refused.err().unwrap().to_string().contains("private"));
    }
}
