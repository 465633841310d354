//! From an indicator to counts of each minute.
//!
//! Increases are `anchored`: from the last sample before the minute to the last one in it, resets included and nothing
//! extrapolated, so that counts stay whole and minutes add up to hours. A counter whose first sample already counts
//! something begins to be seen there, as everywhere in PromQL.

use std::collections::BTreeMap;
use std::time::Duration;

use foundation::UnixNanos;
use model::Labels;

use super::budget::{minute_of, start_of};
use super::ring::Count;
use super::selector::Selector;
use super::source::{EventsQuery, Series, Source};
use super::spec::{Counted, Events, Indicator, Latency};
use crate::rules::QueryError;

pub(super) const MINUTE: Duration = Duration::from_secs(60);
/// Minutes of one question: PromQL answers up to 11,000 points.
const MINUTES_MAX: i64 = 10_000;

/// Counts by group, one for each minute of the range.
pub(super) type Counts = BTreeMap<Labels, Vec<Count>>;

/// What was counted, and what is to be said about it.
#[derive(Debug, Default)]
pub(super) struct Minutes {
    pub counts: Counts,
    pub warning: Option<String>,
}

/// Counts the minutes `from..to`.
pub(super) fn count(
    source: &dyn Source,
    indicator: &Indicator,
    group_by: &[String],
    from: i64,
    to: i64,
) -> Result<Minutes, QueryError> {
    let mut all = Minutes::default();
    let mut begin = from;
    while begin < to {
        let end = to.min(begin + MINUTES_MAX);
        let range = Range { first: begin, len: (end - begin) as usize };
        let (good, total, warning) = match indicator {
            Indicator::Counters { counted, total } => {
                let total = range.promql(source, &increases(total, group_by))?;
                let part = range.promql(source, &increases(counted.of(), group_by))?;
                (good_of(counted, part, &total), total, None)
            }
            Indicator::Latency(latency) => latency_counts(source, latency, group_by, range)?,
            Indicator::Up(selectors) => {
                let over = |f: &str| sum_of(selectors, group_by, |s| format!("{f}({s}[1m])"));
                (range.promql(source, &over("sum_over_time"))?, range.promql(source, &over("count_over_time"))?, None)
            }
            Indicator::Events(events) => {
                let [total, counted] = events.filters();
                let total = range.events(source, events, total, group_by)?;
                let part = range.events(source, events, counted, group_by)?;
                (good_of(&events.counted, part, &total), total, None)
            }
        };
        range.add(&mut all.counts, (from, to), good, total);
        all.warning = warning.or(all.warning);
        begin = end;
    }
    Ok(all)
}

type Values = BTreeMap<Labels, Vec<f64>>;

/// Minutes of one question.
#[derive(Clone, Copy)]
struct Range {
    first: i64,
    len: usize,
}

impl Range {
    fn start(self) -> UnixNanos {
        start_of(self.first + 1)
    }

    fn end(self) -> UnixNanos {
        start_of(self.first + self.len as i64)
    }

    fn promql(self, source: &dyn Source, query: &str) -> Result<Values, QueryError> {
        Ok(self.spread(source.promql(query, self.start(), self.end(), MINUTE)?))
    }

    fn events(
        self,
        source: &dyn Source,
        events: &Events,
        filter: String,
        group_by: &[String],
    ) -> Result<Values, QueryError> {
        let query = EventsQuery {
            signal: events.signal,
            filter,
            group_by: group_by.to_vec(),
            start: self.start(),
            end: self.end(),
            step: MINUTE,
        };
        Ok(self.spread(source.events(&query)?))
    }

