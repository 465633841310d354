//! Fills the settings of a channel with one notification.

use gotemplate::{Functions, Mode, Value};

use super::data;
use super::limit::cut;
use super::templates::Templates;
use super::text::{Role, Text};
use crate::notification::{Notification, NotifiedAlert};

/// Alerts that our own text names; the rest is counted.
const ALERTS_MAX: usize = 20;

/// One filling. Collects what went wrong and what was cut.
pub(super) struct Rendering<'a> {
    pub notification: &'a Notification,
    value: Value,
    functions: Option<Functions>,
    /// Templates that failed.
    pub failed: Vec<String>,
    /// Texts that were cut.
    pub cut: Vec<String>,
}

impl<'a> Rendering<'a> {
    pub(super) fn new(notification: &'a Notification, templates: &Templates) -> Self {
        let plain = data::of(notification, Vec::new()).value();
        let mut failed = Vec::new();
        let mut route_labels = Vec::new();
        for (name, source) in notification.route_labels.iter() {
            let filled = templates.compile(name, source, Mode::Text).and_then(|t| t.fill(&plain));
            match filled {
                Ok(text) => route_labels.push((name.to_owned(), text)),
                Err(e) => failed.push(format!("label {name} of the route: {e}")),
            }
        }
        let (value, functions) = if route_labels.is_empty() {
            (plain, None)
        } else {
            let labels = route_labels.clone();
            let functions = Functions::default().with_text("routeLabels", move |name| {
                Ok(labels.iter().find(|(n, _)| n == name).map(|(_, value)| value.clone()).unwrap_or_default())
            });
            (data::of(notification, route_labels).value(), Some(functions))
        };
        Self { notification, value, functions, failed, cut: Vec::new() }
    }

    /// The filled setting, or what stands in its place.
    pub(super) fn fill(&mut self, text: &Text) -> String {
        if let Some(constant) = text.constant() {
            return constant.to_owned();
        }
        let filled = match (&text.template, &self.functions) {
            (Err(e), _) => Err(e.clone()),
            (Ok(template), None) => template.fill(&self.value).map_err(|e| e.to_string()),
            (Ok(template), Some(f)) => template.fill_with(&self.value, f.clone()).map_err(|e| e.to_string()),
        };
        match filled {
            Ok(filled) => filled,
            Err(e) => {
                self.failed.push(format!("{}: {e}", text.field));
                fallback(self.notification, text, &e)
            }
        }
    }

    /// The same, at most `characters_max` long.
    pub(super) fn fill_within(&mut self, text: &Text, characters_max: usize) -> String {
        let filled = self.fill(text);
        self.within(&text.field, &filled, characters_max)
    }

    /// A text, at most `characters_max` long.
    pub(super) fn within(&mut self, field: &str, text: &str, characters_max: usize) -> String {
        let (kept, was_cut) = cut(text, characters_max);
        if was_cut {
            let length = text.chars().count();
            self.cut
                .push(format!("{field}: cut from {length} to {characters_max} characters, the limit of the service"));
        }
        kept
    }

    /// Whether the alerts fire.
    pub(super) fn fires(&self) -> bool {
        self.notification.status == crate::notification::Status::Firing
    }

    /// In plain words, for the record.
    pub(super) fn summary(&self) -> String {
        let mut parts = vec![format!("{} alerts", self.notification.alerts.len())];
        parts.extend(self.failed.iter().map(|f| format!("template failed, our own text is sent: {f}")));
        parts.extend(self.cut.iter().cloned());
        parts.join("; ")
    }
}

fn fallback(n: &Notification, text: &Text, error: &str) -> String {
    match text.role {
        Role::Detail => String::new(),
        Role::Title => title(n),
        Role::Body => body(n, &text.field, error),
        Role::HtmlBody => {
            let escaped = body(n, &text.field, error).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            format!("<pre>{escaped}</pre>")
        }
    }
}

/// `[FIRING:2] Down service=api`
pub(super) fn title(n: &Notification) -> String {
    let (firing, resolved) = (n.firing().count(), n.resolved().count());
    let state = if firing > 0 { format!("FIRING:{firing}") } else { format!("RESOLVED:{resolved}") };
    let labels: Vec<String> =
        n.group_labels.iter().map(|(k, v)| if k == "alertname" { v.to_owned() } else { format!("{k}={v}") }).collect();
    format!("[{state}] {}", if labels.is_empty() { n.receiver.clone() } else { labels.join(" ") })
}

fn body(n: &Notification, field: &str, error: &str) -> String {
    let mut lines: Vec<String> = n.alerts.iter().take(ALERTS_MAX).map(line).collect();
    let more = n.alerts.len().saturating_sub(ALERTS_MAX) as u64 + n.truncated;
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    lines.push(format!("This is a text of Bellrock's own, because the template of {field} failed: {error}"));
    lines.join("\n")
}

fn line(a: &NotifiedAlert) -> String {
    let labels: Vec<String> = a.labels.iter().map(|(k, v)| format!("{k}={v}")).collect();
    let said = ["summary", "description"].iter().map(|name| a.annotations.get(name)).find(|text| !text.is_empty());
    match said {
        Some(said) => format!("{}: {said} ({})", a.status.name(), labels.join(" ")),
        None => format!("{}: {}", a.status.name(), labels.join(" ")),
    }
}
