//! The tree of routes: who is told what, grouped how, and when.
//!
//! A route without a setting has that of its parent. The key of a route is the path of matchers that leads to it, as
//! Alertmanager writes it: `{}/{severity="critical"}`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use model::Labels;
use serde::Deserialize;
use serde::de::IgnoredAny;
use yaml::{Findings, Node, Place};

use super::duration;
use crate::manager::matchers::{self, Matcher, Matchers, Op};
use crate::manager::time_interval::TimeInterval;

/// More routes than any configuration has.
const ROUTES_MAX: usize = 10_000;

/// What alerts of a route are grouped by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupBy {
    /// `['...']`: every alert is its own group.
    All,
    /// Sorted.
    Labels(Vec<String>),
}

/// One node of the tree.
#[derive(Debug, Clone)]
pub struct Route {
    /// Who is told.
    pub receiver: String,
    /// What makes a group.
    pub group_by: GroupBy,
    /// Which alerts; the first has none.
    pub matchers: Matchers,
    /// Whether the siblings behind it are asked too.
    pub continues: bool,
    /// From the first alert of a group to the first message.
    pub group_wait: Duration,
    /// Between two messages of a group that changed.
    pub group_interval: Duration,
    /// Between two messages of a group that did not change.
    pub repeat_interval: Duration,
    /// Silent while one of these contains the moment.
    pub mute: Vec<String>,
    /// Silent unless one of these contains the moment.
    pub active: Vec<String>,
    /// `labels`, templates not expanded.
    pub labels: Labels,
    /// Positions in the tree.
    pub children: Vec<usize>,
    /// `{}/{severity="critical"}`.
    pub key: String,
    /// The key with the position among siblings: unique in the tree, and the same after a reload that does not touch the path.
    pub id: String,
    /// Where it is written.
    pub place: Place,
}

/// All routes; the first is the root.
#[derive(Debug, Clone)]
pub struct RouteTree(Vec<Arc<Route>>);

impl RouteTree {
    /// All routes, parents before children.
    pub fn all(&self) -> &[Arc<Route>] {
        &self.0
    }

    /// The routes that an alert takes: the deepest that fit, in the order of the file.
    pub fn matching(&self, labels: &Labels) -> Vec<&Arc<Route>> {
        let mut found = Vec::new();
        self.walk(0, labels, &mut found);
        found
    }

    fn walk<'a>(&'a self, at: usize, labels: &Labels, found: &mut Vec<&'a Arc<Route>>) -> bool {
        let Some(route) = self.0.get(at).filter(|r| r.matchers.matches(labels)) else { return false };
        let before = found.len();
        for child in &route.children {
            let fits = self.walk(*child, labels, found);
            if fits && self.0.get(*child).is_some_and(|c| !c.continues) {
                break;
            }
        }
        if found.len() == before {
            found.push(route);
        }
        true
    }
}

