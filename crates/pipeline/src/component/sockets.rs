//! The ports of this process. A port that two graphs name is bound once: the new graph accepts before the old one stops.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use tokio::net::{TcpListener, UdpSocket};

/// Binds ports; clones share them. A port is released when the last that uses it is gone.
#[derive(Clone, Default)]
pub struct Sockets(Arc<Mutex<Bound>>);

#[derive(Default)]
struct Bound {
    tcp: HashMap<(SocketAddr, String), Weak<TcpListener>>,
    udp: HashMap<(SocketAddr, String), Weak<UdpSocket>>,
}

/// Port 0 means any: each owner has its own. A port with a number is one, whoever asks.
fn key(owner: &str, address: SocketAddr) -> (SocketAddr, String) {
    (address, if address.port() == 0 { owner.to_owned() } else { String::new() })
}

impl Sockets {
    /// Listens on `address`. `owner` is the setting that names it (`receivers.otlp.protocols.grpc.endpoint`).
    ///
    /// # Errors
    /// What the operating system says, with the remedy.
    pub async fn tcp(&self, owner: &str, address: SocketAddr) -> Result<Arc<TcpListener>, String> {
        let key = key(owner, address);
        if let Some(bound) = self.0.lock().tcp.get(&key).and_then(Weak::upgrade) {
            return Ok(bound);
        }
        let listener = TcpListener::bind(address).await.map_err(|e| refused(owner, address, &e))?;
        let listener = Arc::new(listener);
        self.0.lock().tcp.insert(key, Arc::downgrade(&listener));
        Ok(listener)
    }

    /// Adopts a port that was bound before the graph was there.
    pub fn adopt(&self, owner: &str, address: SocketAddr, listener: TcpListener) -> Arc<TcpListener> {
        let listener = Arc::new(listener);
        self.0.lock().tcp.insert(key(owner, address), Arc::downgrade(&listener));
        listener
    }

    /// Receives datagrams on `address`.
    ///
    /// # Errors
    /// What the operating system says, with the remedy.
    pub async fn udp(&self, owner: &str, address: SocketAddr) -> Result<Arc<UdpSocket>, String> {
        let key = key(owner, address);
        if let Some(bound) = self.0.lock().udp.get(&key).and_then(Weak::upgrade) {
            return Ok(bound);
        }
        let socket = UdpSocket::bind(address).await.map_err(|e| refused(owner, address, &e))?;
        let socket = Arc::new(socket);
        self.0.lock().udp.insert(key, Arc::downgrade(&socket));
        Ok(socket)
    }
}

fn refused(owner: &str, address: SocketAddr, e: &io::Error) -> String {
    match e.kind() {
        io::ErrorKind::AddrInUse => {
            format!("port {} on {} is in use; free it, or choose another (`{owner}`)", address.port(), address.ip())
        }
        io::ErrorKind::PermissionDenied => {
            format!("port {} needs more rights; choose one above 1023 (`{owner}`)", address.port())
        }
        _ => format!("cannot listen on {address}: {e}; change it (`{owner}`)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_port_is_bound_once_and_released_by_the_last() {
        let sockets = Sockets::default();
        let any = "127.0.0.1:0".parse().unwrap();
        let a = sockets.tcp("a", any).await.unwrap();
        let b = sockets.tcp("b", any).await.unwrap();
        assert_ne!(a.local_addr().unwrap(), b.local_addr().unwrap(), "port 0 is another for each owner");
        let address = a.local_addr().unwrap();
        assert!(sockets.tcp("c", address).await.unwrap_err().contains("is in use"));
        drop(a);
        let c = sockets.tcp("c", address).await.unwrap();
        assert!(Arc::ptr_eq(&c, &sockets.tcp("d", address).await.unwrap()));
    }
}
