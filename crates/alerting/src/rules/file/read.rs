//! Text to groups. Every mistake is noted with its place and remedy.

use std::time::Duration;

use foundation::units::format_duration;
use promql::ast::ValueType;
use promql::number::{parse_duration, parse_number};
use yaml::{Elsewhere, Findings, Node, Place, Value, meant};

use super::labels::{self, LabelsOf};
use super::{Read, meaning};
use crate::rules::spec::{Absent, Alerting, EventSource, Events, Expression, Group, Level, Promql, Rule, Side, Texts};
use crate::rules::template;

/// Groups of one file, and rules of one group.
const GROUPS_MAX: usize = 10_000;
const RULES_MAX: usize = 20_000;
/// How far an analysis of events looks back when nothing is said.
const WINDOW: Duration = Duration::from_secs(300);
/// How long a set of labels without data is missed when nothing is said.
const FORGET: Duration = Duration::from_secs(86_400);

/// What Prometheus makes of what only Bellrock has.
const REFUSED: Elsewhere = Elsewhere::refused_by("Prometheus");
/// What only Bellrock has.
const OURS: [&str; 4] = ["source", "window", "levels", "absent"];

/// Reads a rule file.
pub fn read(text: &str) -> Read {
    let mut r = Reader { findings: Findings::default() };
    let groups = match yaml::parse("", text) {
        Ok(node) => r.file(&node),
        Err(e) => {
            r.findings.error(&e.place, "", e.message, "write the file as YAML");
            Vec::new()
        }
    };
    Read { groups, findings: r.findings.into_sorted() }
}

struct Reader {
    findings: Findings,
}

impl Reader {
    fn error(&mut self, place: &Place, path: &str, message: impl Into<String>, remedy: impl Into<String>) {
        self.findings.error(place, path, message, remedy);
    }

    /// Something of ours, which Prometheus does not know.
    fn ours(&mut self, place: &Place, path: &str, what: &str) {
        self.findings.warning(
            place,
            path,
            format!("{what} is an extension of Bellrock"),
            "leave it out of files that Prometheus reads too",
            Some(REFUSED),
        );
    }

    /// Notes unknown and repeated keys of a mapping; false when it is none.
    fn fields(&mut self, node: &Node, path: &str, known: &[&str]) -> bool {
        if !matches!(node.value, Value::Mapping(_)) {
            self.error(&node.place, path, "a mapping was expected", format!("write `{}: ...`", known[0]));
            return false;
        }
        for (key, _) in node.entries().iter().filter(|(key, _)| !known.contains(&&*key.text)) {
            let remedy = meant(&key.text, known.iter().copied());
            self.error(&key.place, path, format!("unknown field `{}`", key.text), remedy);
        }
        true
    }

