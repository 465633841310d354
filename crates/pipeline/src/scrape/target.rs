//! From a discovered address to a target that can be scraped, or the reason why not.
//!
//! Source: Prometheus, `scrape.PopulateLabels`: defaults, relabelling, checks, then the labels that only served relabelling go.

use std::time::Duration;

use foundation::units::{format_duration, parse_duration};
use model::Labels;

use super::config::{Scheme, ScrapeConfig};
use super::relabel::{self, LabelSet};

/// A target that is scraped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    /// Before relabelling.
    pub(super) discovered: Labels,
    /// What its series get.
    pub(super) labels: Labels,
    pub(super) scheme: Scheme,
    /// `host:port` to connect to.
    pub(super) authority: String,
    /// Path and query.
    pub(super) path: String,
    pub(super) interval: Duration,
    pub(super) timeout: Duration,
}

impl Target {
    pub(super) fn url(&self) -> String {
        format!("{}://{}{}", self.scheme.name(), self.authority, self.path)
    }

    /// What makes it the same target from one discovery to the next.
    pub(super) fn identity(&self) -> (String, String) {
        (self.url(), self.labels.to_string())
    }
}

/// What became of a discovered address.
pub(super) enum Populated {
    Active(Box<Target>),
    /// Dropped by relabelling: the labels before it.
    Dropped(Labels),
    /// It cannot be scraped, and why.
    Wrong(String),
}

pub(super) fn populate(config: &ScrapeConfig, address: &str, labels: &[(String, String)]) -> Populated {
    let mut set: LabelSet = labels.to_vec();
    relabel::set(&mut set, "__address__", address.to_owned());
    let mut default = |name: &str, value: String| {
        if !set.iter().any(|(n, v)| n == name && !v.is_empty()) {
            relabel::set(&mut set, name, value);
        }
    };
    default("job", config.job_name.clone());
    default("__scheme__", config.scheme.name().to_owned());
    default("__metrics_path__", config.metrics_path.clone());
    default("__scrape_interval__", format_duration(config.scrape_interval));
    default("__scrape_timeout__", format_duration(config.scrape_timeout));
    for (name, values) in &config.params {
        if let Some(first) = values.first() {
            default(&format!("__param_{name}"), first.clone());
        }
    }
    let discovered = Labels::new(set.clone());
    if !relabel::apply(&config.relabel_configs, &mut set) {
        return Populated::Dropped(discovered);
    }
    match build(config, &discovered, &Labels::new(set)) {
        Ok(target) => Populated::Active(Box::new(target)),
        Err(why) => Populated::Wrong(why),
    }
}

fn build(config: &ScrapeConfig, discovered: &Labels, labels: &Labels) -> Result<Target, String> {
    let address = labels.get("__address__");
    if address.is_empty() {
        return Err("no address".to_owned());
    }
    if address.contains(['/', ' ', '@']) {
        return Err(format!("`{address}` is not an address; write host:port"));
    }
    let name = labels.get("__scheme__");
    let scheme =
        Scheme::from_name(name).ok_or_else(|| format!("the scheme `{name}` of {address} is neither http nor https"))?;
    let duration = |name: &str| {
        let text = labels.get(name);
        match parse_duration(text) {
            Ok(d) if !d.is_zero() => Ok(d),
            _ => Err(format!("{name} of {address} is `{text}`, not a duration above zero")),
        }
    };
    let (interval, timeout) = (duration("__scrape_interval__")?, duration("__scrape_timeout__")?);
    if timeout > interval {
        return Err(format!("the scrape timeout of {address} is longer than its interval"));
    }
    let mut own = labels.clone();
    own.retain(|name, _| !name.starts_with("__"));
    if own.get("instance").is_empty() {
        own.set("instance", address);
    }
    let path = format!("{}{}", rooted(labels.get("__metrics_path__")), query(config, labels));
    Ok(Target {
        discovered: discovered.clone(),
        labels: own,
        scheme,
        authority: with_port(address, scheme),
        path,
        interval,
        timeout,
    })
}

fn rooted(path: &str) -> String {
    if path.starts_with('/') { path.to_owned() } else { format!("/{path}") }
}

/// The default port is said, as Prometheus does.
fn with_port(address: &str, scheme: Scheme) -> String {
    let host_ends = address.rfind(']').unwrap_or(0);
    if address.get(host_ends..).is_some_and(|tail| tail.contains(':')) {
        address.to_owned()
    } else {
        format!("{address}:{}", scheme.port())
    }
}

/// `params` of the configuration, each first value replaced by the label `__param_<name>`; labels alone add parameters.
fn query(config: &ScrapeConfig, labels: &Labels) -> String {
    let mut params = config.params.clone();
    for (name, value) in labels.iter().filter_map(|(n, v)| Some((n.strip_prefix("__param_")?, v))) {
        match params.iter_mut().find(|(n, _)| n == name) {
            Some((_, values)) => match values.first_mut() {
                Some(first) => value.clone_into(first),
                None => values.push(value.to_owned()),
            },
            None => params.push((name.to_owned(), vec![value.to_owned()])),
        }
    }
    params.sort();
    let pairs =
        params.iter().flat_map(|(n, values)| values.iter().map(move |v| format!("{}={}", escaped(n), escaped(v))));
    let query = pairs.collect::<Vec<_>>().join("&");
    if query.is_empty() { query } else { format!("?{query}") }
}

/// A text in a query, as HTML forms write it.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for b in text.bytes() {
        match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(b as char),
            b' ' => out.push('+'),
            _ => out.push_str(&format!("%{b:02X}")),
        }
    }
    out
}
