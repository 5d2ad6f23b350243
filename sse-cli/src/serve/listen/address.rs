//! Addresses to listen on: IP addresses, host names, Unix sockets, and sockets that systemd passes.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs as _};
use std::path::PathBuf;
use std::str::FromStr;

/// The value of one `--listen` option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    /// An IP address and a port.
    Ip(SocketAddr),
    /// `:8080`: every address of the machine, IPv6 and IPv4.
    Every(u16),
    /// `localhost:8080`: all addresses of a name.
    Name(String, u16),
    /// `unix:/path`.
    Unix(PathBuf),
    /// `systemd:`: the sockets that systemd passes (`LISTEN_FDS`).
    Systemd,
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wanted = "write 127.0.0.1:8080, [::]:8080, :8080, localhost:8080, unix:/path or systemd:";
        if let Some(path) = text.strip_prefix("unix:") {
            return match path {
                "" => Err(format!("the path of the socket is missing: {wanted}")),
                path => Ok(Self::Unix(path.into())),
            };
        }
        if text == "systemd:" {
            return Ok(Self::Systemd);
        }
        if let Ok(address) = text.parse() {
            return Ok(Self::Ip(address));
        }
        let (name, port) = text.rsplit_once(':').ok_or(format!("the port is missing: {wanted}"))?;
        let port = port.parse().map_err(|_| format!("`{port}` is not a port: {wanted}"))?;
        match name {
            "" => Ok(Self::Every(port)),
            name if name.contains([':', '[', ']', '/']) || name.parse::<IpAddr>().is_ok() => {
                Err(format!("not an address: {wanted}"))
            }
            name => Ok(Self::Name(name.to_owned(), port)),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => address.fmt(f),
            Self::Every(port) => write!(f, ":{port}"),
            Self::Name(name, port) => write!(f, "{name}:{port}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Systemd => f.write_str("systemd:"),
        }
    }
}

impl Address {
    /// Whether only this machine can reach the address; a host name is looked up to find out.
    pub(crate) fn is_loopback(&self) -> bool {
        match self {
            Self::Ip(address) => address.ip().is_loopback(),
            Self::Every(_) | Self::Systemd => false,
            Self::Name(..) => self
                .resolve()
                .is_ok_and(|addresses| addresses.iter().all(|address| address.ip().is_loopback())),
            Self::Unix(_) => true,
        }
    }

    /// The IP addresses of the value; none for a Unix socket or systemd's sockets.
    pub(crate) fn resolve(&self) -> io::Result<Vec<SocketAddr>> {
        match self {
            Self::Ip(address) => Ok(vec![*address]),
            // Where IPv6 has IPv4 in it the second bind fails, and is not needed.
            Self::Every(port) => {
                Ok(vec![(Ipv6Addr::UNSPECIFIED, *port).into(), (Ipv4Addr::UNSPECIFIED, *port).into()])
            }
            Self::Name(name, port) => {
                let mut addresses: Vec<_> = (name.as_str(), *port).to_socket_addrs()?.collect();
                addresses.sort_unstable();
                addresses.dedup();
                Ok(addresses)
            }
            Self::Unix(_) | Self::Systemd => Ok(Vec::new()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_of_an_address_is_understood() {
        let parsed = |text: &str| text.parse::<Address>();
        assert_eq!(parsed("127.0.0.1:80"), Ok(Address::Ip(([127, 0, 0, 1], 80).into())));
        assert_eq!(parsed("[::]:80"), Ok(Address::Ip((Ipv6Addr::UNSPECIFIED, 80).into())));
        assert_eq!(parsed(":8080"), Ok(Address::Every(8080)));
        assert_eq!(parsed("localhost:0"), Ok(Address::Name("localhost".into(), 0)));
        assert_eq!(parsed("unix:/run/sse"), Ok(Address::Unix("/run/sse".into())));
        assert_eq!(parsed("systemd:"), Ok(Address::Systemd));
        for wrong in
            ["", "8080", "localhost", "localhost:http", "::1:80", "1.2.3.4", "[::1]", "unix:", "http://a:1"]
        {
            assert!(parsed(wrong).is_err(), "{wrong}");
        }
        for text in ["127.0.0.1:80", "[::1]:80", ":80", "name:80", "unix:/a b", "systemd:"] {
            assert_eq!(parsed(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn only_this_machine_reaches_loopback_and_unix_sockets() {
        let loopback = |text: &str| text.parse::<Address>().unwrap().is_loopback();
        assert!(
            loopback("127.0.0.1:0") && loopback("[::1]:0") && loopback("unix:/x") && loopback("localhost:0")
        );
        assert!(
            !loopback(":0") && !loopback("0.0.0.0:0") && !loopback("192.0.2.1:0") && !loopback("systemd:")
        );
    }
}
