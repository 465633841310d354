//! Binds every port before anything else begins, so that a conflict is one clear line.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::anyhow;
use api::Endpoints;
use pipeline::component::Sockets;
use pipeline::graph::Plan;
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
    /// Ports of receivers; whoever starts them takes them from `Sockets` while these hold them.
    pub receivers: Vec<(String, Arc<TcpListener>)>,
    pub api: Port,
    pub ui: Port,
    pub health: Port,
    pub metrics: Port,
    /// None when something else has the port that nobody asked for.
    pub alertmanager: Option<Port>,
}

impl Ports {
    /// Where the OTLP receiver takes a protocol; empty when there is none.
    fn receiver(&self, protocol: &str) -> String {
        let wanted =
            |setting: &str| setting.starts_with("receivers.otlp") && setting.contains(&format!(".{protocol}."));
        let found = self.receivers.iter().find(|(setting, _)| wanted(setting));
        found.and_then(|(_, socket)| socket.local_addr().ok()).map(reachable).unwrap_or_default()
    }

    pub(super) fn endpoints(&self) -> Endpoints {
        Endpoints {
            otlp_grpc: self.receiver("grpc"),
            otlp_http: self.receiver("http"),
            api: reachable(self.api.address),
            ui: reachable(self.ui.address),
            alertmanager: self.alertmanager.as_ref().map(|p| reachable(p.address)),
        }
    }
}

/// `0.0.0.0` is where to listen, not where to connect to.
fn reachable(address: SocketAddr) -> String {
    if address.ip().is_unspecified() { format!("localhost:{}", address.port()) } else { address.to_string() }
}

pub(super) async fn bind_all(config: &Config, plan: &Plan, sockets: &Sockets) -> anyhow::Result<Ports> {
    Ok(Ports {
        receivers: bind_receivers(plan, sockets).await?,
        health: bind(config.health).await?,
        metrics: bind(config.metrics).await?,
        api: bind(config.api).await?,
        ui: bind(config.ui).await?,
        alertmanager: bind_alertmanager(config).await?,
    })
}

/// Flags that move the port of a receiver.
const FLAGS: [(&str, &str); 2] = [
    ("receivers.otlp.protocols.grpc.endpoint", "--otlp-grpc-listen"),
    ("receivers.otlp.protocols.http.endpoint", "--otlp-http-listen"),
];

/// Binds the ports of receivers.
pub(crate) async fn bind_receivers(plan: &Plan, sockets: &Sockets) -> anyhow::Result<Vec<(String, Arc<TcpListener>)>> {
    let mut bound = Vec::new();
    for (setting, address) in plan.addresses() {
        let flag = FLAGS.iter().find(|(of, _)| *of == setting).map(|(_, flag)| format!("choose another with {flag}"));
        let socket = sockets.tcp(&setting, address).await;
        let socket =
            socket.map_err(|e| anyhow!(e.replace("choose another", flag.as_deref().unwrap_or("choose another"))))?;
        bound.push((setting, socket));
    }
    Ok(bound)
}

/// Another Alertmanager may run on this machine; ours is under the API port too.
async fn bind_alertmanager(config: &Config) -> anyhow::Result<Option<Port>> {
    match bind(config.alertmanager).await {
        Ok(port) => Ok(Some(port)),
        Err(e) if config.alertmanager_asked => Err(e),
        Err(e) => {
            tracing::warn!("the alert manager has no port of its own, only /api/v2 of the API: {e}");
            Ok(None)
        }
    }
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
    let alertmanager = ports.alertmanager.iter().map(|port| ("ALERT MANAGER", port));
    for (name, port) in [("API", &ports.api), ("web UI", &ports.ui)].into_iter().chain(alertmanager) {
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
