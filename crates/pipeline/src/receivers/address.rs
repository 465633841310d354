//! Where a receiver listens, as its settings say.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::component::{Refused, Setup};

/// `host:port`, `:port` or `port`; the default when nothing is written.
pub(super) fn address(setup: &mut Setup<'_>, setting: &str, text: &str, port: u16) -> Result<SocketAddr, Refused> {
    let host = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let t = text.trim();
    if t.is_empty() {
        return Ok(SocketAddr::new(host, port));
    }
    if let Ok(address) = t.parse() {
        return Ok(address);
    }
    let number = t.strip_prefix("localhost:").or_else(|| t.strip_prefix(':')).unwrap_or(t);
    number.parse().map(|port| SocketAddr::new(host, port)).map_err(|_| {
        let message =
            format!("`{text}` is not an address; write `127.0.0.1:{port}`, `0.0.0.0:{port}` or only the port");
        setup.error(setting, message)
    })
}
