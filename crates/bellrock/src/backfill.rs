//! `bellrock backfill`: samples from files straight into blocks of a stopped server, however old they are.
//!
//! What `promtool tsdb create-blocks-from openmetrics` is for Prometheus. All files are read once before anything is stored, so that
//! a mistake in the last one does not leave the others half a day before.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use foundation::clock::SystemClock;
use foundation::disk::RealDisk;
use tsdb::{Backfill, Batch, Metadata, Tsdb, TsdbError};
use wire::prometheus::exposition::{self, ExpositionSink, Format, Options, SampleRef};
use wire::prometheus::{MetadataRef, MetricType};

use crate::cli::{BackfillArgs, BackfillFormat};
use crate::config::Config;
use crate::data_dir;

/// A file is read as a whole: OpenMetrics tells the begin of a counter behind its samples.
const FILE_BYTES_MAX: u64 = 4 << 30;
/// Memory of samples before they are written.
const SAMPLES_BYTES_MAX: usize = 256 << 20;
/// Samples that are handed over at once.
const BATCH: usize = 10_000;

/// Stores the samples of the files; what is to be printed.
pub(crate) fn run(args: &BackfillArgs, config: &Config) -> anyhow::Result<String> {
    let format = match args.format {
        BackfillFormat::Openmetrics => Format::OpenMetrics,
        BackfillFormat::Text => Format::Text,
    };
    let locked =
        data_dir::existing(&config.data_dir).context("backfill writes into the data directory of a stopped server")?;
    for path in &args.files {
        let mut check = Check::default();
        parse(path, format, &read(path)?, &mut check)?;
        if let Some(series) = check.without_time {
            bail!("{}: a sample of {series} has no timestamp", path.display());
        }
        if check.samples == 0 {
            bail!("{}: there are no samples", path.display());
        }
    }
    let options = tsdb::Options {
        retention: config.limits.metrics.retention,
        min_free_bytes: config.limits.min_free,
        ..tsdb::Options::new(locked.path.join("metrics"))
    };
    let options = config.metrics_engine.apply(options);
    let db =
        Tsdb::open(Arc::new(RealDisk), Arc::new(SystemClock), options).context("cannot open the metrics engine")?;
    let mut backfill = db.backfill(SAMPLES_BYTES_MAX);
    let (mut refused, mut why) = (0, String::new());
    for path in &args.files {
        let batch = backfill.batch();
        let mut store = Store { into: &mut backfill, batch, refused: 0, why: String::new(), failed: None };
        parse(path, format, &read(path)?, &mut store)?;
        store.hand_over();
        if let Some(e) = store.failed {
            return Err(e).with_context(|| format!("cannot store the samples of {}", path.display()));
        }
        refused += store.refused;
        if why.is_empty() {
            why = store.why;
        }
    }
    let stored = backfill.finish()?;
    db.close()?;
    let (samples, blocks, bytes) = (stored.samples, stored.blocks, stored.bytes);
    let mut out = format!("stored {samples} samples in {blocks} blocks of {bytes} bytes\n");
    if refused > 0 {
        let _ = writeln!(out, "refused {refused} samples: {why}");
    }
    if samples == 0 && refused > 0 {
        bail!("{}; `storage.retention` says how long samples are kept", out.trim_end());
    }
    Ok(out)
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let named = || format!("cannot read {}", path.display());
    let len = std::fs::metadata(path).with_context(named)?.len();
    if len > FILE_BYTES_MAX {
        bail!("{} is larger than 4 GiB; split it between two metrics, each part with # EOF at its end", path.display());
    }
    std::fs::read(path).with_context(named)
}

fn parse(path: &Path, format: Format, text: &[u8], sink: &mut impl ExpositionSink) -> anyhow::Result<()> {
    let options = Options { native: true, always_classic: true, ..Options::default() };
    exposition::parse(format, text, &options, sink).with_context(|| {
        let other = match format {
            Format::OpenMetrics => "OpenMetrics (for the text format, with times in milliseconds, say --format text)",
            _ => "the text format",
        };
        format!("{} is not {other}", path.display())
    })
}

/// Looks whether every sample has a time.
#[derive(Default)]
struct Check {
    samples: u64,
    /// The first series of which a sample has none.
    without_time: Option<String>,
}

impl ExpositionSink for Check {
    fn sample(&mut self, s: &SampleRef<'_>) {
        self.samples += 1;
        if s.t.is_none() && self.without_time.is_none() {
            self.without_time = Some(String::from_utf8_lossy(s.raw).into_owned());
        }
    }