    fn text<'n>(&mut self, node: &'n Node, path: &str) -> Option<&'n str> {
        match &node.value {
            Value::Scalar { text, .. } => Some(text),
            Value::Null => Some(""),
            _ => {
                self.error(&node.place, path, "a text was expected", "write one value");
                None
            }
        }
    }

    fn duration(&mut self, node: &Node, path: &str) -> Option<Duration> {
        let text = self.text(node, path)?;
        let found = parse_duration(text).and_then(|ms| u64::try_from(ms).ok());
        if found.is_none() {
            let remedy = "write numbers and units, for example `15s`, `1h30m` or `7d`";
            self.error(&node.place, path, format!("`{text}` is not a duration"), remedy);
        }
        found.map(Duration::from_millis)
    }

    fn number(&mut self, node: &Node, path: &str) -> Option<f64> {
        let text = self.text(node, path)?;
        let found = parse_number(text).filter(|n| !n.is_nan());
        if found.is_none() {
            self.error(&node.place, path, format!("`{text}` is not a number"), "write a number such as 0.05 or 500");
        }
        found
    }

    fn items<'n>(&mut self, node: &'n Node, path: &str, max: usize) -> &'n [Node] {
        match &node.value {
            Value::Sequence(items) if items.len() > max => {
                self.error(&node.place, path, format!("has {} items; {max} are read", items.len()), "split it");
                &[]
            }
            Value::Sequence(items) => items,
            _ if node.is_null() => &[],
            _ => {
                self.error(&node.place, path, "a list was expected", "begin each item with `- `");
                &[]
            }
        }
    }

    fn file(&mut self, node: &Node) -> Vec<Group> {
        if node.is_null() {
            let remedy = "write `groups:` with a list of groups";
            self.findings.warning(&node.place, "", "the file has no rules", remedy, None);
            return Vec::new();
        }
        if !self.fields(node, "", &["groups"]) {
            return Vec::new();
        }
        let Some(list) = node.get("groups") else { return Vec::new() };
        let mut groups: Vec<Group> = Vec::new();
        for (n, item) in self.items(list, "groups", GROUPS_MAX).iter().enumerate() {
            let path = format!("groups[{n}]");
            let Some(group) = self.group(item, &path) else { continue };
            if groups.iter().any(|g| g.name == group.name) {
                let message = format!("groupname: {:?} is repeated in the same file", group.name);
                self.error(&item.place, &format!("{path}.name"), message, "give each group its own name");
            }
            groups.push(group);
        }
        groups
    }

    fn group(&mut self, node: &Node, path: &str) -> Option<Group> {
        if !self.fields(node, path, &["name", "interval", "query_offset", "limit", "labels", "rules"]) {
            return None;
        }
        let at = |field: &str| format!("{path}.{field}");
        let name = node.get("name").and_then(Node::as_str).unwrap_or_default().to_owned();
        if name.is_empty() {
            self.error(&node.place, &at("name"), "Groupname must not be empty", "add `name:`");
        }
        let mut interval = node.get("interval").and_then(|n| self.duration(n, &at("interval")));
        // Prometheus takes 0 for the default.
        interval = interval.filter(|i| !i.is_zero());
        let query_offset = node.get("query_offset").and_then(|n| self.duration(n, &at("query_offset")));
        let limit = node.get("limit").and_then(|n| self.limit(n, &at("limit"))).unwrap_or(0);
        let labels = node.get("labels").map(|n| self.texts(n, &at("labels"), Names::Labels)).unwrap_or_default();
        let rules = node.get("rules").map(|n| self.items(n, &at("rules"), RULES_MAX)).unwrap_or_default();
        let group_labels = labels.clone();
        let read = |(n, item): (usize, &Node)| {
            let path = format!("{path}.rules[{n}]");
            let rule = self.rule(item, &path, &group_labels)?;
            self.shorter_than(interval, item, &path, &rule);
            Some(rule)
        };
        let rules = rules.iter().enumerate().filter_map(read).collect();
        Some(Group { name, interval, query_offset, limit, labels, rules })
    }

    /// Says when an alert waits for less than the time between evaluations.
    fn shorter_than(&mut self, interval: Option<Duration>, node: &Node, path: &str, rule: &Rule) {
        let hold = rule.alerting.as_ref().map(|a| a.hold).unwrap_or_default();
        let (Some(interval), Some(n)) = (interval, node.get("for")) else { return };
        if !hold.is_zero() && hold < interval {
            let message =
                format!("is shorter than the interval of the group, {}: it acts like it", format_duration(interval));
            self.findings.info(
                &n.place,
                format!("{path} ({}).for", rule.name),
                message,
                "make it longer, or leave it out",
            );
        }
    }

    fn limit(&mut self, node: &Node, path: &str) -> Option<usize> {
        let text = self.text(node, path)?;
        let found = text.parse::<i64>().ok();
        if found.is_none() {
            self.error(&node.place, path, format!("`{text}` is not a number"), "write how many, or 0 for no limit");
        }
        // Prometheus takes what is below 0 for no limit.
        found.map(|n| usize::try_from(n).unwrap_or(0))
    }

    fn rule(&mut self, node: &Node, path: &str, group_labels: &Texts) -> Option<Rule> {
        let known = [
            "record",
            "alert",
            "expr",
            "for",
            "keep_firing_for",
            "labels",
            "annotations",
            "source",
            "window",
            "levels",
            "absent",
        ];
        if !self.fields(node, path, &known) {
            return None;
        }
        for (key, _) in node.entries().iter().filter(|(key, _)| OURS.contains(&&*key.text)) {
            self.ours(&key.place, &format!("{path}.{}", key.text), &format!("`{}`", key.text));
        }
        let of = |field| node.get(field).and_then(Node::as_str).filter(|t| !t.is_empty());
        let (name, is_alert) = match (of("record"), of("alert")) {
            (Some(name), None) => (name, false),
            (None, Some(name)) => (name, true),
            (None, None) => {
                let remedy = "write `alert:` or `record:` with a name";
                self.error(&node.place, path, "one of 'record' or 'alert' must be set", remedy);
                return None;
            }
            (Some(_), Some(_)) => {
                let remedy = "make two rules of it";
                self.error(&node.place, path, "only one of 'record' and 'alert' must be set", remedy);
                return None;
            }
        };
        let path = &format!("{path} ({name})");
        let expression = self.expression(node, path);
        let names = if is_alert { Names::Labels } else { Names::Recorded };
        let own = node.get("labels").map(|n| self.texts(n, &format!("{path}.labels"), names)).unwrap_or_default();
        let labels = merged(group_labels, own);
        let alerting = if is_alert {
            Some(self.alerting(node, path, expression.as_ref(), &labels))
        } else {
            self.recording(node, path, name);
            None
        };
        Some(Rule { name: name.to_owned(), expression: expression?, labels, alerting })
    }

    /// What a recording rule may not have.
    fn recording(&mut self, node: &Node, path: &str, name: &str) {
        for field in ["for", "keep_firing_for", "annotations", "levels", "absent"] {
            if let Some(n) = node.get(field).filter(|n| !n.is_null()) {
                let message = format!("invalid field '{field}' in recording rule");
                self.error(&n.place, &format!("{path}.{field}"), message, "remove it, or write `alert:`");
            }
        }
        let place = node.value_place("record");
        if name.contains(['{', '}']) {
            let message = format!("braces present in the recording rule name; should it be in expr?: {name}");
            self.error(place, path, message, "a recorded metric has a name; labels go under `labels:`");
        }
    }

    fn expression(&mut self, node: &Node, path: &str) -> Option<Expression> {
        let at = format!("{path}.expr");
        let Some(expr) = node.get("expr").filter(|n| !n.is_null()) else {
            self.error(&node.place, &at, "field 'expr' must be set in rule", "add `expr:`");
            return None;
        };
        let text = self.text(expr, &at)?.to_owned();
        if text.trim().is_empty() {
            self.error(&expr.place, &at, "field 'expr' must be set in rule", "write an expression");
            return None;
        }
        let window = node.get("window").and_then(|n| Some((&n.place, self.duration(n, &format!("{path}.window"))?)));
        match node.get("source").map(|n| (&n.place, n.as_str().unwrap_or_default())) {
            None | Some((_, "metrics")) => {
                if let Some((place, _)) = window {
                    let remedy = "write the range into the expression, as in `rate(x[5m])`";
                    self.error(place, &format!("{path}.window"), "only logs and traces have a window", remedy);
                }
                self.promql(text, &expr.place, &at)
            }
            Some((_, source @ ("logs" | "traces"))) => {
                let source = if source == "logs" { EventSource::Logs } else { EventSource::Traces };
                let window = window.map_or(WINDOW, |(_, w)| w);
                if window.is_zero() {
                    let remedy = "say how far back the analysis looks";
                    self.error(&expr.place, &format!("{path}.window"), "must be greater than zero", remedy);
                }
                Some(Expression::Events(Events { source, text: text.trim().to_owned(), window }))
            }
            Some((place, other)) => {
                let message = format!("`{other}` cannot be asked");
                self.error(place, &format!("{path}.source"), message, "write metrics, logs or traces");
                None
            }
        }
    }

    fn promql(&mut self, text: String, place: &Place, path: &str) -> Option<Expression> {
        match Promql::parse(&text) {
            Ok(p) if matches!(p.tree.value_type(), ValueType::Scalar | ValueType::Vector) => {
                Some(Expression::Promql(p))
            }
            Ok(p) => {
                let message = format!(
                    "is {}; the result of a rule is an instant vector or a scalar",
                    p.tree.value_type().documented()
                );
                // Prometheus notices when the rule is evaluated.
                self.findings.warning(place, path, message, "every evaluation of it will fail", None);
                Some(Expression::Promql(p))
            }
            Err(e) => {
                let message = format!("could not parse expression: {e}");
                self.error(place, path, message, "the position counts lines and columns of the expression");
                None
            }
        }
    }

    fn alerting(&mut self, node: &Node, path: &str, expression: Option<&Expression>, labels: &Texts) -> Alerting {
        let at = |field: &str| format!("{path}.{field}");
        let hold = node.get("for").and_then(|n| self.duration(n, &at("for"))).unwrap_or_default();
        let keep_firing = node.get("keep_firing_for");
        let keep_firing = keep_firing.and_then(|n| self.duration(n, &at("keep_firing_for"))).unwrap_or_default();
        let annotations = node.get("annotations");
        let annotations =
            annotations.map(|n| self.texts(n, &at("annotations"), Names::Annotations)).unwrap_or_default();
        for field in ["labels", "annotations"] {
            if let Some(n) = node.get(field) {
                self.templates(n, &at(field), expression);
            }
        }
        let levels = node.get("levels").map(|n| self.levels(n, &at("levels"))).unwrap_or_default();
        let absent = node.get("absent").and_then(|n| self.absent(n, &at("absent")));
        let severity = labels.iter().any(|(name, _)| name == "severity");
        if let Some(n) = node.get("levels").filter(|_| !levels.is_empty() && severity) {
            let remedy = "remove `severity` from the labels";
            self.error(&n.place, &at("levels"), "the levels say the severity, and so do the labels", remedy);
        }
        if let Some(n) = node.get("absent").filter(|_| levels.is_empty()) {
            let message = "needs levels: without them, no result means that the condition does not hold";
            self.error(&n.place, &at("absent"), message, "move the comparison of the expression into `levels:`");
        }
        if !levels.is_empty()
            && let Some(Expression::Promql(p)) = expression
            && let promql::ast::ExprKind::Binary(b) = &p.tree.unwrap_parens().kind
            && b.op.is_comparison()
        {
            let place = node.value_place("expr");
            let message = "compares, and so do the levels: values on the other side of the comparison are not seen";
            self.findings.warning(place, at("expr"), message, "leave the comparison to the levels", None);
        }
        if let Some(Expression::Promql(p)) = expression {
            self.meaning(&p.tree, node.value_place("expr"), &at("expr"), levels.is_empty());
        }
        Alerting { hold, keep_firing, annotations, levels, absent }
    }

    /// What nobody can have meant; `decides`: the condition is in the expression alone.
    fn meaning(&mut self, expr: &promql::ast::Expr, place: &Place, path: &str, decides: bool) {
        if let Some(name) = meaning::bare_counter(expr) {
            let message = format!("`{name}` is a counter: it only grows, and stays above every threshold");
            self.findings.warning(
                place,
                path,
                message,
                format!("use `rate({name}[5m])` or `increase({name}[5m])`"),
                None,
            );
        }
        if decides && meaning::has_no_condition(expr) {
            let message = "has no condition: the alert fires for every series that there is";
            self.findings.info(place, path, message, "compare it, as `> 0`");
        }
    }

    /// Checks the templates of a mapping of texts.
    fn templates(&mut self, node: &Node, path: &str, expression: Option<&Expression>) {
        let known = match expression {
            Some(Expression::Promql(p)) => labels::of(&p.tree),
            _ => LabelsOf::Unknown,
        };
        for (key, value) in node.entries() {
            let (path, text) = (format!("{path}.{}", key.text), value.as_str().unwrap_or_default());
            let uses = match template::check(&key.text, text) {
                Ok(uses) => uses,
                Err(e) => {
                    self.error(&value.place, &path, e, "correct the template");
                    continue;
                }
            };
            if uses.humanize_bytes {
                self.findings.warning(
                    &value.place,
                    &path,
                    "`humanizeBytes` is not a function of Prometheus; Bellrock has it",
                    "for Prometheus write `{{ $value | humanize1024 }}B`",
                    Some(REFUSED),
                );
            }
            for label in uses.labels.iter().filter(|label| known.lacks(label)) {
                let message = format!("the label `{label}` is empty: results of the expression have only {known}");
                self.findings.warning(
                    &value.place,
                    &path,
                    message,
                    format!("keep `{label}` in the `by (...)` of the expression"),
                    None,
                );
            }
        }
    }

    fn levels(&mut self, node: &Node, path: &str) -> Vec<Level> {
        let mut levels: Vec<Level> = Vec::new();
        for (n, item) in self.items(node, path, 16).iter().enumerate() {
            let path = format!("{path}[{n}]");
            if !self.fields(item, &path, &["severity", "above", "below", "recover_below", "recover_above", "for"]) {
                continue;
            }
            let Some(level) = self.level(item, &path) else { continue };
            if levels.iter().any(|l| l.severity == level.severity) {
                let message = format!("the severity `{}` occurs twice", level.severity);
                self.error(&item.place, &path, message, "give each level its own");
            }
            levels.push(level);
        }
        levels
    }

    fn level(&mut self, node: &Node, path: &str) -> Option<Level> {
        let at = |field: &str| format!("{path}.{field}");
        let severity = node.get("severity").and_then(Node::as_str).unwrap_or_default().to_owned();
        if severity.is_empty() {
            self.error(&node.place, &at("severity"), "is missing", "write for example `severity: critical`");
        }
        let (side, field, recover) = match (node.get("above"), node.get("below")) {
            (Some(_), None) => (Side::Above, "above", "recover_below"),
            (None, Some(_)) => (Side::Below, "below", "recover_above"),
            _ => {
                self.error(&node.place, path, "needs one of `above` and `below`", "write the threshold");
                return None;
            }
        };
        let threshold = self.number(node.get(field)?, &at(field))?;
        let recovery = match node.get(recover) {
            Some(n) => self.number(n, &at(recover))?,
            None => threshold,
        };
        let wrong = match side {
            Side::Above => recovery > threshold,
            Side::Below => recovery < threshold,
        };
        if wrong {
            let message = format!("{recovery} lies beyond the threshold {threshold}: the alert would never hold");
            self.error(&node.place, &at(recover), message, "a recovery threshold lies on the good side");
        }
        let other = if recover == "recover_below" { "recover_above" } else { "recover_below" };
        if let Some(n) = node.get(other) {
            self.error(&n.place, &at(other), format!("does not go with `{field}`"), format!("write `{recover}`"));
        }
        let hold = node.get("for").and_then(|n| self.duration(n, &at("for")));
        Some(Level { severity, side, threshold, recovery, hold })
    }

    fn absent(&mut self, node: &Node, path: &str) -> Option<Absent> {
        if !self.fields(node, path, &["after", "severity", "forget"]) {
            return None;
        }
        let after = node.get("after").and_then(|n| self.duration(n, &format!("{path}.after")));
        let Some(after) = after.filter(|d| !d.is_zero()) else {
            self.error(&node.place, &format!("{path}.after"), "is missing or 0", "say how long nothing came, as `10m`");
            return None;
        };
        let severity = node.get("severity").and_then(Node::as_str).map(str::to_owned);
        let forget = node.get("forget").and_then(|n| self.duration(n, &format!("{path}.forget"))).unwrap_or(FORGET);
        if forget <= after {
            let message = format!("{} is not longer than `after`", format_duration(forget));
            self.error(&node.place, &format!("{path}.forget"), message, "data is missed from `after` until `forget`");
        }
        Some(Absent { after, severity, forget })
    }

    fn texts(&mut self, node: &Node, path: &str, names: Names) -> Texts {
        if node.is_null() {
            return Texts::new();
        }
        if !matches!(node.value, Value::Mapping(_)) {
            self.error(&node.place, path, "a mapping was expected", "write `name: text` lines");
            return Texts::new();
        }
        let mut texts = Texts::new();
        for (key, value) in node.entries() {
            let path = format!("{path}.{}", key.text);
            if let Some(wrong) = names.refuse(&key.text) {
                self.error(&key.place, &path, wrong, "use letters, digits and `_`");
            }
            if let Some(text) = self.text(value, &path) {
                let text = if value.is_null() { "" } else { text };
                texts.push((key.text.clone(), text.to_owned()));
            }
        }
        texts.sort();
        texts
    }
}

/// Which names a mapping of texts may have.
#[derive(Clone, Copy)]
enum Names {
    Labels,
    Recorded,
    Annotations,
}

impl Names {
    fn refuse(self, name: &str) -> Option<String> {
        let what = match self {
            Self::Labels | Self::Recorded => "label",
            Self::Annotations => "annotation",
        };
        let reserved = !matches!(self, Self::Annotations) && name == model::labels::NAME;
        (name.is_empty() || reserved).then(|| format!("invalid {what} name: {name}"))
    }
}

/// The labels of a rule win.
fn merged(group: &Texts, own: Texts) -> Texts {
    let mut all = own;
    let inherited: Texts = group.iter().filter(|(name, _)| !all.iter().any(|(n, _)| n == name)).cloned().collect();
    all.extend(inherited);
    all.sort();
    all
}

#[cfg(test)]
mod tests;
