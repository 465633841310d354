//! The sections as they are written; an unknown name is an error, and so is one that this build does not have.

use std::collections::BTreeMap;
use std::path::PathBuf;

use net::tls::TlsConfig;
use net::{Authorization, BasicAuth, HeaderValues, HttpConfig, OAuth2, Secret};
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

use crate::config::raw::Size;

/// A setting of Prometheus that this build has not: to leave it out quietly would be to do something else than was asked for.
#[derive(Debug)]
pub(in crate::config) struct Refused;

impl<'de> Deserialize<'de> for Refused {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(D::Error::custom(
            "Prometheus has this setting, this build does not support it yet; targets are found by static_configs and \
             file_sd_configs",
        ))
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(in crate::config) struct Global {
    pub scrape_interval: Option<String>,
    pub scrape_timeout: Option<String>,
    pub scrape_protocols: Option<Vec<String>>,
    pub evaluation_interval: Option<String>,
    pub rule_query_offset: Option<String>,
    pub external_labels: BTreeMap<String, String>,
    pub scrape_native_histograms: Option<bool>,
    pub always_scrape_classic_histograms: Option<bool>,
    pub convert_classic_histograms_to_nhcb: Option<bool>,
    pub body_size_limit: Option<Size>,
    pub sample_limit: Option<usize>,
    pub label_limit: Option<usize>,
    pub label_name_length_limit: Option<usize>,
    pub label_value_length_limit: Option<usize>,
    pub target_limit: Option<usize>,
    /// Dropped targets are always remembered, up to a thousand.
    pub keep_dropped_targets: Option<u64>,
    /// Names are UTF-8, whatever is asked for.
    pub metric_name_validation_scheme: Option<String>,
    pub metric_name_escaping_scheme: Option<String>,
    pub query_log_file: Option<Refused>,
    pub scrape_failure_log_file: Option<Refused>,
}

/// Bounds that `global` and a job both have.
#[derive(Debug, Default)]
pub(super) struct Limits {
    pub body_size_limit: Option<Size>,
    pub sample_limit: Option<usize>,
    pub label_limit: Option<usize>,
    pub label_name_length_limit: Option<usize>,
    pub label_value_length_limit: Option<usize>,
    pub target_limit: Option<usize>,
}

macro_rules! take_limits {
    ($from:expr) => {
        Limits {
            body_size_limit: $from.body_size_limit.take(),
            sample_limit: $from.sample_limit,
            label_limit: $from.label_limit,
            label_name_length_limit: $from.label_name_length_limit,
            label_value_length_limit: $from.label_value_length_limit,
            target_limit: $from.target_limit,
        }
    };
}

impl Global {
    pub(super) fn take_limits(&mut self) -> Limits {
        take_limits!(self)
    }
}

impl Job {
    /// What `http_config` is elsewhere stands in the job itself.
    pub(super) fn take_http(&mut self) -> HttpConfig {
        let usual = HttpConfig::default();
        HttpConfig {
            basic_auth: self.basic_auth.take(),
            authorization: self.authorization.take(),
            oauth2: self.oauth2.take(),
            bearer_token: self.bearer_token.take(),
            bearer_token_file: self.bearer_token_file.take(),
            tls_config: std::mem::take(&mut self.tls_config),
            follow_redirects: self.follow_redirects.unwrap_or(usual.follow_redirects),
            enable_http2: self.enable_http2.unwrap_or(usual.enable_http2),
            http_headers: std::mem::take(&mut self.http_headers),
            proxy_url: self.proxy_url.take(),
            no_proxy: std::mem::take(&mut self.no_proxy),
            proxy_from_environment: self.proxy_from_environment,
            proxy_connect_header: std::mem::take(&mut self.proxy_connect_header),
        }
    }

