//! `resourcedetection`: adds to resources what the machine and the environment say of themselves.
//!
//! Detectors: `env` (`OTEL_RESOURCE_ATTRIBUTES`), `system`, `docker`. What they say is read once, when the graph is built.
//! Source: opentelemetry-collector-contrib, `resourcedetectionprocessor`.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::Signal;
use serde::{Deserialize, Serialize};
use wire::otlp::tree::{Attributes, Value};

use crate::component::{Processor, ProcessorFactory, Refused, SIGNALS, Setup, Step};
use crate::config::Interval;
use crate::refusal::Refusal;
use crate::telemetry::{Telemetry, Tree};

pub(super) const FACTORY: ProcessorFactory =
    ProcessorFactory { names: &["resourcedetection", "resource_detection"], signals: SIGNALS, build };

const DETECTORS: [&str; 3] = ["env", "system", "docker"];

#[derive(Debug, Serialize, Deserialize)]
#[serde(default)]
struct Config {
    detectors: Vec<String>,
    r#override: bool,
    timeout: Interval,
    /// Only these, when there are any.
    attributes: Vec<String>,
    system: SystemConfig,
    docker: DetectorConfig,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            detectors: vec!["env".to_owned()],
            r#override: true,
            timeout: Interval::secs(5),
            attributes: vec![],
            system: SystemConfig::default(),
            docker: DetectorConfig::default(),
        }
    }
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct SystemConfig {
    /// Taken: names come from the kernel.
    hostname_sources: Vec<String>,
    resource_attributes: BTreeMap<String, Enabled>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct DetectorConfig {
    resource_attributes: BTreeMap<String, Enabled>,
}

#[derive(Debug, Default, Clone, Copy, Serialize, Deserialize)]
#[serde(default)]
struct Enabled {
    enabled: bool,
}

fn build(setup: &mut Setup<'_>, _: Signal) -> Result<Step, Refused> {
    let c: Config = setup.read()?;
    let mut found = Attributes::new();
    for (n, name) in c.detectors.iter().enumerate() {
        let place = format!("detectors[{n}]");
        let said = match &**name {
            "env" => environment().map_err(|message| setup.error(&place, message))?,
            "system" => chosen(system(), &SYSTEM_DEFAULTS, &c.system.resource_attributes),
            "docker" => chosen(system(), &["host.name", "os.type"], &c.docker.resource_attributes),
            other => {
                let message = format!(
                    "`{other}` is not in this build; there is {}; clouds and Kubernetes come later",
                    DETECTORS.join(", ")
                );
                return Err(setup.error(&place, message));
            }
        };
        // The first detector that knows an attribute is believed.
        for (k, v) in said {
            if !found.contains(&k) && (c.attributes.is_empty() || c.attributes.iter().any(|a| *a == k)) {
                found.push(k, v);
            }
        }
    }
    Ok(Step::Each(Arc::new(ResourceDetection { found, replaces: c.r#override })))
}

const SYSTEM_DEFAULTS: [&str; 2] = ["host.name", "os.type"];

/// What is on by default or by the settings, and not off by them.
fn chosen(all: Attributes, defaults: &[&str], settings: &BTreeMap<String, Enabled>) -> Attributes {
    let on = |k: &str| settings.get(k).map_or(defaults.contains(&k), |s| s.enabled);
    all.into_iter().filter(|(k, _)| on(k)).collect()
}

/// What the kernel and the distribution say. A file that is not there says nothing.
fn system() -> Attributes {
    let read = |path: &str| std::fs::read_to_string(path).ok().map(|s| s.trim().to_owned()).filter(|s| !s.is_empty());
    let mut out = Attributes::new();
    let mut add = |key: &str, value: Option<String>| {
        if let Some(value) = value {
            out.push(key, value);
        }
    };
    add("host.name", read("/proc/sys/kernel/hostname"));
    add("host.id", read("/etc/machine-id"));
    add("host.arch", Some(arch().to_owned()));
    add("os.type", Some(std::env::consts::OS.to_owned()));
    let release = read("/etc/os-release").unwrap_or_default();
    let of_release = |key: &str| {
        let line = release.lines().find_map(|l| l.strip_prefix(key)?.strip_prefix('='))?;
        Some(line.trim_matches('"').to_owned())
    };
    add("os.description", of_release("PRETTY_NAME"));
    add("os.name", of_release("NAME"));
    add("os.version", of_release("VERSION_ID"));
    let cpu = read("/proc/cpuinfo").unwrap_or_default();
    let of_cpu = |key: &str| {
        let line = cpu.lines().find(|l| l.split(':').next().is_some_and(|k| k.trim() == key))?;
        line.split_once(':').map(|(_, v)| v.trim().to_owned())
    };
    add("host.cpu.vendor.id", of_cpu("vendor_id"));
    add("host.cpu.model.name", of_cpu("model name"));
    add("host.cpu.family", of_cpu("cpu family"));
    add("host.cpu.model.id", of_cpu("model"));
    out
}

/// As `host.arch` of the semantic conventions spells it.
fn arch() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "x86",
        "arm" => "arm32",
        "powerpc64" => "ppc64",
        other => other,
    }
}

#[expect(clippy::disallowed_methods, reason = "the variable is what this detector is there to read")]
fn environment() -> Result<Attributes, String> {
    match std::env::var("OTEL_RESOURCE_ATTRIBUTES") {
        Ok(text) => parsed(&text),
        Err(_) => Ok(Attributes::new()),
    }
}

/// `key=value,key=value`, values with percent signs decoded (OpenTelemetry specification, "Resource SDK").
fn parsed(text: &str) -> Result<Attributes, String> {
    let mut out = Attributes::new();
    for pair in text.split(',').map(str::trim).filter(|p| !p.is_empty()) {
        let Some((key, value)) = pair.split_once('=') else {
            return Err(format!("OTEL_RESOURCE_ATTRIBUTES: `{pair}` is not `key=value`"));
        };
        out.set(key.trim(), decoded(value.trim().trim_matches('"')));
    }
    Ok(out)
}

fn decoded(text: &str) -> Value {
    let (mut out, mut rest) = (Vec::new(), text.as_bytes());
    while let [first, behind @ ..] = rest {
        let hex =
            behind.get(..2).and_then(|h| std::str::from_utf8(h).ok()).and_then(|h| u8::from_str_radix(h, 16).ok());
        match (first, hex) {
            (b'%', Some(byte)) => {
                out.push(byte);
                rest = &behind[2..];
            }
            _ => {
                out.push(*first);
                rest = behind;
            }
        }
    }
    Value::from(String::from_utf8_lossy(&out).into_owned())
}

struct ResourceDetection {
    found: Attributes,
    replaces: bool,
}

impl ResourceDetection {
    fn add(&self, attributes: &mut Attributes) {
        for (k, v) in self.found.iter() {
            if self.replaces || !attributes.contains(k) {
                attributes.set(k, v.clone());
            }
        }
    }
}

impl Processor for ResourceDetection {
    fn process(&self, mut telemetry: Telemetry) -> Result<Option<Telemetry>, Refusal> {
        if self.found.is_empty() {
            return Ok(Some(telemetry));
        }
        match telemetry.tree_mut()? {
            Tree::Traces(t) => t.resources.iter_mut().for_each(|r| self.add(&mut r.resource.attributes)),
            Tree::Metrics(t) => t.resources.iter_mut().for_each(|r| self.add(&mut r.resource.attributes)),
            Tree::Logs(t) => t.resources.iter_mut().for_each(|r| self.add(&mut r.resource.attributes)),
        }
        Ok(Some(telemetry))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{built, log, of_service, process, processor, shown};
    use super::*;

    #[test]
    fn the_environment_is_read_as_sdks_read_it() {
        assert_eq!(shown(&parsed("a=1, b = x%20y%2C ,c=\"q\"").unwrap()), "a=1 b=x y, c=q");
        assert!(parsed("a=1,b").unwrap_err().contains("`b` is not"));
    }

    #[test]
    fn the_machine_names_itself() {
        let yaml = "{detectors: [system], override: false, system: {resource_attributes: {host.arch: {enabled: true}, os.type: {enabled: false}}}}";
        let p = processor(&FACTORY, Signal::Logs, yaml);
        let Some(Tree::Logs(t)) = process(&*p, of_service("s", vec![log("x")])) else { panic!() };
        let keys: Vec<_> = t.resources[0].resource.attributes.iter().map(|(k, _)| k.to_owned()).collect();
        assert_eq!(keys, ["service.name", "host.name", "host.arch"]);
        let Err(said) = built(&FACTORY, Signal::Logs, "detectors: [env, gcp]") else { panic!() };
        assert!(said.contains("`gcp` is not in this build; there is env, system, docker"), "{said}");
    }
}