    /// Good and all events of native histograms. `anchored` knows none, and without it counts would be extrapolated: what they hold
    /// is read at the end of each minute and subtracted here. A counter that holds less than before began anew.
    fn native(
        self,
        source: &dyn Source,
        latency: &Latency,
        group_by: &[String],
    ) -> Result<(Values, Values), QueryError> {
        let Latency { histogram, threshold } = latency;
        let count = format!("histogram_count({histogram})");
        // Of no observations there is no fraction.
        let below = format!("(histogram_fraction(-Inf, {threshold}, {histogram}) * {count} >= 0) or {count} * 0");
        let ask = |query: &str| source.promql(query, start_of(self.first), self.end(), MINUTE);
        let below: BTreeMap<Labels, Vec<_>> = ask(&below)?.into_iter().map(|s| (s.labels, s.points)).collect();
        let (mut good, mut total) = (Values::new(), Values::new());
        for Series { labels, points } in ask(&count)? {
            let below: BTreeMap<UnixNanos, f64> = below.get(&labels).into_iter().flatten().copied().collect();
            let mut group = labels;
            group.retain(|name, _| group_by.iter().any(|n| n == name));
            let goods = good.entry(group.clone()).or_insert_with(|| vec![0.0; self.len]);
            let totals = total.entry(group).or_insert_with(|| vec![0.0; self.len]);
            let mut before: Option<(f64, f64)> = None;
            for (at, all) in points.into_iter().filter(|(_, all)| all.is_finite()) {
                let now = (below.get(&at).copied().unwrap_or(0.0), all);
                let from = before.replace(now).map(|was| if all < was.1 { (0.0, 0.0) } else { was });
                let minute = usize::try_from(minute_of(at) - 1 - self.first).ok().filter(|m| *m < self.len);
                if let (Some(from), Some(minute)) = (from, minute)
                    && let (Some(good), Some(total)) = (goods.get_mut(minute), totals.get_mut(minute))
                {
                    *good += now.0 - from.0;
                    *total += now.1 - from.1;
                }
            }
        }
        Ok((good, total))
    }

    /// A point at the end of a minute belongs to it; minutes without one count nothing.
    fn spread(self, series: Vec<Series>) -> Values {
        let mut values = Values::new();
        for s in series {
            let of_group = values.entry(s.labels).or_insert_with(|| vec![0.0; self.len]);
            for (at, v) in s.points {
                let minute = usize::try_from(minute_of(at) - 1 - self.first).ok();
                if let Some(place) = minute.and_then(|m| of_group.get_mut(m))
                    && v.is_finite()
                {
                    *place += v;
                }
            }
        }
        values
    }

    fn add(self, all: &mut Counts, (from, to): (i64, i64), good: Values, total: Values) {
        let offset = (self.first - from) as usize;
        for (labels, totals) in total {
            let good = good.get(&labels);
            let counts = all.entry(labels).or_insert_with(|| vec![Count::default(); (to - from) as usize]);
            for (i, total) in totals.into_iter().enumerate() {
                let good = good.and_then(|g| g.get(i)).copied().unwrap_or(0.0);
                if let Some(place) = counts.get_mut(offset + i) {
                    // Two reads of counters that grow meanwhile may be one event apart.
                    *place = Count { good: good.clamp(0.0, total.max(0.0)), total: total.max(0.0) };
                }
            }
        }
    }
}

fn good_of<T>(counted: &Counted<T>, part: Values, total: &Values) -> Values {
    match counted {
        Counted::Good(_) => part,
        Counted::Bad(_) => total
            .iter()
            .map(|(labels, totals)| {
                let bad = part.get(labels);
                let rest = |(i, total): (usize, &f64)| total - bad.and_then(|b| b.get(i)).copied().unwrap_or(0.0);
                (labels.clone(), totals.iter().enumerate().map(rest).collect())
            })
            .collect(),
    }
}

fn latency_counts(
    source: &dyn Source,
    latency: &Latency,
    group_by: &[String],
    range: Range,
) -> Result<(Values, Values, Option<String>), QueryError> {
    let lookback = Duration::from_secs(300);
    let bounds = bounds(source, latency, range.start().minus(MINUTE + lookback), range.end())?;
    if bounds.is_empty() {
        let (good, total) = range.native(source, latency, group_by)?;
        return Ok((good, total, None));
    }
    let below = |le: &Bound| range.promql(source, &increases(&[bucket(&latency.histogram, &le.text)], group_by));
    let infinite = Bound { value: f64::INFINITY, text: "+Inf".to_owned() };
    let total = below(&infinite)?;
    let threshold = latency.threshold;
    if let Some(exact) = bounds.iter().find(|b| (b.value - threshold).abs() <= threshold.abs() * 1e-9) {
        return Ok((below(exact)?, total, None));
    }
    let above = bounds.iter().find(|b| b.value > threshold);
    let under = bounds.iter().rev().find(|b| b.value < threshold);
    let Some(above) = above.filter(|b| b.value.is_finite()) else {
        let most = under.map_or("none", |b| b.text.as_str());
        let warning = format!(
            "{threshold} lies above the highest bucket ({most}): what is slower than that counts as bad; add a bucket at {threshold}"
        );
        return Ok((under.map_or(Ok(Values::new()), below)?, total, Some(warning)));
    };
    let (low, high) = (under.map_or(Ok(Values::new()), below)?, below(above)?);
    let from = under.map_or(0.0, |b| b.value);
    let part = ((threshold - from) / (above.value - from)).clamp(0.0, 1.0);
    let between = high
        .into_iter()
        .map(|(labels, highs)| {
            let lows = low.get(&labels);
            let at = |(i, high): (usize, f64)| {
                let low = lows.and_then(|l| l.get(i)).copied().unwrap_or(0.0);
                low + (high - low) * part
            };
            (labels, highs.into_iter().enumerate().map(at).collect())
        })
        .collect();
    let warning = format!(
        "{threshold} is no bucket of {}: the share between {from} and {} is estimated on a straight line; add a bucket at {threshold} for exact counts",
        latency.histogram, above.text
    );
    Ok((between, total, Some(warning)))
}

