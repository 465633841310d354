//! What the processors `attributes` and `resource` do with attributes: insert, update, upsert, delete, hash, extract, convert.
//!
//! Source: opentelemetry-collector-contrib, `internal/coreinternal/attraction`.

use regex::Regex;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use wire::otlp::tree::{Attributes, Value};
use yaml::meant;

use crate::component::{Refused, Setup};
use crate::telemetry::Origin;

/// One action, as it is written.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct ActionConfig {
    /// The attribute.
    key: String,
    /// What is done.
    action: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<serde_json::Value>,
    #[serde(skip_serializing_if = "String::is_empty")]
    from_attribute: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    from_context: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pattern: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    converted_type: String,
}

const NAMES: [&str; 7] = ["insert", "update", "upsert", "delete", "hash", "extract", "convert"];

/// Actions that are carried out in order.
#[derive(Debug)]
pub(super) struct Actions(Vec<Action>);

#[derive(Debug)]
struct Action {
    key: String,
    what: What,
}

#[derive(Debug)]
enum What {
    Put { from: From, insert: bool, update: bool },
    Delete { pattern: Option<Regex> },
    Hash { pattern: Option<Regex> },
    Extract(Regex),
    Convert(Target),
}

#[derive(Debug)]
enum From {
    Value(Value),
    Attribute(String),
    Metadata(String),
    Auth(String),
    Client,
}

#[derive(Debug, Clone, Copy)]
enum Target {
    Text,
    Int,
    Double,
}

impl Actions {
    /// Checks the list that stands under `setting`.
    pub(super) fn build(setup: &mut Setup<'_>, setting: &str, list: &[ActionConfig]) -> Result<Self, Refused> {
        if list.is_empty() {
            return Err(setup.error(
                setting,
                format!("no actions; list at least one, with `key` and `action` ({})", NAMES.join(", ")),
            ));
        }
        let built: Vec<_> =
            list.iter().enumerate().map(|(n, c)| Action::build(setup, &format!("{setting}[{n}]"), c)).collect();
        built.into_iter().collect::<Result<_, _>>().map(Self)
    }

    /// Whether what they do depends on the attributes alone, and not on who sent them.
    pub(super) fn are_of_attributes(&self) -> bool {
        let asks = |action: &Action| {
            matches!(&action.what, What::Put { from: From::Metadata(_) | From::Auth(_) | From::Client, .. })
        };
        !self.0.iter().any(asks)
    }

    /// Carries them out.
    pub(super) fn apply(&self, attributes: &mut Attributes, origin: Option<&Origin>) {
        for action in &self.0 {
            action.apply(attributes, origin);
        }
    }
}

impl Action {
    fn build(setup: &mut Setup<'_>, at: &str, c: &ActionConfig) -> Result<Self, Refused> {
        let name = c.action.to_ascii_lowercase();
        if !NAMES.contains(&&*name) {
            let hint = meant(&name, NAMES);
            return Err(setup.error(&format!("{at}.action"), format!("`{}` is no action; {hint}", c.action)));
        }
        let by_pattern = matches!(&*name, "delete" | "hash") && !c.pattern.is_empty();
        if c.key.is_empty() && !by_pattern {
            return Err(setup.error(at, format!("`key` is missing; name the attribute to {name}")));
        }
        let what = match &*name {
            "insert" | "update" | "upsert" => {
                What::Put { from: From::build(setup, at, c)?, insert: name != "update", update: name != "insert" }
            }
            "delete" => What::Delete { pattern: pattern(setup, at, &c.pattern)? },
            "hash" => What::Hash { pattern: pattern(setup, at, &c.pattern)? },
            "extract" => match pattern(setup, at, &c.pattern)? {
                Some(p) if p.capture_names().flatten().next().is_some() => What::Extract(p),
                _ => {
                    let message =
                        "`extract` needs named groups, such as `^/users/(?P<user_id>\\d+)$`; each becomes an attribute";
                    return Err(setup.error(&format!("{at}.pattern"), message));
                }
            },
            _ => What::Convert(match &*c.converted_type {
                "string" => Target::Text,
                "int" => Target::Int,
                "double" => Target::Double,
                other => {
                    let message = format!("`{other}` is no type; write `string`, `int` or `double`");
                    return Err(setup.error(&format!("{at}.converted_type"), message));
                }
            }),
        };
        Ok(Self { key: c.key.clone(), what })
    }

