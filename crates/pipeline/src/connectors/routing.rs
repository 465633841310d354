//! `routing`: sends parts of a request to the pipelines that a table names for them.
//!
//! Rows are asked in their order; what a row takes is not asked by those behind it. What none takes goes to
//! `default_pipelines`, or nowhere. Source: opentelemetry-collector-contrib, `routingconnector`.

use std::sync::Arc;

use foundation::{Clock, ErrorKind};
use model::Signal;
use serde::{Deserialize, Serialize};
use wire::otlp::Decoded;

use crate::component::{Connector, ConnectorFactory, Host, Outputs, PipelineId, Refused, Run, Setup};
use crate::consumer::{Answer, Consumer};
use crate::ottl::{Condition, Conditions, Context, ErrorMode};
use crate::processors::scenes::each;
use crate::refusal::Refusal;
use crate::telemetry::{Origin, Telemetry, Tree};

pub(super) const FACTORY: ConnectorFactory = ConnectorFactory {
    names: &["routing"],
    routes: &[(Signal::Traces, Signal::Traces), (Signal::Metrics, Signal::Metrics), (Signal::Logs, Signal::Logs)],
    build,
};

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Config {
    default_pipelines: Vec<String>,
    error_mode: ErrorMode,
    table: Vec<RowConfig>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
struct RowConfig {
    context: String,
    condition: String,
    statement: String,
    pipelines: Vec<String>,
}

/// What a row asks.
enum Ask {
    /// Of each thing of this context.
    Things(Context, Conditions),
    /// Of a header of the request.
    Request { header: String, value: String, equal: bool },
    /// Nothing: it takes all.
    All,
}

struct Row {
    ask: Ask,
    pipelines: Vec<PipelineId>,
}

struct Routing {
    rows: Vec<Row>,
    default: Vec<PipelineId>,
}

fn build(setup: &mut Setup<'_>) -> Result<Box<dyn Connector>, Refused> {
    read(setup).map(|routing| Box::new(routing) as Box<dyn Connector>)
}

fn read(setup: &mut Setup<'_>) -> Result<Routing, Refused> {
    let c: Config = setup.read()?;
    if c.table.is_empty() {
        return Err(setup.error("table", "no rows; list at least one, with `condition` and `pipelines`"));
    }
    let default = pipelines(setup, "default_pipelines", &c.default_pipelines)?;
    let mut rows = Vec::new();
    for (n, row) in c.table.iter().enumerate() {
        let at = format!("table[{n}]");
        if row.pipelines.is_empty() {
            return Err(setup.error(&format!("{at}.pipelines"), "it must name at least one pipeline"));
        }
        let (setting, text) = match (&*row.condition, &*row.statement) {
            (text, "") => ("condition", text.to_owned()),
            ("", text) => ("statement", of_statement(setup, &format!("{at}.statement"), text)?),
            _ => return Err(setup.error(&at, "it has `condition` and `statement`; keep one")),
        };
        let place = format!("{at}.{setting}");
        let ask = match (&*row.context, text.trim()) {
            (_, "" | "true") => Ask::All,
            ("request", text) => request(setup, &place, text)?,
            (name, text) => {
                let known = [Context::Resource, Context::Span, Context::Metric, Context::DataPoint, Context::Log];
                let context = if name.is_empty() { Some(Context::Resource) } else { Context::of_name(name) };
                let Some(context) = context.filter(|c| known.contains(c)) else {
                    let message = format!(
                        "`{name}` is no context here; there is request, resource, span, metric, datapoint, log"
                    );
                    return Err(setup.error(&format!("{at}.context"), message));
                };
                let condition = Condition::parse(text, context).map_err(|e| setup.error(&place, e.to_string()))?;
                Ask::Things(context, Conditions::any(vec![condition], c.error_mode))
            }
        };
        rows.push(Row { ask, pipelines: pipelines(setup, &format!("{at}.pipelines"), &row.pipelines)? });
    }
    Ok(Routing { rows, default })
}

fn pipelines(setup: &mut Setup<'_>, setting: &str, names: &[String]) -> Result<Vec<PipelineId>, Refused> {
    let mut out = Vec::new();
    for (n, name) in names.iter().enumerate() {
        out.push(name.parse().map_err(|e: String| setup.error(&format!("{setting}[{n}]"), e))?);
    }
    Ok(out)
}

/// The condition of `route() where ...`.
fn of_statement(setup: &mut Setup<'_>, place: &str, text: &str) -> Result<String, Refused> {
    let rest = text.trim().strip_prefix("route()").map(str::trim);
    match rest {
        Some("") => Ok(String::new()),
        Some(rest) if rest.starts_with("where ") => Ok(rest["where ".len()..].to_owned()),
        _ => Err(setup.error(place, "a statement is `route()`, or `route() where` and a condition")),
    }
}

/// `request["X-Tenant"] == "acme"`.
fn request(setup: &mut Setup<'_>, place: &str, text: &str) -> Result<Ask, Refused> {
    let quoted = |t: &str| t.trim().strip_prefix('"').and_then(|t| t.strip_suffix('"')).map(str::to_owned);
    let (equal, parts) = match text.split_once("!=") {
        Some(parts) => (false, Some(parts)),
        None => (true, text.split_once("==")),
    };
    let found = parts.and_then(|(left, value)| {
        let header = left.trim().strip_prefix("request[")?.strip_suffix(']')?;
        Some((quoted(header)?, quoted(value)?))
    });
    match found {
        Some((header, value)) => Ok(Ask::Request { header, value, equal }),
        None => Err(setup.error(place, "a condition on a request is `request[\"header\"] == \"value\"`, or with `!=`")),
    }
}

impl Connector for Routing {
    fn start(self: Box<Self>, outputs: Outputs, host: &Host, run: &mut Run) -> Arc<dyn Consumer> {
        let missing: Vec<String> = self
            .rows
            .iter()
            .flat_map(|r| &r.pipelines)
            .chain(&self.default)
            .filter(|p| outputs.pipeline(p).is_none())
            .map(ToString::to_string)
            .collect();
        if !missing.is_empty() {
            let message = format!("no pipeline of these names receives from it: {}", missing.join(", "));
            run.reporter().failed(&message);
        }
        Arc::new(Router { routing: *self, outputs, clock: host.clock.clone() })
    }
}

struct Router {
    routing: Routing,
    outputs: Outputs,
    clock: Arc<dyn Clock>,
}

impl Ask {
    /// Takes what it asks for out of `tree`.
    fn take(&self, tree: &mut Tree, origin: Option<&Origin>, now: i64) -> Result<Option<Tree>, Refusal> {
        let all = |tree: &mut Tree| {
            let rest = match tree {
                Tree::Traces(_) => Tree::Traces(Default::default()),
                Tree::Metrics(_) => Tree::Metrics(Default::default()),
                Tree::Logs(_) => Tree::Logs(Default::default()),
            };
            Some(std::mem::replace(tree, rest))
        };
        let (context, conditions) = match self {
            Self::All => return Ok(all(tree)),
            Self::Request { header, value, equal } => {
                let has = origin.is_some_and(|o| o.metadata(header).any(|v| v == value));
                return Ok(if has == *equal { all(tree) } else { None });
            }
            Self::Things(context, conditions) => (*context, conditions),
        };
        if !Context::of(tree.signal()).contains(&context) {
            return Ok(None);
        }
        let mut taken = tree.clone();
        let mut verdicts = Vec::new();
        let kept = each(&mut taken, context, now, &mut |scene| {
            let holds = conditions.hold(scene)?;
            verdicts.push(holds);
            Ok(holds)
        });
        kept.map_err(|e| Refusal::new(ErrorKind::InvalidInput, format!("a condition of `routing` failed: {e}")))?;
        if !verdicts.contains(&true) {
            return Ok(None);
        }
        let mut verdicts = verdicts.into_iter();
        // The same things in the same order: what was taken there goes here.
        let _ = each(tree, context, now, &mut |_| Ok(!verdicts.next().unwrap_or(false)));
        Ok(Some(taken))
    }
}

impl Consumer for Router {
    fn consume(&self, telemetry: Telemetry) -> Answer<'_> {
        Box::pin(async move {
            let origin = telemetry.origin().cloned();
            let now = self.clock.now().0;
            let mut rest = telemetry.into_tree()?;
            let mut parts: Vec<(Tree, &[PipelineId])> = Vec::new();
            for row in &self.routing.rows {
                if rest.is_empty() {
                    break;
                }
                if let Some(taken) = row.ask.take(&mut rest, origin.as_deref(), now)? {
                    parts.push((taken, &row.pipelines));
                }
            }
            if !rest.is_empty() {
                parts.push((rest, &self.routing.default));
            }
            let mut total = Decoded::default();
            for (tree, pipelines) in parts {
                let items = tree.items() as u64;
                let telemetry = Telemetry::of(tree).from(origin.clone());
                let mut rejected = 0;
                for id in pipelines {
                    let Some(consumer) = self.outputs.pipeline(id) else {
                        let message = format!("`routing` names the pipeline `{id}`, which does not receive from it");
                        return Err(Refusal::new(ErrorKind::Internal, message));
                    };
                    let decoded = consumer.consume(telemetry.clone()).await?;
                    rejected = decoded.rejected.max(rejected);
                    total.first_error = total.first_error.or(decoded.first_error);
                }
                total.accepted += items.saturating_sub(rejected);
                total.rejected += rejected;
            }
            Ok(total)
        })
    }
}

