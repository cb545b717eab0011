//! `HOST:PORT` to addresses, and which addresses are of one cable.

use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6, ToSocketAddrs};

use super::TcpError;

/// Finds the addresses that a text stands for: `HOST:PORT`, `A.B.C.D:PORT`, `[IPV6]:PORT` or `[IPV6%SCOPE]:PORT`, where the scope is an
/// interface's number or, on Linux, its name.
///
/// # Errors
/// [`TcpError::Address`] for another form, [`TcpError::Unknown`] for a name that leads nowhere.
pub(super) fn resolve(text: &str) -> Result<Vec<SocketAddr>, TcpError> {
    let wrong = |wrong| TcpError::Address { address: text.to_owned(), wrong };
    let (host, port) = text.rsplit_once(':').ok_or(wrong("it has no port"))?;
    let port: u16 = port.parse().map_err(|_| wrong("its port is no number from 0 to 65535"))?;
    if let Some(inner) = host.strip_prefix('[') {
        let inner = inner.strip_suffix(']').ok_or(wrong("a ']' is missing"))?;
        let (address, scope) = match inner.split_once('%') {
            Some((address, scope)) => {
                (address, scope_number(scope).ok_or(wrong("no interface has that scope's name"))?)
            }
            None => (inner, 0),
        };
        let address: Ipv6Addr =
            address.parse().map_err(|_| wrong("what is in brackets is no IPv6 address"))?;
        if address.is_unicast_link_local() && scope == 0 {
            return Err(wrong("a link-local address needs its interface, as in [fe80::1%eth0]:7777"));
        }
        return Ok(vec![SocketAddrV6::new(address, port, 0, scope).into()]);
    }
    if host.is_empty() || host.contains(':') {
        return Err(wrong("an IPv6 address stands in brackets, and a host has a name"));
    }
    let unknown = |source| TcpError::Unknown { address: text.to_owned(), source };
    let found: Vec<SocketAddr> = (host, port).to_socket_addrs().map_err(unknown)?.collect();
    if found.is_empty() {
        return Err(unknown(std::io::ErrorKind::NotFound.into()));
    }
    Ok(found)
}

/// An interface's number.
fn scope_number(scope: &str) -> Option<u32> {
    if let Ok(number) = scope.parse() {
        return Some(number);
    }
    #[cfg(target_os = "linux")]
    {
        // It names a folder.
        if scope.is_empty() || scope.starts_with('.') || scope.contains('/') {
            return None;
        }
        let path = std::path::Path::new("/sys/class/net").join(scope).join("ifindex");
        std::fs::read_to_string(path).ok()?.trim().parse().ok()
    }
    #[cfg(not(target_os = "linux"))]
    None
}

/// Whether both ends of a connection are of one cable, or on one machine: link-local or loopback.
pub fn is_one_cable(ours: &SocketAddr, theirs: &SocketAddr) -> bool {
    let local = |address: &SocketAddr| match plain(address.ip()) {
        IpAddr::V4(address) => address.is_link_local() || address.is_loopback(),
        IpAddr::V6(address) => address.is_unicast_link_local() || address.is_loopback(),
    };
    local(ours) && local(theirs)
}

/// An IPv4 address that came in through a socket of IPv6 is an IPv4 address.
pub(super) fn plain(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(address) => address.to_ipv4_mapped().map_or(IpAddr::V6(address), IpAddr::V4),
        IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        let first = |text: &str| resolve(text).map(|found| found[0].to_string()).map_err(|e| e.to_string());
        assert_eq!(first("127.0.0.1:7777").as_deref(), Ok("127.0.0.1:7777"));
        assert_eq!(first("[::1]:7777").as_deref(), Ok("[::1]:7777"));
        assert_eq!(first("[fe80::2%7]:80").as_deref(), Ok("[fe80::2%7]:80"));
        if cfg!(target_os = "linux") {
            assert_eq!(first("[fe80::2%lo]:80").as_deref(), Ok("[fe80::2%1]:80"));
        }
        for (text, says) in [
            ("host", "no port"),
            ("host:", "no number"),
            ("host:70000", "no number"),
            ("[::1:80", "']' is missing"),
            ("[::g]:80", "no IPv6 address"),
            ("[fe80::1]:80", "needs its interface"),
            ("[fe80::1%../x]:80", "no interface"),
            ("[fe80::1%nosuch]:80", "no interface"),
            ("::1:80", "in brackets"),
            (":80", "in brackets"),
        ] {
            let error = first(text).expect_err(text);
            assert!(error.contains(says), "{text}: {error}");
        }
    }

    #[test]
    fn only_addresses_of_one_cable_are() {
        let check = |ours: &str, theirs: &str| {
            is_one_cable(&ours.parse().expect("an address"), &theirs.parse().expect("an address"))
        };
        assert!(check("169.254.1.2:1", "169.254.200.3:2"));
        assert!(check("[fe80::1%2]:1", "[fe80::2%2]:2"));
        assert!(check("[::1]:1", "[::1]:2"));
        assert!(check("127.0.0.1:1", "127.9.9.9:2"));
        assert!(check("[::ffff:127.0.0.1]:1", "[::ffff:169.254.0.1]:2"));
        assert!(!check("169.254.1.2:1", "192.168.1.3:2"));
        assert!(!check("192.168.1.3:2", "169.254.1.2:1"));
        assert!(!check("10.0.0.1:1", "10.0.0.2:1"));
        assert!(!check("[fd00::1]:1", "[fe80::2]:1"));
        assert!(!check("[::ffff:10.0.0.1]:1", "[::1]:2"));
    }
}