    fn apply(&self, a: &mut Attributes, origin: Option<&Origin>) {
        match &self.what {
            What::Put { from, insert, update } => {
                let allowed = if a.contains(&self.key) { *update } else { *insert };
                if allowed && let Some(value) = from.value(a, origin) {
                    a.set(&self.key, value);
                }
            }
            What::Delete { pattern } => {
                a.remove(&self.key);
                if let Some(pattern) = pattern {
                    a.retain(|k, _| !pattern.is_match(k));
                }
            }
            What::Hash { pattern } => {
                for (k, v) in a.iter_mut() {
                    if *k == self.key || pattern.as_ref().is_some_and(|p| p.is_match(k)) {
                        *v = Value::from(hashed(v));
                    }
                }
            }
            What::Extract(pattern) => {
                let Some(text) = a.text(&self.key).map(str::to_owned) else { return };
                let Some(groups) = pattern.captures(&text) else { return };
                for name in pattern.capture_names().flatten() {
                    if let Some(m) = groups.name(name) {
                        a.set(name, m.as_str());
                    }
                }
            }
            What::Convert(target) => {
                if let Some(v) = a.get_mut(&self.key) {
                    convert(v, *target);
                }
            }
        }
    }
}

fn pattern(setup: &mut Setup<'_>, at: &str, text: &str) -> Result<Option<Regex>, Refused> {
    if text.is_empty() {
        return Ok(None);
    }
    Regex::new(text).map(Some).map_err(|e| setup.error(&format!("{at}.pattern"), format!("it is not a pattern: {e}")))
}

impl From {
    fn build(setup: &mut Setup<'_>, at: &str, c: &ActionConfig) -> Result<Self, Refused> {
        match (&c.value, &*c.from_attribute, &*c.from_context) {
            (Some(value), "", "") => Ok(Self::Value(Value::from_json(value))),
            (None, name, "") if !name.is_empty() => Ok(Self::Attribute(name.to_owned())),
            (None, "", context) if !context.is_empty() => match context.split_once('.') {
                Some(("metadata", name)) => Ok(Self::Metadata(name.to_owned())),
                Some(("auth", name)) => Ok(Self::Auth(name.to_owned())),
                Some(("client", "address")) => Ok(Self::Client),
                _ => {
                    let message = format!(
                        "`{context}` is not known; write `metadata.<header>`, `auth.<attribute>` or `client.address`"
                    );
                    Err(setup.error(&format!("{at}.from_context"), message))
                }
            },
            _ => {
                let message =
                    format!("`{}` needs exactly one of `value`, `from_attribute` and `from_context`", c.action);
                Err(setup.error(at, message))
            }
        }
    }

    fn value(&self, a: &Attributes, origin: Option<&Origin>) -> Option<Value> {
        match self {
            Self::Value(v) => Some(v.clone()),
            Self::Attribute(name) => a.get(name).cloned(),
            Self::Metadata(name) => {
                let all: Vec<&str> = origin?.metadata(name).collect();
                (!all.is_empty()).then(|| all.join(";").into())
            }
            Self::Auth(name) => origin?.auth.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str().into()),
            Self::Client => origin?.peer.map(|p| p.ip().to_string().into()),
        }
    }
}

/// SHA-256 in hex, of a text's bytes or of a number's, as the Collector takes them.
pub(super) fn hashed(v: &Value) -> String {
    let digest = match v {
        Value::Str(s) => Sha256::digest(s.as_bytes()),
        Value::Bool(b) => Sha256::digest([u8::from(*b)]),
        Value::Int(i) => Sha256::digest(i.to_be_bytes()),
        Value::Double(d) => Sha256::digest(d.to_be_bytes()),
        Value::Bytes(b) => Sha256::digest(b),
        other => Sha256::digest(other.to_text().as_bytes()),
    };
    digest.iter().map(|b| format!("{b:02x}")).collect()
}

/// What cannot be converted stays as it is.
fn convert(v: &mut Value, target: Target) {
    let new = match (target, &*v) {
        (Target::Text, Value::Empty) => None,
        (Target::Text, other) => Some(Value::Str(other.to_text())),
        (Target::Int, Value::Str(s)) => s.trim().parse::<i64>().ok().map(Value::Int),
        (Target::Int, Value::Double(d)) => Some(Value::Int(*d as i64)),
        (Target::Int, Value::Bool(b)) => Some(Value::Int(i64::from(*b))),
        (Target::Double, Value::Str(s)) => s.trim().parse::<f64>().ok().map(Value::Double),
        (Target::Double, Value::Int(i)) => Some(Value::Double(*i as f64)),
        (Target::Double, Value::Bool(b)) => Some(Value::Double(f64::from(u8::from(*b)))),
        _ => None,
    };
    if let Some(new) = new {
        *v = new;
    }
}
