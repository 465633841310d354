//! Visiting all things of one kind in a request, each as OTTL sees it.

use wire::otlp::tree::{Attributes, Data, LogRecord, Metric, OfResource, OfScope, Resource, Scope, Span, Text};

use crate::ottl::{Context, EvalError, Item, Point, PointHead, Scene, Schema};
use crate::telemetry::Tree;

/// Metrics that statements may add to a scope, for each that it had; beyond, what they add is refused.
const MADE_MAX: usize = 16;

/// Is shown each thing; one of which it says `false` is taken out.
pub(crate) type Visit<'v> = dyn FnMut(&mut Scene<'_>) -> Result<bool, EvalError> + 'v;

/// Shows every thing of `context` in `tree` to `visit`. `now` is the time in nanoseconds since 1970.
///
/// # Errors
/// The first of `visit`; what comes behind it is left as it is.
pub(crate) fn each(tree: &mut Tree, context: Context, now: i64, visit: &mut Visit<'_>) -> Result<(), EvalError> {
    let at = At { context, now };
    match tree {
        Tree::Traces(t) => over(&mut t.resources, at, visit, spans),
        Tree::Metrics(t) => over(&mut t.resources, at, visit, metrics),
        Tree::Logs(t) => over(&mut t.resources, at, visit, logs),
    }
}

#[derive(Clone, Copy)]
struct At {
    context: Context,
    now: i64,
}

/// What is around records.
struct Around<'a> {
    resource: &'a mut Resource,
    scope: &'a mut Scope,
    of_resource: &'a mut Text,
    of_scope: &'a mut Text,
    at: At,
}

impl Around<'_> {
    /// Shows `item`; metrics that are made of it go to `made`.
    fn show(&mut self, item: Item<'_>, made: &mut Vec<Metric>, visit: &mut Visit<'_>) -> Result<bool, EvalError> {
        let Self { resource, scope, of_resource, of_scope, at } = self;
        let schema = Schema { resource: of_resource, scope: of_scope };
        visit(&mut Scene { resource, scope, schema, item, cache: &mut Attributes::new(), made, now: at.now })
    }

    /// Shows what makes no metrics.
    fn only(&mut self, item: Item<'_>, visit: &mut Visit<'_>) -> Result<bool, EvalError> {
        self.show(item, &mut Vec::new(), visit)
    }
}

type Each<R> = fn(&mut Around<'_>, &mut Vec<R>, &mut Visit<'_>) -> Result<(), EvalError>;

/// Keeps what `keep` says; after a failure all of the rest.
fn retain<T>(items: &mut Vec<T>, mut keep: impl FnMut(&mut T) -> Result<bool, EvalError>) -> Result<(), EvalError> {
    let mut failure = None;
    items.retain_mut(|item| {
        failure.is_some()
            || keep(item).unwrap_or_else(|e| {
                failure = Some(e);
                true
            })
    });
    failure.map_or(Ok(()), Err)
}

/// As [`retain`], of things that hold others: one that had some and has none left is taken out, too.
fn retain_inner<T>(
    items: &mut Vec<T>,
    len: fn(&T) -> usize,
    mut keep: impl FnMut(&mut T) -> Result<bool, EvalError>,
) -> Result<(), EvalError> {
    retain(items, |item| {
        let before = len(item);
        Ok(keep(item)? && (len(item) > 0 || before == 0))
    })
}

fn over<R>(resources: &mut Vec<OfResource<R>>, at: At, visit: &mut Visit<'_>, each: Each<R>) -> Result<(), EvalError> {
    retain_inner(
        resources,
        |r| r.scopes.len(),
        |OfResource { resource, scopes, schema_url: of_resource }| {
            if at.context == Context::Resource {
                let (scope, of_scope) = (&mut Scope::default(), &mut Text::default());
                return Around { resource, scope, of_resource, of_scope, at }.only(Item::None, visit);
            }
            retain_inner(
                scopes,
                |s| s.records.len(),
                |OfScope { scope, records, schema_url: of_scope }| {
                    let mut around = Around { resource, scope, of_resource, of_scope, at };
                    if at.context == Context::Scope {
                        return around.only(Item::None, visit);
                    }
                    each(&mut around, records, visit)?;
                    Ok(true)
                },
            )?;
            Ok(true)
        },
    )
}

