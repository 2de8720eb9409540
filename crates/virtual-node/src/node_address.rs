//! Finds the address under which the API server reaches this process.

use std::io;
use std::net::{IpAddr, ToSocketAddrs, UdpSocket};

/// The local address from which packets to the API server leave: the one it can answer to. Sends nothing.
pub(crate) fn towards(server: &http::Uri) -> io::Result<IpAddr> {
    let host = server.host().unwrap_or_default().trim_matches(['[', ']']);
    let port = server.port_u16().unwrap_or(443);
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the API server's name has no address");
    for target in (host, port).to_socket_addrs()? {
        let any = if target.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
        // Connecting a datagram socket chooses the route and with it the source address.
        match UdpSocket::bind(any).and_then(|socket| {
            socket.connect(target)?;
            socket.local_addr()
        }) {
            Ok(local) => return Ok(local.ip()),
            Err(error) => last = error,
        }
    }
    Err(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn towards_a_loopback_server_the_address_is_loopback() {
        let uri: http::Uri = "https://127.0.0.1:6443/".parse().expect("a URI");
        assert!(towards(&uri).expect("an address").is_loopback());
    }
}