    pub(super) fn take_limits(&mut self) -> Limits {
        take_limits!(self)
    }
}

/// `receivers.prometheus`, as in the Collector.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(in crate::config) struct PrometheusReceiver {
    pub config: PrometheusConfig,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(in crate::config) struct PrometheusConfig {
    pub global: Global,
    pub scrape_configs: Vec<Job>,
}

/// One entry of `scrape_configs`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(in crate::config) struct Job {
    pub job_name: String,
    pub scrape_interval: Option<String>,
    pub scrape_timeout: Option<String>,
    pub scrape_protocols: Option<Vec<String>>,
    pub fallback_scrape_protocol: Option<String>,
    pub metrics_path: Option<String>,
    pub params: BTreeMap<String, Vec<String>>,
    pub scheme: Option<String>,
    pub honor_labels: Option<bool>,
    pub honor_timestamps: Option<bool>,
    pub track_timestamps_staleness: Option<bool>,
    pub enable_compression: Option<bool>,
    pub scrape_native_histograms: Option<bool>,
    pub always_scrape_classic_histograms: Option<bool>,
    pub convert_classic_histograms_to_nhcb: Option<bool>,
    pub metric_name_validation_scheme: Option<String>,
    pub metric_name_escaping_scheme: Option<String>,
    pub static_configs: Vec<StaticConfig>,
    pub file_sd_configs: Vec<FileSd>,
    pub relabel_configs: Vec<Relabel>,
    pub metric_relabel_configs: Vec<Relabel>,
    pub basic_auth: Option<BasicAuth>,
    pub authorization: Option<Authorization>,
    pub oauth2: Option<OAuth2>,
    pub bearer_token: Option<Secret>,
    pub bearer_token_file: Option<PathBuf>,
    pub tls_config: TlsConfig,
    pub http_headers: BTreeMap<String, HeaderValues>,
    pub follow_redirects: Option<bool>,
    pub enable_http2: Option<bool>,
    pub proxy_url: Option<Secret>,
    pub no_proxy: String,
    pub proxy_from_environment: bool,
    pub proxy_connect_header: BTreeMap<String, Vec<Secret>>,
    pub body_size_limit: Option<Size>,
    pub sample_limit: Option<usize>,
    pub label_limit: Option<usize>,
    pub label_name_length_limit: Option<usize>,
    pub label_value_length_limit: Option<usize>,
    pub target_limit: Option<usize>,
    /// Dropped targets are always remembered, up to a thousand.
    pub keep_dropped_targets: Option<u64>,
    pub scrape_failure_log_file: Option<Refused>,
    pub native_histogram_bucket_limit: Option<Refused>,
    pub native_histogram_min_bucket_factor: Option<Refused>,
    pub azure_sd_configs: Option<Refused>,
    pub consul_sd_configs: Option<Refused>,
    pub digitalocean_sd_configs: Option<Refused>,
    pub dns_sd_configs: Option<Refused>,
    pub docker_sd_configs: Option<Refused>,
    pub dockerswarm_sd_configs: Option<Refused>,
    pub ec2_sd_configs: Option<Refused>,
    pub eureka_sd_configs: Option<Refused>,
    pub gce_sd_configs: Option<Refused>,
    pub hetzner_sd_configs: Option<Refused>,
    pub http_sd_configs: Option<Refused>,
    pub ionos_sd_configs: Option<Refused>,
    pub kubernetes_sd_configs: Option<Refused>,
    pub kuma_sd_configs: Option<Refused>,
    pub lightsail_sd_configs: Option<Refused>,
    pub linode_sd_configs: Option<Refused>,
    pub marathon_sd_configs: Option<Refused>,
    pub nerve_sd_configs: Option<Refused>,
    pub nomad_sd_configs: Option<Refused>,
    pub openstack_sd_configs: Option<Refused>,
    pub ovhcloud_sd_configs: Option<Refused>,
    pub puppetdb_sd_configs: Option<Refused>,
    pub scaleway_sd_configs: Option<Refused>,
    pub serverset_sd_configs: Option<Refused>,
    pub stackit_sd_configs: Option<Refused>,
    pub triton_sd_configs: Option<Refused>,
    pub uyuni_sd_configs: Option<Refused>,
    pub vultr_sd_configs: Option<Refused>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(in crate::config) struct StaticConfig {
    pub targets: Vec<String>,
    pub labels: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(in crate::config) struct FileSd {
    pub files: Vec<PathBuf>,
    pub refresh_interval: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(in crate::config) struct Relabel {
    pub source_labels: Vec<String>,
    pub separator: Option<String>,
    pub regex: Option<String>,
    pub modulus: Option<u64>,
    pub target_label: Option<String>,
    pub replacement: Option<String>,
    pub action: Option<String>,
}