#[cfg(test)]
mod tests {
    use foundation::UnixNanos;
    use foundation::clock::ManualClock;

    use super::super::testing::{Sink, now, with_setup};
    use super::*;
    use crate::processors::testing::{log, of_service};

    const YAML: &str = r#"
default_pipelines: [logs/rest]
table:
- {context: request, condition: 'request["X-Tenant"] == "acme"', pipelines: [logs/acme]}
- {statement: 'route() where attributes["service.name"] == "shop"', pipelines: [logs/shop, logs/all]}
- {context: log, condition: 'IsMatch(body, "error")', pipelines: [logs/errors]}
"#;

    fn routed(tree: impl Into<Tree>, tenant: Option<&str>) -> Vec<(String, usize)> {
        let routing = with_setup(YAML, read).unwrap_or_else(|e| panic!("{e}"));
        let names = ["rest", "acme", "shop", "all", "errors"];
        let sinks: Vec<_> = names.iter().map(|_| Sink::new()).collect();
        let id = |name: &&str| PipelineId { signal: Signal::Logs, name: (*name).to_owned() };
        let pipelines = names.iter().zip(&sinks).map(|(n, s)| (id(n), s.clone() as Arc<dyn Consumer>)).collect();
        let router =
            Router { routing, outputs: Outputs::new(pipelines), clock: Arc::new(ManualClock::new(UnixNanos(1))) };
        let metadata = tenant.map(|t| ("x-tenant".to_owned(), t.to_owned())).into_iter().collect();
        let tree = tree.into();
        let items = tree.items() as u64;
        let telemetry = Telemetry::of(tree).from(Some(Arc::new(Origin { metadata, ..Origin::default() })));
        assert_eq!(now(router.consume(telemetry)).unwrap().accepted, items);
        let counted =
            |(name, sink): (&&str, &Arc<Sink>)| ((*name).to_owned(), sink.taken().iter().map(Tree::items).sum());
        names.iter().zip(&sinks).map(counted).filter(|(_, n)| *n > 0).collect()
    }

