//! Which network addresses this program never talks to by a name: those of the
//! machine's own link, where clouds keep what only the machine may know.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// Metadata services outside the link-local ranges.
const METADATA: [IpAddr; 3] = [
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254)),
];

/// Looks names up, and leaves out addresses that no name should lead to. An
/// address that somebody writes as such is not looked up, and meant.
#[derive(Debug)]
pub(super) struct Outward;

impl Resolve for Outward {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let host = format!("{}:0", name.as_str());
            let found: Vec<SocketAddr> = tokio::net::lookup_host(host).await?.collect();
            let was_empty = found.is_empty();
            let outward: Vec<SocketAddr> = found
                .into_iter()
                .filter(|address| !is_own(address.ip()))
                .collect();
            if outward.is_empty() && !was_empty {
                return Err(
                    "the name leads to an address of the machine's own link, which is \
                            never visited"
                        .into(),
                );
            }
            let addresses: Addrs = Box::new(outward.into_iter());
            Ok(addresses)
        })
    }
}

/// Whether the address is written out and one that is never visited unless the
/// user writes it.
pub fn is_never_visited(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => is_own(address.into()),
        Some(Host::Ipv6(address)) => is_own(address.into()),
        Some(Host::Domain(_)) | None => false,
    }
}

fn is_own(address: IpAddr) -> bool {
    let address = address.to_canonical();
    let is_link_local = match address {
        IpAddr::V4(address) => address.is_link_local() || address.is_unspecified(),
        IpAddr::V6(address) => address.is_unicast_link_local() || address.is_unspecified(),
    };
    is_link_local || METADATA.contains(&address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machines_own_link_and_metadata_services_are_never_visited() {
        for (url, is_own) in [
            ("http://169.254.169.254/latest/meta-data", true),
            ("http://[fe80::1]/", true),
            ("http://[fd00:ec2::254]/", true),
            ("http://[::ffff:169.254.169.254]/", true),
            ("http://100.100.100.200/", true),
            ("http://0.0.0.0/", true),
            // Other forms of the same address are one to the URL standard.
            ("http://2852039166/", true),
            ("http://0xa9.0xfe.0xa9.0xfe/", true),
            ("http://127.0.0.1/", false),
            ("http://10.0.0.1/", false),
            ("https://example.com/", false),
        ] {
            assert_eq!(is_never_visited(&url.parse().unwrap()), is_own, "{url}");
        }
    }

    #[tokio::test]
    async fn a_name_is_looked_up() {
        let found = Outward.resolve("localhost".parse().unwrap()).await;
        assert!(found.unwrap().next().is_some());
    }
}
