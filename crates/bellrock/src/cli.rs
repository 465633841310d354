//! The command line. A flag wins over its environment variable, that over the file, that over the default.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Receives, stores, queries, shows and alerts on traces, metrics and logs.
#[derive(Debug, Parser)]
#[command(name = "bellrock", version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start the server.
    Serve(ServeArgs),
    /// Only receive, process and forward: an agent or a gateway, without engines and UI.
    Collect(CollectArgs),
    /// Ask a running server for logs or spans, or for what an analysis makes of them.
    Query(QueryArgs),
    /// Write logs or traces of a stopped server as a Parquet file.
    Export(ExportArgs),
    /// Send what `export` wrote to a server.
    Import(ImportArgs),
    /// Put samples from files into the metrics of a stopped server, however old they are.
    Backfill(BackfillArgs),
    /// Show what lies on disk, and what retention removes.
    Storage(StorageArgs),
    /// Say everything that there is to say about configuration files, and start nothing.
    Check(CheckArgs),
    /// Check files for Alertmanager: everything that is wrong with them, and whether Alertmanager takes them too.
    CheckConfig(CheckConfigArgs),
    /// Look at the configuration.
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Look at rule files.
    Rules {
        #[command(subcommand)]
        command: RulesCommand,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum RulesCommand {
    /// Say everything that there is to say about rule files, and whether Prometheus takes them.
    Check {
        /// Rule files.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Run unit tests of rules, in the format of `promtool test rules`.
    Test {
        /// Files with tests.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print the effective configuration with every default, as a file that can be used as it is.
    Print(ServeArgs),
}

/// What `query` takes. Times are unix milliseconds, unix nanoseconds, RFC 3339, `now` or `now-1h`.
#[derive(Debug, Args)]
pub(crate) struct QueryArgs {
    /// What to look for, as `service:api level>=warn`, and after `|` what to make of it, as
    /// `| stats count(), p95(duration) by service`; see the query language. Nothing means everything.
    #[arg(value_name = "QUERY", default_value = "", allow_hyphen_values = true)]
    pub query: String,
    /// What to look at; spans with `traces`.
    #[arg(long, value_enum, default_value = "logs")]
    pub signal: ExportSignal,
    /// The address of the server's API.
    #[arg(long, value_name = "URL", env = "BELLROCK_API", default_value = "http://127.0.0.1:8080")]
    pub api: String,
    /// Inclusive [default: one hour before --to].
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub from: Option<String>,
    /// Exclusive [default: now].
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub to: Option<String>,
    /// How to write what was found.
    #[arg(long, short, value_enum, default_value = "table")]
    pub output: QueryOutput,
}

/// How `query` writes what was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum QueryOutput {
    /// Columns, or a line per record, for people.
    Table,
    /// The answer of the API.
    Json,
    /// One object per row or record and line.
    Jsonl,
}

/// What `export` takes. Times are unix milliseconds, unix nanoseconds, RFC 3339, `now` or `now-1h`.
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// Ask a running server instead of reading a data directory: the address of its API, as http://127.0.0.1:8080.
    #[arg(long, visible_alias = "url", value_name = "URL")]
    pub api: Option<String>,
    /// Configuration file (YAML), for the data directory.
    #[arg(long, value_name = "FILE", env = "BELLROCK_CONFIG")]
    pub config: Option<PathBuf>,
    /// The data directory of a server that is stopped [default: ./bellrock-data].
    #[arg(long, value_name = "DIR", env = "BELLROCK_DATA_DIR")]
    pub data_dir: Option<PathBuf>,
    /// What to export.
    #[arg(long, value_enum)]
    pub signal: ExportSignal,
    /// Inclusive [default: one hour before --to].
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub from: Option<String>,
    /// Exclusive [default: now].
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub to: Option<String>,
    /// Only records that match, as `service:api level>=warn`; see the query language.
    #[arg(long, value_name = "FILTER", default_value = "", allow_hyphen_values = true)]
    pub filter: String,
    /// Write what can be read when blocks are damaged, and say how many are left out.
    #[arg(long)]
    pub skip_damaged: bool,
    /// The file to make; must not exist.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// What can be exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ExportSignal {
    Logs,
    Traces,
}

impl ExportSignal {
    /// As the API calls it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Logs => "logs",
            Self::Traces => "traces",
        }
    }

    pub(crate) const fn records(self) -> &'static str {
        match self {
            Self::Logs => "log records",
            Self::Traces => "spans",
        }
    }
}

/// What `check-config` takes.
#[derive(Debug, Args)]
pub(crate) struct CheckConfigArgs {
    /// Files as alertmanager.yml.
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
}

/// What `import` takes.
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// A file that `export` wrote.
    pub file: PathBuf,
    /// The OTLP/HTTP port of the server.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:4318")]
    pub url: String,
    /// Records of the file that are passed over: as many as an import that failed says are stored.
    #[arg(long, value_name = "RECORDS", default_value_t = 0)]
    pub skip: usize,
}

/// What `backfill` takes.
#[derive(Debug, Args)]
pub(crate) struct BackfillArgs {
    /// Configuration file (YAML), for the data directory, the retention, and rules and limits on series.
    #[arg(long, value_name = "FILE", env = "BELLROCK_CONFIG")]
    pub config: Option<PathBuf>,
    /// The data directory of a server that is stopped [default: ./bellrock-data].
    #[arg(long, value_name = "DIR", env = "BELLROCK_DATA_DIR")]
    pub data_dir: Option<PathBuf>,
    /// What the files are.
    #[arg(long, value_enum, default_value = "openmetrics")]
    pub format: BackfillFormat,
    /// Files with samples that have timestamps.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

/// Formats of samples in files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum BackfillFormat {
    /// OpenMetrics: timestamps in seconds, `# EOF` at the end.
    Openmetrics,
    /// The text format of Prometheus: timestamps in milliseconds.
    Text,
}

