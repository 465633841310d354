//! Files and flags -> everything that a start needs: our own settings, the graph's plan, and what is to be said of them.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use pipeline::component::{Surroundings, parse_address};
use pipeline::config;
use pipeline::graph::{self, Plan, Service};
use thiserror::Error;
use yaml::Findings;
use yaml::{Node, Place};

use super::machine::Machine;
use super::{Config, Problems, print, raw, receivers, validate};
use crate::cli::{CheckArgs, CollectArgs, ServeArgs};

/// A configuration that can be run.
pub(crate) struct Loaded {
    pub config: Config,
    pub plan: Plan,
    /// The effective configuration with every default, as a file that can be used as it is.
    pub yaml: String,
    /// The part of it that a reload does not change.
    pub fixed: String,
    /// What is to be said although it runs.
    pub warnings: Vec<String>,
}

/// A configuration that cannot be run: everything that is wrong with it, a line each.
#[derive(Debug, Error)]
#[error("{}", .0.join("\nbellrock: "))]
pub(crate) struct ConfigError(pub Vec<String>);

/// What the Collector's sections say of our own settings, where nothing else does.
#[derive(Debug, Default)]
pub(super) struct Usual {
    pub health: Option<String>,
    pub metrics: Option<String>,
    pub log: Option<String>,
}

/// Where relative paths begin: at the first file.
pub(super) fn directory(sources: &[String]) -> PathBuf {
    let file = sources.iter().find(|s| !s.starts_with("env:") && !s.starts_with("yaml:"));
    let file = file.map(|s| s.strip_prefix("file:").unwrap_or(s));
    file.and_then(|path| Path::new(path).parent()).unwrap_or(Path::new("")).to_owned()
}

/// Reads the files that `args` name, if any, and lays the flags over them.
///
/// # Errors
/// Everything that is wrong.
pub(crate) fn load(args: &ServeArgs) -> Result<Loaded, ConfigError> {
    let mut findings = Findings::default();
    let document = config::load(&args.config, &Machine, &mut findings);
    finish(read(args, document, true, &mut findings), &findings)
}

/// Reads the files of a collector without engines.
///
/// # Errors
/// Everything that is wrong.
pub(crate) fn load_collect(args: &CollectArgs) -> Result<Loaded, ConfigError> {
    let serve = ServeArgs {
        config: args.config.clone(),
        data_dir: args.data_dir.clone(),
        listen: args.listen,
        log: args.log.clone(),
        ..ServeArgs::default()
    };
    let mut findings = Findings::default();
    let document = config::load(&serve.config, &Machine, &mut findings);
    finish(read(&serve, document, false, &mut findings), &findings)
}

fn finish(loaded: Option<Loaded>, findings: &Findings) -> Result<Loaded, ConfigError> {
    let lines = findings.sorted().into_iter().map(|f| (f.severity, f.to_string()));
    let (errors, warnings): (Vec<_>, Vec<_>) = lines.partition(|(severity, _)| *severity == yaml::Severity::Error);
    let texts = |lines: Vec<(yaml::Severity, String)>| lines.into_iter().map(|(_, text)| text).collect();
    match loaded {
        Some(loaded) if errors.is_empty() => Ok(Loaded { warnings: texts(warnings), ..loaded }),
        _ => Err(ConfigError(texts(errors))),
    }
}

/// Files as far as they can be read: for those who look into what they name.
pub(crate) struct Draft {
    pub config: Config,
    /// `None` when something is wrong.
    pub plan: Option<Plan>,
    /// As it is written.
    pub document: Node,
    pub findings: Findings,
}

/// Reads files without giving up at an error.
pub(crate) fn draft(args: &CheckArgs) -> Draft {
    draft_from(args, &Machine)
}

/// The same, with references that lead where `lookup` says.
pub(super) fn draft_from(args: &CheckArgs, lookup: &dyn config::Lookup) -> Draft {
    let serve = ServeArgs { config: args.files.clone(), log: "info".to_owned(), ..ServeArgs::default() };
    let mut findings = Findings::default();
    let document = config::load(&serve.config, lookup, &mut findings);
    let (config, plan) = parts(&serve, document.clone(), !args.collect, &mut findings);
    Draft { config, plan, document, findings }
}