    #[test]
    fn rows_take_in_their_order() {
        let named = |list: &[(&str, usize)]| list.iter().map(|(n, c)| ((*n).to_owned(), *c)).collect::<Vec<_>>();
        let mut tree = of_service("shop", vec![log("error 1"), log("b")]);
        tree.append(of_service("bot", vec![log("error 2"), log("c"), log("d")]));
        assert_eq!(routed(tree.clone(), None), named(&[("rest", 2), ("shop", 2), ("all", 2), ("errors", 1)]));
        assert_eq!(routed(tree, Some("acme")), named(&[("acme", 5)]));
    }

    #[test]
    fn mistakes_are_told_with_their_line() {
        for (yaml, message) in [
            ("table: []", "no rows"),
            ("table:\n- {condition: 'true', pipelines: [log]}", "`log` is not a pipeline"),
            ("table:\n- {condition: 'nam == 1', pipelines: [logs]}", "test.yaml:2"),
            ("table:\n- {statement: 'set(a, 1)', pipelines: [logs]}", "`route() where`"),
            ("table:\n- {context: request, condition: 'x', pipelines: [logs]}", "request[\"header\"]"),
            ("table:\n- {condition: 'true'}", "at least one pipeline"),
        ] {
            let said = with_setup(yaml, read).err().unwrap();
            assert!(said.contains(message), "{yaml}: {said}");
        }
    }
}
