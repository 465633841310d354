//! What a component is built from: its part of the file, and where to say what is wrong with it.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use net::ConfigErrors;
use net::tls::ClientSettings;
use serde::Serialize;
use serde::de::DeserializeOwned;
use yaml::{Findings, Node};

use super::id::{ComponentId, Kind};
use crate::config::{Collector, read};

/// The settings were wrong, and that has been said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused;

/// What settings depend on beside the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surroundings {
    /// Where a port listens that names no host.
    pub host: IpAddr,
    /// Ports that the command line moves, by setting: `receivers.otlp.protocols.grpc.endpoint`.
    pub listen: BTreeMap<String, SocketAddr>,
    /// Where relative paths begin.
    pub directory: PathBuf,
    /// The address that health checks are answered at already.
    pub health: Option<SocketAddr>,
    /// Whether there are engines to store in; `collect` has none.
    pub engines: bool,
}

impl Default for Surroundings {
    fn default() -> Self {
        Self {
            host: IpAddr::V4(Ipv4Addr::LOCALHOST),
            listen: BTreeMap::new(),
            directory: PathBuf::new(),
            health: None,
            engines: true,
        }
    }
}

/// `host:port`, `:port` or `port`; names are not resolved, except `localhost`.
///
/// # Errors
/// It is not an address; what one looks like.
pub fn parse_address(text: &str, host: IpAddr) -> Result<SocketAddr, String> {
    let t = text.trim();
    let bad = || format!("`{text}` is not an address; write `127.0.0.1:4318`, `0.0.0.0:4318` or only the port");
    if let Ok(address) = t.parse() {
        return Ok(address);
    }
    let port = t.strip_prefix("localhost:").map(|p| (IpAddr::V4(Ipv4Addr::LOCALHOST), p));
    let (host, port) = port.unwrap_or((host, t.strip_prefix(':').unwrap_or(t)));
    port.parse().map(|port| SocketAddr::new(host, port)).map_err(|_| bad())
}

/// One component's part of a configuration.
pub struct Setup<'a> {
    kind: Kind,
    id: &'a ComponentId,
    node: &'a Node,
    findings: &'a mut Findings,
    surroundings: Option<&'a Surroundings>,
    rejected_go_on: bool,
    /// In front of every setting: `protocol.otlp.` of a part.
    prefix: String,
    effective: serde_json::Value,
}

impl<'a> Setup<'a> {
    /// The part `node`, which stands in the section of `kind` under `id`.
    pub fn new(kind: Kind, id: &'a ComponentId, node: &'a Node, findings: &'a mut Findings) -> Self {
        Self {
            kind,
            id,
            node,
            findings,
            surroundings: None,
            rejected_go_on: false,
            prefix: String::new(),
            effective: serde_json::Value::Null,
        }
    }

    /// The same, in these surroundings.
    #[must_use]
    pub fn within(self, surroundings: &'a Surroundings) -> Self {
        Self { surroundings: Some(surroundings), ..self }
    }

    /// Says whether the pipeline leads to the engines: then what a sampler rejects goes on, marked, to be counted there.
    pub fn rejected_go_on(&mut self, rejected_go_on: bool) {
        self.rejected_go_on = rejected_go_on;
    }

    /// Whether a sampler marks what it rejects (`wire::otlp::sampling`) in place of dropping it.
    pub fn marks_rejected(&self) -> bool {
        self.rejected_go_on
    }