/// What `storage` takes.
#[derive(Debug, Args)]
pub(crate) struct StorageArgs {
    /// Configuration file (YAML), for the data directory and the limits.
    #[arg(long, value_name = "FILE", env = "BELLROCK_CONFIG", global = true)]
    pub config: Option<PathBuf>,
    /// The data directory of a server that is stopped [default: ./bellrock-data].
    #[arg(long, value_name = "DIR", env = "BELLROCK_DATA_DIR", global = true)]
    pub data_dir: Option<PathBuf>,
    /// Ask a running server instead: the address of its API, as http://127.0.0.1:8080.
    #[arg(long, visible_alias = "url", value_name = "URL", global = true)]
    pub api: Option<String>,
    /// Print JSON, as the API answers.
    #[arg(long)]
    pub json: bool,
    /// Print every column.
    #[arg(long)]
    pub all: bool,
    #[command(subcommand)]
    pub command: Option<StorageCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum StorageCommand {
    /// Remove what the limits of the configuration do not keep, and nothing else.
    Prune(PruneArgs),
}

#[derive(Debug, Args)]
pub(crate) struct PruneArgs {
    /// Only say what would be removed.
    #[arg(long)]
    pub dry_run: bool,
}

/// What `check` takes.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Configuration files; several are merged, the later wins.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<String>,
    /// Warnings are failures.
    #[arg(long)]
    pub strict: bool,
    /// For `collect`, which has no engines.
    #[arg(long)]
    pub collect: bool,
}

/// What `collect` takes.
#[derive(Debug, Args)]
pub(crate) struct CollectArgs {
    /// Configuration file (YAML) with pipelines; several are merged, the later wins.
    #[arg(long, value_name = "FILE", env = "BELLROCK_CONFIG", required = true)]
    pub config: Vec<String>,
    /// Where queues are kept that have to survive a crash [default: ./bellrock-data].
    #[arg(long, value_name = "DIR", env = "BELLROCK_DATA_DIR")]
    pub data_dir: Option<PathBuf>,
    /// The address that every port listens on, unless it has one of its own [default: 127.0.0.1].
    #[arg(long, value_name = "IP", env = "BELLROCK_LISTEN")]
    pub listen: Option<IpAddr>,
    /// What to log, as `info` or `warn,pipeline=debug`.
    #[arg(long, value_name = "FILTER", env = "BELLROCK_LOG", default_value = "info")]
    pub log: String,
}

/// What `serve` takes. Addresses are `host:port`; a bare port keeps the host of `--listen`.
#[derive(Debug, Args, Default)]
pub(crate) struct ServeArgs {
    /// Configuration file (YAML): our own or an OpenTelemetry Collector's; several are merged, the later wins.
    #[arg(long, value_name = "FILE", env = "BELLROCK_CONFIG")]
    pub config: Vec<String>,
    /// Where data is stored [default: ./bellrock-data].
    #[arg(long, value_name = "DIR", env = "BELLROCK_DATA_DIR")]
    pub data_dir: Option<PathBuf>,
    /// The address that every port listens on, unless it has one of its own [default: 127.0.0.1].
    #[arg(long, value_name = "IP", env = "BELLROCK_LISTEN")]
    pub listen: Option<IpAddr>,
    /// OTLP/gRPC [default: 4317].
    #[arg(long, value_name = "ADDR", env = "BELLROCK_OTLP_GRPC_LISTEN")]
    pub otlp_grpc_listen: Option<String>,
    /// OTLP/HTTP [default: 4318].
    #[arg(long, value_name = "ADDR", env = "BELLROCK_OTLP_HTTP_LISTEN")]
    pub otlp_http_listen: Option<String>,
    /// API [default: 8080].
    #[arg(long, value_name = "ADDR", env = "BELLROCK_API_LISTEN")]
    pub api_listen: Option<String>,
    /// Web UI [default: 3301].
    #[arg(long, value_name = "ADDR", env = "BELLROCK_UI_LISTEN")]
    pub ui_listen: Option<String>,
    /// Health checks [default: 13133].
    #[arg(long, value_name = "ADDR", env = "BELLROCK_HEALTH_LISTEN")]
    pub health_listen: Option<String>,
    /// The server's own metrics [default: 8888].
    #[arg(long, value_name = "ADDR", env = "BELLROCK_METRICS_LISTEN")]
    pub metrics_listen: Option<String>,
    /// API of Alertmanager, version 2 [default: 9093, when nothing else listens there].
    #[arg(long, value_name = "ADDR", env = "BELLROCK_ALERTMANAGER_LISTEN")]
    pub alertmanager_listen: Option<String>,
    /// Who is told of alerts: a file as Alertmanager has it. Read again on SIGHUP and POST /-/reload.
    #[arg(long, value_name = "FILE", env = "BELLROCK_ALERTMANAGER_CONFIG")]
    pub alertmanager_config: Option<PathBuf>,
    /// Also run the MeetsMatch demo: a generator that sends traces, logs and metrics to this server.
    #[arg(long)]
    pub demo: bool,
    /// What to log, as `info` or `warn,pipeline=debug`.
    #[arg(long, value_name = "FILTER", env = "BELLROCK_LOG", default_value = "info")]
    pub log: String,
}