impl Route {
    /// What of the labels makes the group.
    pub fn group_labels(&self, labels: &Labels) -> Labels {
        match &self.group_by {
            GroupBy::All => labels.clone(),
            GroupBy::Labels(names) => {
                Labels::from_pairs(labels.iter().filter(|(name, _)| names.iter().any(|n| n == name)))
            }
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Raw {
    receiver: String,
    group_by: Option<Vec<String>>,
    #[serde(rename = "continue")]
    continues: bool,
    #[serde(rename = "match")]
    equal: BTreeMap<String, String>,
    match_re: BTreeMap<String, String>,
    matchers: Vec<String>,
    labels: BTreeMap<String, String>,
    group_wait: Option<String>,
    group_interval: Option<String>,
    repeat_interval: Option<String>,
    mute_time_intervals: Vec<String>,
    active_time_intervals: Vec<String>,
    routes: IgnoredAny,
}

/// What routes refer to.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    pub receivers: &'a [String],
    pub intervals: &'a BTreeMap<String, Vec<TimeInterval>>,
}

pub(super) fn read(node: Option<&Node>, file: &Place, known: Known<'_>, findings: &mut Findings) -> Option<RouteTree> {
    let Some(node) = node.filter(|n| !n.is_null()) else {
        findings.error(file, "route", "no routes provided", "write a `route` with a `receiver`");
        return None;
    };
    let root = Route {
        receiver: String::new(),
        group_by: GroupBy::Labels(Vec::new()),
        matchers: Matchers::default(),
        continues: false,
        group_wait: Duration::from_secs(30),
        group_interval: Duration::from_secs(300),
        repeat_interval: Duration::from_secs(4 * 3600),
        mute: Vec::new(),
        active: Vec::new(),
        labels: Labels::default(),
        children: Vec::new(),
        key: String::new(),
        id: String::new(),
        place: node.place.clone(),
    };
    let mut tree = Tree { routes: Vec::new(), known, findings };
    tree.add(node, "route", &root, 0);
    Some(RouteTree(tree.routes.into_iter().map(Arc::new).collect()))
}

struct Tree<'a> {
    routes: Vec<Route>,
    known: Known<'a>,
    findings: &'a mut Findings,
}

impl Tree<'_> {
    /// Reads a route and those below it; returns its position.
    fn add(&mut self, node: &Node, path: &str, parent: &Route, position: usize) -> Option<usize> {
        if self.routes.len() >= ROUTES_MAX {
            self.findings.error(&node.place, path, format!("more than {ROUTES_MAX} routes"), "");
            return None;
        }
        let raw: Raw = node.read(path, self.findings).unwrap_or_default();
        let is_root = parent.key.is_empty();
        if is_root {
            self.check_root(node, path, &raw);
        }
        self.check_names(node, path, &raw);
        let mut route = self.inherit(node, path, &raw, parent);
        route.matchers = read_matchers(
            node,
            path,
            [("match", &raw.equal), ("match_re", &raw.match_re)],
            ("matchers", &raw.matchers),
            self.findings,
        );
        route.continues = raw.continues;
        route.place = node.place.clone();
        (route.key, route.id) = if is_root {
            (route.matchers.to_string(), route.matchers.to_string())
        } else {
            (format!("{}/{}", parent.key, route.matchers), format!("{}/{}/{position}", parent.id, route.matchers))
        };
        let at = self.routes.len();
        self.routes.push(route.clone());
        let children = node.get("routes").map(Node::items).unwrap_or_default();
        let mut positions = Vec::new();
        for (n, child) in children.iter().enumerate() {
            positions.extend(self.add(child, &format!("{path}.routes[{n}]"), &route, n));
        }
        if let Some(route) = self.routes.get_mut(at) {
            route.children = positions;
        }
        Some(at)
    }

    fn check_root(&mut self, node: &Node, path: &str, raw: &Raw) {
        let mut refuse = |field: &str, message: &str| {
            self.findings.error(node.value_place(field), path, message, "");
        };
        if raw.receiver.is_empty() {
            refuse("receiver", "root route must specify a default receiver");
        }
        if !raw.equal.is_empty() || !raw.match_re.is_empty() || !raw.matchers.is_empty() {
            refuse("matchers", "root route must not have any matchers");
        }
        if !raw.mute_time_intervals.is_empty() {
            refuse("mute_time_intervals", "root route must not have any mute time intervals");
        }
        if !raw.active_time_intervals.is_empty() {
            refuse("active_time_intervals", "root route must not have any active time intervals");
        }
        if raw.continues {
            refuse("continue", "cannot have continue in root route");
        }
    }

    fn check_names(&mut self, node: &Node, path: &str, raw: &Raw) {
        if !raw.receiver.is_empty() && !self.known.receivers.contains(&raw.receiver) {
            let place = node.value_place("receiver");
            let message = format!("undefined receiver \"{}\" used in route", raw.receiver);
            let near = yaml::nearest(&raw.receiver, self.known.receivers.iter().map(String::as_str));
            self.findings.error(place, path, message, near.map(|n| format!("did you mean `{n}`?")).unwrap_or_default());
        }
        for (field, names) in
            [("mute_time_intervals", &raw.mute_time_intervals), ("active_time_intervals", &raw.active_time_intervals)]
        {
            for name in names.iter().filter(|n| !self.known.intervals.contains_key(*n)) {
                let place = node.value_place(field);
                let near = yaml::nearest(name, self.known.intervals.keys().map(String::as_str));
                let remedy = near.map(|n| format!("did you mean `{n}`?")).unwrap_or_default();
                self.findings.error(place, path, format!("undefined time interval \"{name}\" used in route"), remedy);
            }
        }
    }