    fn metadata(&mut self, _: &MetadataRef<'_>) {}
}

/// Hands samples over, some thousand at a time.
struct Store<'a, 'db> {
    into: &'a mut Backfill<'db>,
    batch: Batch,
    refused: u64,
    /// Why, the first time.
    why: String,
    failed: Option<TsdbError>,
}

impl Store<'_, '_> {
    fn hand_over(&mut self) {
        let batch = std::mem::replace(&mut self.batch, self.into.batch());
        if self.failed.is_some() {
            return;
        }
        match self.into.append(batch) {
            Ok(done) => {
                self.refused += done.refusals.iter().map(|(_, _, n)| n).sum::<u64>();
                if self.why.is_empty() {
                    self.why = done.message();
                }
            }
            Err(e) => self.failed = Some(e),
        }
    }
}

impl ExpositionSink for Store<'_, '_> {
    fn sample(&mut self, s: &SampleRef<'_>) {
        let Some(t) = s.t else { return };
        let series = self.batch.series(s.labels.iter().map(|(n, v)| (n.as_ref(), v.as_ref())));
        pipeline::series::store(series, s, t);
        if self.batch.len() >= BATCH {
            self.hand_over();
        }
    }

    fn metadata(&mut self, m: &MetadataRef<'_>) {
        // Type, unit and help come on lines of their own: the type says most.
        if m.kind != MetricType::Unknown {
            let (unit, help) = (m.unit.to_owned(), m.help.to_owned());
            self.batch.metadata(m.family, Metadata { kind: pipeline::series::metric_type(m.kind), unit, help });
        }
    }
}

#[cfg(test)]
mod tests {
    use model::AccessScope;
    use tsdb::{MatchOp, Matcher, ReadLimits};

    use super::*;
    use crate::cli::ServeArgs;

    const TEXT: &str = "# HELP shop_orders_total Orders.\n# TYPE shop_orders_total counter\nshop_orders_total{shop=\"a\"} 1 TIME0\n\
                        shop_orders_total{shop=\"a\"} 7 TIME1\nshop_orders_total{shop=\"b\"} 3 TIME1\n";

    fn fill(dir: &Path, text: &str, format: BackfillFormat) -> anyhow::Result<String> {
        let file = dir.join("samples.txt");
        foundation::disk::write_atomic(&RealDisk, &file, text.as_bytes())?;
        let serve = ServeArgs { data_dir: Some(dir.join("data")), ..ServeArgs::default() };
        drop(data_dir::open(&dir.join("data"))?);
        run(
            &BackfillArgs { config: None, data_dir: None, format, files: vec![file] },
            &crate::config::load(&serve)?.config,
        )
    }

    #[test]
    fn samples_of_last_week_are_stored_and_mistakes_are_told_before() {
        use foundation::Clock as _;

        let dir = tempfile::tempdir().unwrap();
        let week_ago = SystemClock.now().as_millis() / 1000 - 7 * 86_400;
        let text = TEXT.replace("TIME0", &week_ago.to_string()).replace("TIME1", &(week_ago + 60).to_string());
        let wrong = |text: &str| format!("{:#}", fill(dir.path(), text, BackfillFormat::Openmetrics).unwrap_err());
        assert!(wrong(&text).contains("data does not end with # EOF"), "{}", wrong(&text));
        assert!(wrong("up 1\n# EOF\n").contains("a sample of up has no timestamp"));
        assert!(!dir.path().join("data/metrics").exists(), "nothing is stored of what is wrong");

        let out = fill(dir.path(), &format!("{text}# EOF\n"), BackfillFormat::Openmetrics).unwrap();
        assert!(out.starts_with("stored 3 samples in "), "{out}");
        let old = fill(dir.path(), "up 1 1000\n", BackfillFormat::Text).unwrap_err().to_string();
        assert!(
            old.contains("stored 0 samples in 0 blocks") && old.contains("refused 1 samples: out of bounds"),
            "{old}"
        );

        let options = tsdb::Options::new(dir.path().join("data/metrics"));
        let db = Tsdb::open(Arc::new(RealDisk), Arc::new(SystemClock), options).unwrap();
        let named = [Matcher::new("__name__", MatchOp::Eq, "shop_orders_total")];
        let found = db.select(&AccessScope::ALL, &named, (i64::MIN, i64::MAX), ReadLimits::default()).unwrap();
        let values: Vec<Vec<f64>> =
            found.series.iter().map(|s| s.samples().unwrap().iter().map(|s| s.v).collect()).collect();
        assert_eq!(values, [vec![1.0, 7.0], vec![3.0]]);
    }
}