/// Reads a document; `None` when something is wrong with it.
pub(super) fn read(args: &ServeArgs, document: Node, engines: bool, findings: &mut Findings) -> Option<Loaded> {
    let (config, plan) = parts(args, document, engines, findings);
    let plan = plan?;
    let fixed = print::print(&config);
    Some(Loaded { yaml: plan.print() + &fixed, config, plan, fixed, warnings: Vec::new() })
}

/// Our own settings, as far as they can be read, and the plan, when nothing is wrong.
fn parts(args: &ServeArgs, mut document: Node, engines: bool, findings: &mut Findings) -> (Config, Option<Plan>) {
    let named = graph::complete(&mut document);
    if !engines && named {
        let message = "`collect` forwards what pipelines say; write `service: {pipelines: ...}` with an `otlp` or `otlphttp` exporter";
        findings.error(&document.place, "service.pipelines", message, "");
    }
    let service = Service::read(&document, findings);
    let usual = Usual { health: health_endpoint(&document), metrics: service.metrics_address, log: service.log_level };
    let raw = raw::read(&document, findings).unwrap_or_default();
    let mut problems = Problems::default();
    let host = match (args.listen, raw.listen.as_deref()) {
        (Some(ip), _) => ip,
        (None, Some(text)) => problems.take("listen", text.parse(), IpAddr::V4(Ipv4Addr::LOCALHOST)),
        (None, None) => IpAddr::V4(Ipv4Addr::LOCALHOST),
    };
    let mut config = validate(args, raw, host, &usual, &mut problems);
    let surroundings = Surroundings {
        host,
        listen: moved_ports(args, host, &mut problems),
        directory: directory(&args.config),
        health: engines.then_some(config.health.address),
        engines,
    };
    receivers::prepare(&mut document, config.metrics.address, findings);
    let mut plan = graph::plan(&document, &surroundings, findings);
    receivers::scraping(&document, &mut config.scraping, &mut plan, &surroundings.directory, findings, &mut problems);
    if let (Some(plan), true) = (&plan, engines) {
        check_ports(&config, plan, &mut problems);
    }
    tell(&problems, &document, findings);
    let plan = plan.filter(|_| !findings.has_errors());
    (config, plan)
}

/// Problems are told by the setting; its place is looked up.
fn tell(problems: &Problems, document: &Node, findings: &mut Findings) {
    for problem in &problems.0 {
        let (setting, message) = problem.split_once(": ").unwrap_or(("", problem));
        let command_line = Place { file: Arc::from("command line"), line: 1, column: 1 };
        let place = if setting.starts_with("--") { &command_line } else { document.place_of(setting) };
        findings.error(place, setting, message, "");
    }
}

/// Where the `health_check` extension of a file listens: the server answers there itself.
fn health_endpoint(document: &Node) -> Option<String> {
    let extensions = document.get("extensions")?.entries();
    let squeezed = |text: &str| text.replace('_', "");
    let (_, node) = extensions.iter().find(|(key, _)| squeezed(&key.text) == "healthcheck")?;
    node.get("endpoint").and_then(Node::as_str).map(str::to_owned)
}

/// What the flags say of the ports of receivers.
fn moved_ports(args: &ServeArgs, host: IpAddr, p: &mut Problems) -> BTreeMap<String, SocketAddr> {
    let flags = [
        ("--otlp-grpc-listen", "receivers.otlp.protocols.grpc.endpoint", &args.otlp_grpc_listen),
        ("--otlp-http-listen", "receivers.otlp.protocols.http.endpoint", &args.otlp_http_listen),
    ];
    let mut moved = BTreeMap::new();
    for (flag, setting, text) in flags {
        match text.as_deref().map(|text| parse_address(text, host)) {
            None => {}
            Some(Ok(address)) => drop(moved.insert(setting.to_owned(), address)),
            Some(Err(e)) => p.say(format!("{flag}: {e}")),
        }
    }
    moved
}

/// Receivers and our own ports do not meet.
fn check_ports(config: &Config, plan: &Plan, p: &mut Problems) {
    let receivers = plan.addresses();
    for (at, (setting, address)) in receivers.iter().enumerate() {
        if address.port() == 0 {
            continue;
        }
        let own = config.listeners().into_iter().find(|l| l.address == *address).map(|l| l.setting.to_owned());
        let other = receivers[..at].iter().find(|(_, a)| a == address).map(|(setting, _)| setting.clone());
        if let Some(other) = own.or(other) {
            p.say(format!("{setting}: is {address}, and so is {other}; give each its own port"));
        }
    }
}
