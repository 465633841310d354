// Sources that are programs. Package and variable names as in the OpenTelemetry documentation of each language.
import { environment, type Source } from "./source.ts";

const python: Source = {
  id: "python",
  title: "Python",
  group: "Languages",
  about: "Traces, metrics and logs without changes to the code.",
  steps: (target) => [
    {
      title: "Install",
      where: "shell",
      text: "pip install opentelemetry-distro opentelemetry-exporter-otlp\nopentelemetry-bootstrap -a install",
    },
    {
      title: "Configure",
      where: "environment",
      text: environment(target, [
        "export OTEL_LOGS_EXPORTER=otlp",
        "export OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED=true",
      ]),
    },
    { title: "Run", where: "shell", text: "opentelemetry-instrument python app.py" },
  ],
};

const node: Source = {
  id: "node",
  title: "Node / TypeScript",
  group: "Languages",
  about: "Express, Fastify, pg, ioredis, fetch and many more are instrumented when the process starts.",
  steps: (target) => [
    {
      title: "Install",
      where: "shell",
      text: "npm install @opentelemetry/api @opentelemetry/auto-instrumentations-node",
    },
    {
      title: "Configure",
      where: "environment",
      text: environment(target, ["export OTEL_METRICS_EXPORTER=otlp", "export OTEL_LOGS_EXPORTER=otlp"]),
    },
    {
      title: "Run",
      where: "shell",
      text: "node --require @opentelemetry/auto-instrumentations-node/register dist/server.js",
      note: "Logs are sent when the program writes them with pino, winston or bunyan.",
    },
  ],
};

const browser: Source = {
  id: "browser",
  title: "Browser / React",
  group: "Languages",
  about: "Page loads and fetch calls, connected to the traces of the API they call.",
  steps: (target) => [
    {
      title: "Install",
      where: "shell",
      text: [
        "npm install @opentelemetry/sdk-trace-web @opentelemetry/exporter-trace-otlp-http \\",
        "  @opentelemetry/resources @opentelemetry/instrumentation \\",
        "  @opentelemetry/instrumentation-fetch @opentelemetry/instrumentation-document-load",
      ].join("\n"),
    },
    {
      title: "Configure",
      where: "src/telemetry.ts",
      text: `import { registerInstrumentations } from "@opentelemetry/instrumentation";
import { DocumentLoadInstrumentation } from "@opentelemetry/instrumentation-document-load";
import { FetchInstrumentation } from "@opentelemetry/instrumentation-fetch";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor, WebTracerProvider } from "@opentelemetry/sdk-trace-web";

const exporter = new OTLPTraceExporter({ url: "${target.httpUrl}/v1/traces" });

new WebTracerProvider({
  resource: resourceFromAttributes({ "service.name": "${target.service}" }),
  spanProcessors: [new BatchSpanProcessor(exporter)],
}).register();

registerInstrumentations({
  instrumentations: [
    new DocumentLoadInstrumentation(),
    // Which of your own origins get the trace header; it must be allowed by their CORS settings.
    new FetchInstrumentation({ propagateTraceHeaderCorsUrls: [/^https?:\\/\\/localhost/] }),
  ],
});`,
    },
    { title: "Run", where: "src/main.tsx", text: 'import "./telemetry"; // before anything else' },
  ],
};

const go: Source = {
  id: "go",
  title: "Go",
  group: "Languages",
  about: "One setup function; the exporters read the OTEL_ variables.",
  steps: (target) => [
    {
      title: "Install",
      where: "shell",
      text: [
        "go get go.opentelemetry.io/otel go.opentelemetry.io/otel/sdk go.opentelemetry.io/otel/sdk/metric \\",
        "  go.opentelemetry.io/contrib/exporters/autoexport \\",
        "  go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp",
      ].join("\n"),
    },
    {
      title: "Configure",
      where: "telemetry/telemetry.go",
      text: `package telemetry

import (
	"context"
	"errors"

	"go.opentelemetry.io/contrib/exporters/autoexport"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/trace"
)

// Setup starts the SDK. Call the returned function before the process ends.
func Setup(ctx context.Context) (func(context.Context) error, error) {
	spans, err := autoexport.NewSpanExporter(ctx)
	if err != nil {
		return nil, err
	}
	reader, err := autoexport.NewMetricReader(ctx)
	if err != nil {
		return nil, err
	}
	// The default buckets start at 5: useless for durations in seconds.
	seconds := metric.NewView(
		metric.Instrument{Kind: metric.InstrumentKindHistogram, Unit: "s"},
		metric.Stream{Aggregation: metric.AggregationExplicitBucketHistogram{
			Boundaries: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}},
	)
	tracer := trace.NewTracerProvider(trace.WithBatcher(spans))
	meter := metric.NewMeterProvider(metric.WithReader(reader), metric.WithView(seconds))
	otel.SetTracerProvider(tracer)
	otel.SetMeterProvider(meter)
	otel.SetTextMapPropagator(propagation.TraceContext{})
	return func(ctx context.Context) error {
		return errors.Join(tracer.Shutdown(ctx), meter.Shutdown(ctx))
	}, nil
}`,
      note: "Use a gauge, not an up-down counter, for sizes of pools and queues.",
    },
    { title: "Run", where: "shell", text: `${environment(target)}\ngo run .` },
  ],
};

const java: Source = {
  id: "java",
  title: "Java",
  group: "Languages",
  about: "The agent instruments Spring, JDBC, gRPC, Kafka and about a hundred more libraries.",
  steps: (target) => [
    {
      title: "Install",
      where: "shell",
      text: "curl -LO https://github.com/open-telemetry/opentelemetry-java-instrumentation/releases/latest/download/opentelemetry-javaagent.jar",
    },
    { title: "Configure", where: "environment", text: environment(target) },
    { title: "Run", where: "shell", text: "java -javaagent:opentelemetry-javaagent.jar -jar app.jar" },
  ],
};

const rust: Source = {
  id: "rust",
  title: "Rust",
  group: "Languages",
  about: "Spans of the tracing crate, exported over OTLP.",
  steps: (target) => [
    {
      title: "Install",
      where: "shell",
      text: "cargo add opentelemetry opentelemetry_sdk opentelemetry-otlp tracing tracing-opentelemetry\ncargo add tracing-subscriber --features env-filter",
    },
    {
      title: "Configure",
      where: "src/telemetry.rs",
      text: `use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::prelude::*;

/// Keep the provider and call \`shutdown\` on it before the process ends.
pub fn init() -> Result<SdkTracerProvider, Box<dyn std::error::Error>> {
    let exporter = opentelemetry_otlp::SpanExporter::builder().with_http().build()?;
    let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).build();
    tracing_subscriber::registry()
        .with(tracing_subscriber::EnvFilter::from_default_env())
        .with(tracing_subscriber::fmt::layer())
        .with(tracing_opentelemetry::layer().with_tracer(provider.tracer("app")))
        .init();
    Ok(provider)
}`,
    },
    { title: "Run", where: "shell", text: `${environment(target, ["export RUST_LOG=info"])}\ncargo run` },
  ],
};

export const LANGUAGES: readonly Source[] = [node, go, browser, python, java, rust];