fn spans(around: &mut Around<'_>, spans: &mut Vec<Span>, visit: &mut Visit<'_>) -> Result<(), EvalError> {
    retain(spans, |span| match around.at.context {
        Context::SpanEvent => {
            let (mut events, mut index) = (std::mem::take(&mut span.events), 0);
            let result = retain(&mut events, |event| {
                index += 1;
                around.only(Item::Event { span, event, index: index - 1 }, visit)
            });
            span.events = events;
            result.map(|()| true)
        }
        Context::SpanLink => {
            let mut links = std::mem::take(&mut span.links);
            let result = retain(&mut links, |link| around.only(Item::Link { span, link }, visit));
            span.links = links;
            result.map(|()| true)
        }
        _ => around.only(Item::Span(span), visit),
    })
}

fn logs(around: &mut Around<'_>, logs: &mut Vec<LogRecord>, visit: &mut Visit<'_>) -> Result<(), EvalError> {
    retain(logs, |log| around.only(Item::Log(log), visit))
}

fn metrics(around: &mut Around<'_>, metrics: &mut Vec<Metric>, visit: &mut Visit<'_>) -> Result<(), EvalError> {
    if around.at.context != Context::Metric {
        return retain(metrics, |metric| points(around, metric, visit));
    }
    let (mut made, most) = (Vec::new(), metrics.len().saturating_mul(MADE_MAX + 1));
    retain(metrics, |metric| around.show(Item::Metric(metric), &mut made, visit))?;
    // What was made is shown as what was sent is, and more may be made of it.
    while !made.is_empty() {
        if metrics.len() + made.len() > most {
            let message = format!(
                "statements made more than {MADE_MAX} metrics of each; give `copy_metric` a condition that its copy does not fulfil"
            );
            return Err(EvalError(message.into()));
        }
        let mut new = std::mem::take(&mut made);
        retain(&mut new, |metric| around.show(Item::Metric(metric), &mut made, visit))?;
        metrics.append(&mut new);
    }
    Ok(())
}

/// The points of a metric, or their exemplars; `false` when it has no points any more.
fn points(around: &mut Around<'_>, metric: &mut Metric, visit: &mut Visit<'_>) -> Result<bool, EvalError> {
    let mut head = PointHead::of(&metric.data);
    let mut data = std::mem::take(&mut metric.data);
    let before = data.len();
    let exemplars = around.at.context == Context::Exemplar;
    let mut show = |metric: &mut Metric, head: &mut PointHead, mut point: Point<'_>| {
        if !exemplars {
            return around.only(Item::Point { metric, head, point }, visit);
        }
        let Some(mut own) = point.exemplars_mut().map(std::mem::take) else { return Ok(true) };
        let result = retain(&mut own, |exemplar| {
            around.only(Item::Exemplar { metric, head, point: point.again(), exemplar }, visit)
        });
        if let Some(place) = point.exemplars_mut() {
            *place = own;
        }
        result.map(|()| true)
    };
    let result = match &mut data {
        Data::None => Ok(()),
        Data::Gauge(points) | Data::Sum { points, .. } => retain(points, |p| show(metric, &mut head, Point::Number(p))),
        Data::Histogram { points, .. } => retain(points, |p| show(metric, &mut head, Point::Histogram(p))),
        Data::Exponential { points, .. } => retain(points, |p| show(metric, &mut head, Point::Exponential(p))),
        Data::Summary(points) => retain(points, |p| show(metric, &mut head, Point::Summary(p))),
    };
    head.apply(&mut data);
    metric.data = data;
    result.map(|()| before == 0 || !metric.data.is_empty())
}
