//! What is asked of a series that is new to the head: rules that keep it out, limits on labels, and how many there may be.

use std::sync::Arc;

use hashbrown::HashMap;
use roaring::RoaringBitmap;
use rustc_hash::FxBuildHasher;

use super::index::{HeadIndex, UNNAMED};
use crate::aggregate::Rules;
use crate::batch::{Batch, BatchValue, Found, Mode};
use crate::matcher::{Compiled, Matcher};
use crate::options::Options;
use crate::outcome::Refusal;
use crate::{TsdbError, key};

/// The label that scrapes and OTLP name the sender by.
const JOB: &str = "job";

/// Each limit at its largest when there is none.
#[derive(Debug)]
pub(crate) struct Limits {
    pub(crate) max_series: usize,
    per_metric: usize,
    per_job: usize,
    labels: usize,
    name_bytes: usize,
    value_bytes: usize,
    drop: Vec<Vec<Compiled>>,
    keep: Vec<Vec<Compiled>>,
    pub(crate) aggregate: Arc<Rules>,
}

impl Limits {
    /// Only a limit on series.
    pub(crate) fn only(max_series: usize) -> Self {
        let max_series = max_series.min(UNNAMED as usize);
        let [per_metric, per_job, labels, name_bytes, value_bytes] = [usize::MAX; 5];
        let (drop, keep, aggregate) = Default::default();
        Self { max_series, per_metric, per_job, labels, name_bytes, value_bytes, drop, keep, aggregate }
    }

    /// # Errors
    /// A rule has a bad regular expression.
    pub(crate) fn of(options: &Options) -> Result<Self, TsdbError> {
        let compile = |rules: &[Vec<Matcher>]| {
            let rule = |rule: &Vec<Matcher>| rule.iter().map(Compiled::new).collect::<Result<Vec<_>, _>>();
            rules.iter().map(rule).collect::<Result<Vec<_>, _>>()
        };
        let limits = &options.series_limits;
        let or_none = |limit: Option<usize>| limit.unwrap_or(usize::MAX);
        Ok(Self {
            per_metric: or_none(limits.series_per_metric),
            per_job: or_none(limits.series_per_job),
            labels: or_none(limits.labels),
            name_bytes: or_none(limits.label_name_bytes),
            value_bytes: or_none(limits.label_value_bytes),
            drop: compile(&options.drop_series)?,
            keep: compile(&options.keep_series)?,
            aggregate: Arc::new(Rules::new(&options.aggregate)?),
            ..Self::only(options.max_series)
        })
    }

    /// Whether rules keep this series out.
    pub(super) fn drops(&self, key: &[u8]) -> bool {
        let matches = |rule: &Vec<Compiled>| rule.iter().all(|m| m.matches(key::get(key, &m.name)));
        self.drop.iter().any(matches) || (!self.keep.is_empty() && !self.keep.iter().any(matches))
    }

    /// Finds the series that rules add up, and says so at their floats. Their exemplars have no series to be kept with.
    ///
    /// What the head has was there before its rule, unless it is one of `sums`: a series may be called as the sum it goes into.
    pub(super) fn mark_inputs(&self, sums: &RoaringBitmap, batch: &mut Batch) {
        if self.aggregate.is_empty() {
            return;
        }
        let mut any = false;
        let may_be = |found: &Found| found.id.is_none_or(|id| sums.contains(id));
        for (series, found) in batch.buf.series.iter().zip(&mut batch.found).filter(|(_, found)| may_be(found)) {
            let key = batch.buf.key_of(series);
            if !self.drops(key) && self.aggregate.of(key).is_some() {
                *found = Found { input: true, ..Found::default() };
                any = true;
            }
        }
        if !any {
            return;
        }
        let is_input = |series: u32| batch.found.get(series as usize).is_some_and(|found| found.input);
        for s in batch.buf.samples.iter_mut().filter(|s| is_input(s.series)) {
            s.mode = match (s.mode, s.value) {
                (Mode::Set, BatchValue::Float(_)) => Mode::Input,
                (Mode::Add, BatchValue::Float(_)) => Mode::InputAdd,
                (mode, _) => mode,
            };
        }
        batch.exemplars.retain(|(series, _)| !is_input(*series));
        // Histograms are stored as ever.
        for s in batch.buf.samples.iter().filter(|s| !s.mode.is_input()) {
            if let Some(found) = batch.found.get_mut(s.series as usize) {
                found.input = false;
            }
        }
    }

    fn check_labels(&self, key: &[u8]) -> Result<(), Refusal> {
        // Prometheus counts the metric name as a label, too.
        if self.labels < usize::MAX && key::iter(key).count() > self.labels {
            return Err(Refusal::TooManyLabels);
        }
        if self.name_bytes < usize::MAX && key::iter(key).any(|(name, _)| name.len() > self.name_bytes) {
            return Err(Refusal::LabelNameTooLong);
        }
        if self.value_bytes < usize::MAX && key::iter(key).any(|(_, value)| value.len() > self.value_bytes) {
            return Err(Refusal::LabelValueTooLong);
        }
        Ok(())
    }
}

/// Counts the new series of one batch beside those of the head.
pub(super) struct Census<'a> {
    limits: &'a Limits,
    index: &'a HeadIndex,
    /// By label (metric name or job) and value.
    new: HashMap<(&'static str, String), usize, FxBuildHasher>,
}

impl<'a> Census<'a> {
    pub(super) fn new(limits: &'a Limits, index: &'a HeadIndex) -> Self {
        Self { limits, index, new: HashMap::default() }
    }

    /// Counts the new series of one point; of one that is refused none is counted. Gives the place among `keys` of the
    /// series that is too much.
    pub(super) fn enter<'k>(&mut self, keys: impl Iterator<Item = &'k [u8]> + Clone) -> Result<(), (Refusal, usize)> {
        for (at, key) in keys.clone().enumerate() {
            let checked = self.limits.check_labels(key).and_then(|()| self.count(key));
            if let Err(refusal) = checked {
                keys.take(at).for_each(|key| self.forget(key));
                return Err((refusal, at));
            }
        }
        Ok(())
    }

    fn count(&mut self, key: &[u8]) -> Result<(), Refusal> {
        self.count_label(model::labels::NAME, key, self.limits.per_metric).map_err(|()| Refusal::MetricLimit)?;
        self.count_label(JOB, key, self.limits.per_job).map_err(|()| {
            self.forget_label(model::labels::NAME, key);
            Refusal::JobLimit
        })
    }

    fn count_label(&mut self, name: &'static str, key: &[u8], max: usize) -> Result<(), ()> {
        let value = key::get(key, name);
        if max == usize::MAX || value.is_empty() {
            return Ok(());
        }
        let known = self.index.count(name, value) as usize;
        let new = self.new.entry((name, value.to_owned())).or_default();
        if known + *new >= max {
            return Err(());
        }
        *new += 1;
        Ok(())
    }

    pub(super) fn forget(&mut self, key: &[u8]) {
        self.forget_label(model::labels::NAME, key);
        self.forget_label(JOB, key);
    }

    fn forget_label(&mut self, name: &'static str, key: &[u8]) {
        if let Some(new) = self.new.get_mut(&(name, key::get(key, name).to_owned())) {
            *new = new.saturating_sub(1);
        }
    }
}
