//! Visiting all things of one kind in a request, each as OTTL sees it.

use wire::otlp::tree::{Attributes, Data, LogRecord, Metric, OfResource, OfScope, Resource, Scope, Span};

use crate::ottl::{Context, EvalError, Item, Point, PointHead, Scene};
use crate::telemetry::Tree;

/// Is shown each thing; one of which it says `false` is taken out.
pub(crate) type Visit<'v> = dyn FnMut(&mut Scene<'_>) -> Result<bool, EvalError> + 'v;

/// Shows every thing of `context` in `tree` to `visit`. `now` is the time in nanoseconds since 1970.
///
/// # Errors
/// The first of `visit`; what comes behind it is left as it is.
pub(crate) fn each(tree: &mut Tree, context: Context, now: i64, visit: &mut Visit<'_>) -> Result<(), EvalError> {
    let at = At { context, now };
    match tree {
        Tree::Traces(t) => over(&mut t.resources, at, visit, span),
        Tree::Metrics(t) => over(&mut t.resources, at, visit, metric),
        Tree::Logs(t) => over(&mut t.resources, at, visit, log),
    }
}

#[derive(Clone, Copy)]
struct At {
    context: Context,
    now: i64,
}

type Each<R> = fn(&mut Resource, &mut Scope, &mut R, At, &mut Visit<'_>) -> Result<bool, EvalError>;

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
        |OfResource { resource, scopes, .. }| {
            if at.context == Context::Resource {
                return visit(&mut scene(resource, &mut Scope::default(), Item::None, &mut Attributes::new(), at));
            }
            retain_inner(
                scopes,
                |s| s.records.len(),
                |OfScope { scope, records, .. }| {
                    if at.context == Context::Scope {
                        return visit(&mut scene(resource, scope, Item::None, &mut Attributes::new(), at));
                    }
                    retain(records, |record| each(resource, scope, record, at, visit))?;
                    Ok(true)
                },
            )?;
            Ok(true)
        },
    )
}

fn scene<'a>(
    resource: &'a mut Resource,
    scope: &'a mut Scope,
    item: Item<'a>,
    cache: &'a mut Attributes,
    at: At,
) -> Scene<'a> {
    Scene { resource, scope, item, cache, now: at.now }
}

fn span(r: &mut Resource, s: &mut Scope, span: &mut Span, at: At, visit: &mut Visit<'_>) -> Result<bool, EvalError> {
    if at.context == Context::Span {
        return visit(&mut scene(r, s, Item::Span(span), &mut Attributes::new(), at));
    }
    let mut events = std::mem::take(&mut span.events);
    let mut index = 0;
    let result = retain(&mut events, |event| {
        index += 1;
        visit(&mut scene(r, s, Item::Event { span, event, index: index - 1 }, &mut Attributes::new(), at))
    });
    span.events = events;
    result.map(|()| true)
}

fn log(r: &mut Resource, s: &mut Scope, log: &mut LogRecord, at: At, visit: &mut Visit<'_>) -> Result<bool, EvalError> {
    visit(&mut scene(r, s, Item::Log(log), &mut Attributes::new(), at))
}

fn metric(
    r: &mut Resource,
    s: &mut Scope,
    metric: &mut Metric,
    at: At,
    visit: &mut Visit<'_>,
) -> Result<bool, EvalError> {
    if at.context == Context::Metric {
        return visit(&mut scene(r, s, Item::Metric(metric), &mut Attributes::new(), at));
    }
    let mut head = PointHead::of(&metric.data);
    let mut data = std::mem::take(&mut metric.data);
    let before = data.len();
    let mut show = |metric: &mut Metric, head: &mut PointHead, point: Point<'_>| {
        visit(&mut scene(r, s, Item::Point { metric, head, point }, &mut Attributes::new(), at))
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
