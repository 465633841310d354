//! What is scraped, validated: the fields of Prometheus' `scrape_config` under the same names.

use std::path::PathBuf;
use std::time::Duration;

use model::Labels;
use net::HttpConfig;

use super::relabel::Rule;

/// Everything that is scraped.
#[derive(Debug, Clone, Default)]
pub struct Scraping {
    /// The pools of targets; names differ.
    pub pools: Vec<ScrapeConfig>,
    /// Labels for what leaves this server (federation, alerts). Stored samples do not get them, as in Prometheus.
    pub external_labels: Labels,
}

/// One pool of targets.
#[derive(Debug, Clone)]
pub struct ScrapeConfig {
    /// The label `job` of its targets.
    pub job_name: String,
    /// Time between two scrapes of a target.
    pub scrape_interval: Duration,
    /// When a scrape gives up; at most the interval.
    pub scrape_timeout: Duration,
    /// In order of preference.
    pub scrape_protocols: Vec<Protocol>,
    /// For targets whose answer has no content type that is known.
    pub fallback_scrape_protocol: Option<Protocol>,
    /// Path of the URL.
    pub metrics_path: String,
    /// Query parameters of the URL.
    pub params: Vec<(String, Vec<String>)>,
    /// Labels of the target win against nothing: those that the target shows stay.
    pub honor_labels: bool,
    /// Times that the target shows are used.
    pub honor_timestamps: bool,
    /// Series with times of their own become stale, too.
    pub track_timestamps_staleness: bool,
    /// Ask for gzip.
    pub enable_compression: bool,
    /// Native histograms, where a target has them.
    pub scrape_native_histograms: bool,
    /// Also the classic series of a histogram that comes native.
    pub always_scrape_classic_histograms: bool,
    /// `http` or `https`, for targets that say nothing else.
    pub scheme: Scheme,
    /// Who asks and how: authorization, certificates, proxy, headers, redirects.
    pub http: HttpConfig,
    /// Targets that are written down.
    pub static_configs: Vec<Group>,
    /// Targets in files.
    pub file_sd_configs: Vec<FileSd>,
    /// What becomes of targets.
    pub relabel_configs: Vec<Rule>,
    /// What becomes of series.
    pub metric_relabel_configs: Vec<Rule>,
    /// Bounds on a scrape and on the pool; 0 is none.
    pub limits: ScrapeLimits,
}

/// Bounds of a pool, each 0 for none. What exceeds one fails the scrape.
#[derive(Debug, Clone, Copy, Default)]
pub struct ScrapeLimits {
    /// Bytes of an answer, decompressed.
    pub body_size_limit: usize,
    /// Samples of a scrape, after relabelling.
    pub sample_limit: usize,
    /// Labels of a series.
    pub label_limit: usize,
    /// Bytes of a label's name.
    pub label_name_length_limit: usize,
    /// Bytes of a label's value.
    pub label_value_length_limit: usize,
    /// Targets of the pool; with more, none is scraped.
    pub target_limit: usize,
}

/// Bytes of an answer, decompressed, where nothing is configured: memory is not the target's to take.
pub const BODY_BYTES_MAX: usize = 256 << 20;

/// A format that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// `PrometheusProto`
    PrometheusProto,
    /// `OpenMetricsText1.0.0`
    OpenMetricsText1,
    /// `OpenMetricsText0.0.1`
    OpenMetricsText0,
    /// `PrometheusText1.0.0`
    PrometheusText1,
    /// `PrometheusText0.0.4`
    PrometheusText0,
}

impl Protocol {
    /// All of them, in Prometheus' order of preference when native histograms are not wanted.
    pub const DEFAULT: [Self; 4] =
        [Self::OpenMetricsText1, Self::OpenMetricsText0, Self::PrometheusText1, Self::PrometheusText0];
    /// With native histograms the protobuf format goes first.
    pub const NATIVE: [Self; 5] = [
        Self::PrometheusProto,
        Self::OpenMetricsText1,
        Self::OpenMetricsText0,
        Self::PrometheusText1,
        Self::PrometheusText0,
    ];

    /// As the configuration spells it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::PrometheusProto => "PrometheusProto",
            Self::OpenMetricsText1 => "OpenMetricsText1.0.0",
            Self::OpenMetricsText0 => "OpenMetricsText0.0.1",
            Self::PrometheusText1 => "PrometheusText1.0.0",
            Self::PrometheusText0 => "PrometheusText0.0.4",
        }
    }

    /// As the `Accept` header spells it.
    pub(super) const fn media_type(self) -> &'static str {
        match self {
            Self::PrometheusProto => {
                "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"
            }
            Self::OpenMetricsText1 => "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8",
            Self::OpenMetricsText0 => "application/openmetrics-text;version=0.0.1",
            Self::PrometheusText1 => "text/plain;version=1.0.0;escaping=allow-utf-8",
            Self::PrometheusText0 => "text/plain;version=0.0.4",
        }
    }
}

/// How a target is connected to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scheme {
    /// In the clear.
    #[default]
    Http,
    /// Over TLS.
    Https,
}

impl Scheme {
    /// As the configuration and addresses spell it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// The one with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Http, Self::Https].into_iter().find(|scheme| scheme.name() == name)
    }

    /// Where a target listens that does not say so.
    pub(super) const fn port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// Targets with labels in common.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Group {
    /// `host:port` each.
    pub targets: Vec<String>,
    /// Of every target.
    pub labels: Vec<(String, String)>,
}

/// Targets in files that may change.
#[derive(Debug, Clone)]
pub struct FileSd {
    /// Paths; the last part of one may have a `*`.
    pub files: Vec<PathBuf>,
    /// How often they are looked at.
    pub refresh_interval: Duration,
}
