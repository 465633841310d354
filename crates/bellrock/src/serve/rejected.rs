//! Spans that samplers rejected, in the counts of objectives: what is counted of them as they arrive, and the answers it is
//! added to. The meaning of a question is that of the query language, so that both halves of a count agree.

use std::collections::BTreeMap;
use std::time::Duration;

use alerting::slo::{self, EventsQuery, Indicator, Series, Slo, minute_of, start_of};
use anyhow::Context as _;
use derived::{Counted, GroupValues, Settings, SpanCount};
use eventstore::query::GroupBy;
use foundation::UnixNanos;
use metastore::Metastore;
use model::{Labels, Signal};
use query::EventSignal;
use query::fields::spelled_value;
use query::lang::fields::Values;
use query::lang::pipe::{Group, Output};
use query::lang::{lower_pipe, parse_pipe};

use super::slos::counting_text;
use crate::config::Config;

const MINUTE: Duration = Duration::from_secs(60);

/// The settings of `derived`, with what the objectives that are written anywhere count: to be known before the log is replayed.
pub(crate) fn settings(config: &Config, store: &Metastore) -> anyhow::Result<Settings> {
    let written = &config.objectives;
    let slos = slo::written(&written.files, &written.configured, store).context("slo_files")?;
    Ok(Settings { span_counts: of_slos(&slos), ..config.derived.clone() })
}

/// What these objectives count.
pub(super) fn of_slos(slos: &[Slo]) -> Vec<SpanCount> {
    let mut counts = Vec::new();
    for slo in slos {
        let Some(Indicator::Events(events)) = &slo.indicator else { continue };
        if events.signal == Signal::Traces {
            let questions = events.filters().into_iter().filter_map(|filter| Question::new(&filter, &slo.group_by));
            counts.extend(questions.map(|q| q.count));
        }
    }
    counts
}

/// A question about spans as it is counted.
pub(super) struct Question {
    pub(super) count: SpanCount,
    /// The labels of a group and how its values are spelled.
    labels: Vec<(String, Values)>,
}

impl Question {
    /// `None` for what the language does not take: the store says why when it is asked.
    fn new(filter: &str, group_by: &[String]) -> Option<Self> {
        let text = counting_text(filter, group_by, "count()", MINUTE);
        let analysis = lower_pipe(&parse_pipe(&text).ok()?, EventSignal::Traces).ok()?;
        let Output::Table(table) = analysis.output else { return None };
        let (mut fields, mut labels) = (Vec::new(), Vec::new());
        for group in table.groups {
            match group {
                Group::Bucket(_) => {}
                Group::Field { name, by: GroupBy::Field(field), values } => {
                    fields.push(field);
                    labels.push((name, values));
                }
                Group::Field { .. } => return None,
            }
        }
        Some(Self { count: SpanCount { filter: analysis.filter, group_by: fields }, labels })
    }

    /// The question of a query, if rejected spans can be counted for it.
    pub(super) fn of(asked: &EventsQuery) -> Option<Self> {
        let of_minutes = asked.signal == Signal::Traces && asked.step == MINUTE;
        of_minutes.then(|| Self::new(&asked.filter, &asked.group_by)).flatten()
    }

    fn labels(&self, group: GroupValues) -> Labels {
        let named = self.labels.iter().zip(group);
        Labels::new(
            named
                .filter_map(|((name, values), text)| Some((name.clone(), spelled_value(text?, *values))))
                .collect::<Vec<_>>(),
        )
    }

    /// Puts together what is stored and what was rejected.
    pub(super) fn add(&self, stored: Vec<Series>, counted: Counted) -> Vec<Series> {
        let mut groups: BTreeMap<Labels, BTreeMap<UnixNanos, f64>> = BTreeMap::new();
        for Series { labels, points } in stored {
            groups.entry(labels).or_default().extend(points);
        }
        for (minute, group, n) in counted.counts {
            let points = groups.entry(self.labels(group)).or_default();
            *points.entry(start_of(minute + 1)).or_default() += n as f64;
        }
        let series =
            |(labels, points): (Labels, BTreeMap<_, _>)| Series { labels, points: points.into_iter().collect() };
        groups.into_iter().map(series).collect()
    }
}

/// The minutes of a query, the end excluded: a step stands at its end.
pub(super) fn minutes(asked: &EventsQuery) -> (i64, i64) {
    (minute_of(asked.start.minus(asked.step)), minute_of(asked.end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_halves_of_a_count_have_the_labels_of_the_language() {
        let q = Question::new("service:api kind:server", &["status".to_owned(), "http.route".to_owned()]).unwrap();
        let labels = |pairs: &[(&str, &str)]| Labels::from_pairs(pairs.iter().copied());
        let failed = labels(&[("http.route", "/a"), ("status", "error")]);
        let stored = vec![Series { labels: failed.clone(), points: vec![(start_of(3), 2.0)] }];
        let group = |status: &str, route: Option<&str>| vec![Some(status.to_owned()), route.map(str::to_owned)];
        let counts = vec![(2, group("2", Some("/a")), 5), (3, group("2", Some("/a")), 1), (2, group("0", None), 4)];
        let all = q.add(stored, Counted { exact_from: 0, counts });
        let expected = [
            Series { labels: failed, points: vec![(start_of(3), 7.0), (start_of(4), 1.0)] },
            Series { labels: labels(&[("status", "unset")]), points: vec![(start_of(3), 4.0)] },
        ];
        assert!(all.len() == 2 && expected.iter().all(|s| all.contains(s)), "{all:?}");
        assert!(Question::new("service:", &[]).is_none() && Question::new("", &[]).is_some());
    }
}