struct Bound {
    value: f64,
    text: String,
}

/// The buckets of a classic histogram, sorted; none when it is native, or not there.
fn bounds(source: &dyn Source, latency: &Latency, start: UnixNanos, end: UnixNanos) -> Result<Vec<Bound>, QueryError> {
    let texts = source.label_values(&latency.histogram.with_suffix("_bucket").to_string(), "le", start, end)?;
    let mut bounds: Vec<Bound> =
        texts.into_iter().filter_map(|text| Some(Bound { value: text.parse().ok()?, text })).collect();
    bounds.sort_by(|a, b| a.value.total_cmp(&b.value));
    Ok(bounds)
}

/// The bucket of a histogram up to `le`.
fn bucket(histogram: &Selector, le: &str) -> Selector {
    histogram.with_suffix("_bucket").with_label("le", le)
}

fn increases(selectors: &[Selector], group_by: &[String]) -> String {
    sum_of(selectors, group_by, |s| format!("increase({s}[1m] anchored)"))
}

/// The sum over all selectors, each of which may have nothing.
fn sum_of(selectors: &[Selector], group_by: &[String], of: impl Fn(&Selector) -> String) -> String {
    let by: Vec<String> = group_by.iter().map(|name| label(name)).collect();
    let by = if by.is_empty() { String::new() } else { format!(" by ({})", by.join(", ")) };
    match selectors {
        [one] => format!("sum{by} ({})", of(one)),
        // `or` would drop one of two with equal labels, so each gets a mark of its own.
        several => {
            let parts = several
                .iter()
                .enumerate()
                .map(|(i, s)| format!("label_replace(sum{by} ({}), \"part\", \"{i}\", \"\", \"\")", of(s)));
            format!("sum{by} ({})", parts.collect::<Vec<_>>().join(" or "))
        }
    }
}

/// A label name in PromQL; quoted unless it is plain.
fn label(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if plain { name.to_owned() } else { format!("{name:?}") }
}

/// Bad events between two times, by the value of `by`; the largest first.
pub(super) fn spent_by(
    source: &dyn Source,
    indicator: &Indicator,
    by: &str,
    (from, to): (i64, i64),
) -> Result<Vec<(String, Count)>, QueryError> {
    let counted = count(source, indicator, std::slice::from_ref(&by.to_owned()), from, to)?;
    let mut spent: Vec<(String, Count)> = counted
        .counts
        .into_iter()
        .map(|(labels, minutes)| {
            let value = labels.iter().next().map_or("", |(_, v)| v).to_owned();
            (value, minutes.into_iter().fold(Count::default(), |sum, c| sum + c))
        })
        .collect();
    spent.sort_by(|a, b| b.1.bad().total_cmp(&a.1.bad()).then_with(|| a.0.cmp(&b.0)));
    Ok(spent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_query_is_promql() {
        let selectors = ["a_total", "{\"http.total\", x=\"1\"}"].map(|s| Selector::parse(s).unwrap());
        for query in
            [increases(&selectors[..1], &[]), increases(&selectors, &["service".to_owned(), "http.route".to_owned()])]
        {
            promql::parse(&query).unwrap_or_else(|e| panic!("{query}: {e}"));
        }
    }
}