    fn inherit(&mut self, node: &Node, path: &str, raw: &Raw, parent: &Route) -> Route {
        let mut route = parent.clone();
        route.children = Vec::new();
        (route.mute, route.active) = (raw.mute_time_intervals.clone(), raw.active_time_intervals.clone());
        if !raw.receiver.is_empty() {
            route.receiver.clone_from(&raw.receiver);
        }
        if let Some(names) = &raw.group_by {
            route.group_by = self.group_by(node, path, names);
        }
        if !raw.labels.is_empty() {
            let own = raw.labels.iter().map(|(k, v)| (k.as_str(), v.as_str()));
            route.labels = Labels::from_pairs(parent.labels.iter().chain(own));
        }
        route.group_wait = self.duration(node, path, "group_wait", raw.group_wait.as_deref(), parent.group_wait);
        route.group_interval =
            self.duration(node, path, "group_interval", raw.group_interval.as_deref(), parent.group_interval);
        route.repeat_interval =
            self.duration(node, path, "repeat_interval", raw.repeat_interval.as_deref(), parent.repeat_interval);
        if route.repeat_interval < route.group_interval
            && (raw.repeat_interval.is_some() || raw.group_interval.is_some())
        {
            let place = node.get("repeat_interval").or(node.get("group_interval")).map_or(&node.place, |n| &n.place);
            let message = "repeat_interval is less than group_interval";
            self.findings.warning(
                place,
                path,
                message,
                "messages are repeated every group_interval, not more often",
                None,
            );
        }
        route
    }

    fn group_by(&mut self, node: &Node, path: &str, names: &[String]) -> GroupBy {
        let place = node.value_place("group_by");
        let mut seen = BTreeSet::new();
        for name in names {
            if !seen.insert(name.clone()) {
                self.findings.error(place, path, format!("duplicated label \"{name}\" in group_by"), "");
            }
            if name.is_empty() {
                self.findings.error(place, path, "invalid label name \"\" in group_by list", "");
            }
        }
        if names.iter().any(|n| n == "...") {
            if names.len() > 1 {
                let message = "cannot have wildcard group_by (`...`) and other labels at the same time";
                self.findings.error(place, path, message, "");
            }
            return GroupBy::All;
        }
        GroupBy::Labels(seen.into_iter().collect())
    }

    fn duration(&mut self, node: &Node, path: &str, field: &str, text: Option<&str>, inherited: Duration) -> Duration {
        let Some(text) = text else { return inherited };
        let place = node.value_place(field);
        match duration::read(text) {
            Ok(Duration::ZERO) if field != "group_wait" => {
                self.findings.error(place, path, format!("{field} cannot be zero"), "");
                inherited
            }
            Ok(duration) => duration,
            Err(message) => {
                self.findings.error(place, format!("{path}.{field}"), message, "");
                inherited
            }
        }
    }
}

/// Matchers in their three forms, sorted as Alertmanager sorts them.
pub(super) fn read_matchers(
    node: &Node,
    path: &str,
    deprecated: [(&str, &BTreeMap<String, String>); 2],
    modern: (&str, &[String]),
    findings: &mut Findings,
) -> Matchers {
    let mut read = Matchers::default();
    let [equal, regular] = deprecated;
    for ((field, map), op) in [(equal, Op::Equal), (regular, Op::Regexp)] {
        let place = node.value_place(field);
        if !map.is_empty() {
            findings.info(place, path, format!("`{field}` is deprecated"), format!("write `{}`", modern.0));
        }
        for (name, value) in map {
            // Alertmanager shows the expression with its anchors.
            let value = if op == Op::Regexp { format!("^(?:{value})$") } else { value.clone() };
            match Matcher::new(name, op, value) {
                Ok(matcher) => read.0.push(matcher),
                Err(e) => findings.error(place, format!("{path}.{field}.{name}"), e.to_string(), ""),
            }
        }
    }
    let items = node.get(modern.0).map(Node::items).unwrap_or_default();
    for (text, item) in modern.1.iter().zip(items) {
        match matchers::parse(text) {
            Ok(parsed) => {
                if let Some(warning) = parsed.warning {
                    findings.warning(&item.place, path, warning, "", None);
                }
                read.0.extend(parsed.matchers.0);
            }
            Err(e) => findings.error(&item.place, format!("{path}.{}", modern.0), e.to_string(), ""),
        }
    }
    read.sort();
    read
}