    /// The part of the file under `setting` (`protocol.otlp`), where it is written: settings that components have in common.
    pub fn inside(&mut self, setting: &str) -> Option<Setup<'_>> {
        let node = setting.split('.').try_fold(self.node, |node, name| node.get(name))?;
        Some(Setup {
            kind: self.kind,
            id: self.id,
            node,
            findings: self.findings,
            surroundings: self.surroundings,
            rejected_go_on: self.rejected_go_on,
            prefix: format!("{}{setting}.", self.prefix),
            effective: serde_json::Value::Null,
        })
    }

    /// What settings depend on beside the file.
    pub fn surroundings(&self) -> Surroundings {
        self.surroundings.cloned().unwrap_or_default()
    }

    /// Where `setting` listens: as the command line says, else `text`, else `port` of the usual host.
    ///
    /// # Errors
    /// `text` is not an address; that has been said.
    pub fn address(&mut self, setting: &str, text: Option<&str>, port: u16) -> Result<SocketAddr, Refused> {
        let surroundings = self.surroundings();
        if let Some(moved) = surroundings.listen.get(&self.path(setting)) {
            return Ok(*moved);
        }
        match text {
            None | Some("") => Ok(SocketAddr::new(surroundings.host, port)),
            Some(text) => parse_address(text, surroundings.host).map_err(|e| self.error(setting, e)),
        }
    }

    /// The component's id.
    pub fn id(&self) -> &ComponentId {
        self.id
    }

    /// The part of the file.
    pub fn node(&self) -> &'a Node {
        self.node
    }

    /// `processors.batch/two`, with `setting` behind it if there is one.
    pub fn path(&self, setting: &str) -> String {
        path_of(self.kind, self.id, &self.prefix)(setting)
    }

    /// Reads the settings. Names that `T` does not have are warned of; what is read is what `config print` shows.
    ///
    /// # Errors
    /// A value that cannot be meant; it has been said.
    pub fn read<T: DeserializeOwned + Serialize>(&mut self) -> Result<T, Refused> {
        let path_of = path_of(self.kind, self.id, &self.prefix);
        let settings: T = read(self.node, path_of, self.findings).ok_or(Refused)?;
        self.show(&settings);
        Ok(settings)
    }

    /// Replaces what `config print` shows: settings that were read and then changed.
    pub fn show<T: Serialize>(&mut self, settings: &T) {
        self.effective = serde_json::to_value(settings).unwrap_or_default();
    }

    /// What `config print` shows.
    pub fn into_effective(self) -> serde_json::Value {
        self.effective
    }

    /// Says that `setting` (`actions[0].key`; empty for the whole) is wrong; the message ends with the remedy.
    pub fn error(&mut self, setting: &str, message: impl Into<String>) -> Refused {
        self.findings.error(self.node.place_of(setting), self.path(setting), in_one_line(message.into()), "");
        Refused
    }

    /// Says everything that is wrong below `setting`.
    pub fn errors(&mut self, setting: &str, errors: &ConfigErrors) -> Refused {
        for e in &errors.0 {
            self.error(&format!("{setting}.{}", e.field), e.message.clone());
        }
        Refused
    }

    /// Says which files of `tls` cannot be read now: they may come until the first connection.
    pub fn unreadable(&mut self, tls: &ClientSettings) {
        for e in tls.unreadable() {
            let fix = "put it there, or correct the path: connections fail until then";
            self.warning(&format!("tls.{}", e.field), e.message, fix, Some(Collector::Refuses));
        }
    }

    /// Says that `setting` is not taken as it is written, and what to write instead.
    pub fn warning(
        &mut self,
        setting: &str,
        message: impl Into<String>,
        fix: impl Into<String>,
        collector: Option<Collector>,
    ) {
        self.findings.warning(self.node.place_of(setting), self.path(setting), message, fix, collector.map(Into::into));
    }
}

/// How settings of a component are called from the top.
fn path_of(kind: Kind, id: &ComponentId, prefix: &str) -> impl Fn(&str) -> String {
    move |setting| format!("{}.{id}.{prefix}{setting}", kind.section()).trim_end_matches('.').to_owned()
}

/// A finding is a line: what others say in several (a pattern, and below it where it goes wrong) is joined.
fn in_one_line(message: String) -> String {
    if !message.contains('\n') {
        return message;
    }
    let lines = message.lines().map(str::trim).filter(|line| !line.chars().all(|c| c == '^'));
    lines.collect::<Vec<_>>().join(" ")
}
