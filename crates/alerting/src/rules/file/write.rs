//! Groups to text: the whole of it for Bellrock, or what Prometheus can do of it.

use std::fmt::Write as _;
use std::time::Duration;

use promql::number::format_duration;

use super::super::spec::{Expression, Group, Level, Rule, Side, Texts};

/// For whom a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Everything.
    Bellrock,
    /// Without extensions: levels become rules of their own, `humanizeBytes` becomes `humanize1024`, and what asks logs or traces is left
    /// out with a comment.
    Prometheus,
}

/// Writes groups as a rule file.
pub fn write<'a>(groups: impl IntoIterator<Item = &'a Group>, dialect: Dialect) -> String {
    let mut out = String::from("groups:");
    let mut any = false;
    for group in groups {
        any = true;
        self::group(&mut out, group, dialect);
    }
    out.push_str(if any { "\n" } else { " []\n" });
    out
}

fn group(out: &mut String, g: &Group, dialect: Dialect) {
    let _ = write!(out, "\n  - name: {}", quoted(&g.name));
    field(out, 4, "interval", g.interval.map(duration));
    field(out, 4, "query_offset", g.query_offset.map(duration));
    field(out, 4, "limit", (g.limit > 0).then(|| g.limit.to_string()));
    let mut rules = String::new();
    for rule in &g.rules {
        match dialect {
            Dialect::Bellrock => self::rule(&mut rules, rule, dialect),
            Dialect::Prometheus => for_prometheus(&mut rules, rule),
        }
    }
    // Labels of the group are among those of its rules.
    let none = !rules.contains("\n      - ");
    let _ = write!(out, "\n    rules:{}{rules}", if none { " []" } else { "" });
}

fn for_prometheus(out: &mut String, rule: &Rule) {
    if let Expression::Events(e) = &rule.expression {
        let _ = write!(
            out,
            "\n      # {}: left out, Prometheus cannot ask {}",
            rule.name.escape_default(),
            e.source.name()
        );
        return;
    }
    match rule.alerting.as_ref().filter(|a| !a.levels.is_empty()) {
        None => self::rule(out, rule, Dialect::Prometheus),
        Some(a) => {
            for level in &a.levels {
                self::rule(out, &of_level(rule, level), Dialect::Prometheus);
            }
        }
    }
}

/// One severity as a rule of its own; it has no recovery threshold.
fn of_level(rule: &Rule, level: &Level) -> Rule {
    let mut rule = rule.clone();
    let op = if level.side == Side::Above { '>' } else { '<' };
    let text = format!("({}\n) {op} {}", rule.expression.written(), level.threshold);
    if let Ok(promql) = super::super::spec::Promql::parse(&text) {
        rule.expression = Expression::Promql(promql);
    }
    rule.labels.push(("severity".to_owned(), level.severity.clone()));
    rule.labels.sort();
    if let Some(a) = &mut rule.alerting {
        a.hold = level.hold.unwrap_or(a.hold);
        (a.levels, a.absent) = (Vec::new(), None);
    }
    rule
}

fn rule(out: &mut String, r: &Rule, dialect: Dialect) {
    let kind = if r.alerting.is_some() { "alert" } else { "record" };
    let _ = write!(out, "\n      - {kind}: {}", quoted(&r.name));
    match &r.expression {
        Expression::Promql(p) => field(out, 8, "expr", Some(block(p.text.trim(), 10))),
        Expression::Events(e) => {
            field(out, 8, "source", Some(e.source.name().to_owned()));
            field(out, 8, "window", Some(duration(e.window)));
            field(out, 8, "expr", Some(block(&e.text, 10)));
        }
    }
    let Some(a) = &r.alerting else { return texts(out, "labels", &r.labels, dialect) };
    field(out, 8, "for", (!a.hold.is_zero()).then(|| duration(a.hold)));
    field(out, 8, "keep_firing_for", (!a.keep_firing.is_zero()).then(|| duration(a.keep_firing)));
    if !a.levels.is_empty() {
        out.push_str("\n        levels:");
        for l in &a.levels {
            let (side, recover) = match l.side {
                Side::Above => ("above", "recover_below"),
                Side::Below => ("below", "recover_above"),
            };
            let _ = write!(out, "\n          - severity: {}", quoted(&l.severity));
            field(out, 12, side, Some(l.threshold.to_string()));
            field(out, 12, recover, (l.recovery != l.threshold).then(|| l.recovery.to_string()));
            field(out, 12, "for", l.hold.map(duration));
        }
    }
    if let Some(absent) = &a.absent {
        out.push_str("\n        absent:");
        field(out, 10, "after", Some(duration(absent.after)));
        field(out, 10, "severity", absent.severity.as_deref().map(quoted));
        field(out, 10, "forget", Some(duration(absent.forget)));
    }
    texts(out, "labels", &r.labels, dialect);
    texts(out, "annotations", &a.annotations, dialect);
}

fn texts(out: &mut String, name: &str, texts: &Texts, dialect: Dialect) {
    if texts.is_empty() {
        return;
    }
    let _ = write!(out, "\n        {name}:");
    for (key, text) in texts {
        let text = if dialect == Dialect::Prometheus { without_extensions(text) } else { text.clone() };
        let _ = write!(out, "\n          {}: {}", quoted(key), quoted(&text));
    }
}

/// `{{ $value | humanizeBytes }}` says the same as `{{ $value | humanize1024 }}B`, but for the letter of 1024 itself.
fn without_extensions(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("humanizeBytes") {
        let (before, after) = rest.split_at(at);
        let after = &after["humanizeBytes".len()..];
        out.push_str(before);
        out.push_str("humanize1024");
        rest = match after.find("}}") {
            Some(end) => {
                let (inside, behind) = after.split_at(end + 2);
                out.push_str(inside);
                out.push('B');
                behind
            }
            None => after,
        };
    }
    out + rest
}

fn field(out: &mut String, indent: usize, name: &str, value: Option<String>) {
    if let Some(value) = value {
        let _ = write!(out, "\n{:indent$}{name}: {value}", "");
    }
}

fn duration(d: Duration) -> String {
    format_duration(i64::try_from(d.as_millis()).unwrap_or(i64::MAX))
}

/// A text on one line. JSON's strings are YAML's double-quoted ones.
fn quoted(text: &str) -> String {
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "_.:-/".contains(c))
        && !text.contains(": ")
        && !text.ends_with(':')
        && !["true", "false", "yes", "no", "on", "off", "null", "y", "n"].contains(&text.to_ascii_lowercase().as_str());
    if plain { text.to_owned() } else { serde_json::Value::from(text).to_string() }
}

/// An expression: quoted, or with its lines as they are.
fn block(text: &str, indent: usize) -> String {
    let blockable = text.contains('\n')
        && !text.starts_with([' ', '\t'])
        && text.lines().all(|l| l.trim_end() == l && !l.starts_with('\t'))
        && text.chars().all(|c| c == '\n' || !c.is_control());
    if !blockable {
        return quoted(text);
    }
    text.lines().fold("|-".to_owned(), |mut out, line| {
        out.push('\n');
        if !line.is_empty() {
            let _ = write!(out, "{:indent$}{line}", "");
        }
        out
    })
}
