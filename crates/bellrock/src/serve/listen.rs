//! Binds every port before anything else begins, so that a conflict is one clear line.

use std::net::SocketAddr;

use anyhow::anyhow;
use api::Endpoints;
use tokio::net::TcpListener;

use crate::config::{Config, Listener};

/// A bound port.
pub(super) struct Port {
    pub socket: TcpListener,
    pub address: SocketAddr,
    flag: &'static str,
}

/// All ports.
pub(super) struct Ports {
    pub otlp_grpc: Port,
    pub otlp_http: Port,
    pub api: Port,
    pub ui: Port,
    pub health: Port,
    pub metrics: Port,
}

impl Ports {
    pub(super) fn endpoints(&self) -> Endpoints {
        Endpoints {
            otlp_grpc: reachable(self.otlp_grpc.address),
            otlp_http: reachable(self.otlp_http.address),
            api: reachable(self.api.address),
            ui: reachable(self.ui.address),
        }
    }
}

/// `0.0.0.0` is where to listen, not where to connect to.
fn reachable(address: SocketAddr) -> String {
    if address.ip().is_unspecified() { format!("localhost:{}", address.port()) } else { address.to_string() }
}

pub(super) async fn bind_all(config: &Config) -> anyhow::Result<Ports> {
    Ok(Ports {
        health: bind(config.health).await?,
        metrics: bind(config.metrics).await?,
        otlp_grpc: bind(config.otlp_grpc).await?,
        otlp_http: bind(config.otlp_http).await?,
        api: bind(config.api).await?,
        ui: bind(config.ui).await?,
    })
}

async fn bind(listener: Listener) -> anyhow::Result<Port> {
    let Listener { address, flag, setting } = listener;
    let socket = TcpListener::bind(address).await.map_err(|e| match e.kind() {
        std::io::ErrorKind::AddrInUse => {
            anyhow!(
                "port {} on {} is in use; free it, or choose another with {flag} (`{setting}`)",
                address.port(),
                address.ip()
            )
        }
        std::io::ErrorKind::PermissionDenied => {
            anyhow!("port {} needs more rights; choose one above 1023 with {flag} (`{setting}`)", address.port())
        }
        _ => anyhow!("cannot listen on {address}: {e}; change it with {flag} (`{setting}`)"),
    })?;
    let address = socket.local_addr()?;
    Ok(Port { socket, address, flag })
}

/// There is no authentication yet: who can reach the API can read everything.
pub(super) fn warn_if_exposed(ports: &Ports) {
    for (name, port) in [("API", &ports.api), ("web UI", &ports.ui)] {
        if !port.address.ip().is_loopback() {
            tracing::warn!(
                "THE {name} IS OPEN TO THE NETWORK on {} WITHOUT AUTHENTICATION: everyone who reaches it reads all telemetry. \
                 Put a proxy with a login in front, or listen on this machine only with {} 127.0.0.1:{}",
                port.address,
                port.flag,
                port.address.port()
            );
        }
    }
}
