// Records one story with the OpenTelemetry JavaScript SDK and exports it; the same code in Node and in a browser.
//
// Returns the facts that the reader must find again: ids and times, the rest is the same in every run.

import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { SeverityNumber } from "@opentelemetry/api-logs";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from "@opentelemetry/sdk-logs";
import { AggregationTemporality, InMemoryMetricExporter, MeterProvider, PeriodicExportingMetricReader } from "@opentelemetry/sdk-metrics";
import attributes from "./attributes.json" with { type: "json" };

const nanos = ([seconds, rest]) => String(BigInt(seconds) * 1_000_000_000n + BigInt(rest));

const exported = (exporter, items) =>
  new Promise((resolve, reject) => {
    exporter.export(items, ({ code, error }) => (code === 0 ? resolve() : reject(error ?? new Error("export failed"))));
  });

export async function sendTraces({ provider, recorded, exporter }) {
  const tracer = provider.getTracer("shop.web", "7.8");
  const root = tracer.startSpan("GET /cart", { kind: SpanKind.SERVER, attributes, root: true });
  const elsewhere = { traceId: "0102030405060708090a0b0c0d0e0f10", spanId: "1112131415161718", traceFlags: 1 };
  const child = tracer.startSpan(
    "SELECT cart",
    { kind: SpanKind.CLIENT, links: [{ context: elsewhere, attributes: { why: "retry of", attempt: 2 } }] },
    trace.setSpan(ROOT_CONTEXT, root),
  );
  child.addEvent("cache miss", { key: "cart:7", tries: 3 });
  child.recordException(new Error("no such cart: 7"));
  child.setStatus({ code: SpanStatusCode.ERROR, message: "cart is gone" });
  child.end();
  root.setStatus({ code: SpanStatusCode.OK });
  root.end();
  await provider.forceFlush();
  const spans = recorded.getFinishedSpans();
  await exported(exporter, spans);
  return spans.map((span) => ({
    trace_id: span.spanContext().traceId,
    span_id: span.spanContext().spanId,
    parent_span_id: span.parentSpanContext?.spanId ?? "",
    name: span.name,
    start_unix_nano: nanos(span.startTime),
    end_unix_nano: nanos(span.endTime),
    events: span.events.map((event) => [event.name, nanos(event.time)]),
  }));
}

export async function sendLogs({ resource, exporter, context }) {
  const recorded = new InMemoryLogRecordExporter();
  const provider = new LoggerProvider({
    resource: resourceFromAttributes(resource),
    processors: [new SimpleLogRecordProcessor({ exporter: recorded })],
  });
  const logger = provider.getLogger("shop.web", "7.8");
  const inSpan = context && trace.setSpanContext(ROOT_CONTEXT, { ...context, traceFlags: 1 });
  const shared = { severityNumber: SeverityNumber.ERROR, severityText: "error", attributes };
  logger.emit({ ...shared, body: "could not load cart 7: grüße ✓", eventName: "cart.failed", context: inSpan });
  logger.emit({ ...shared, body: { user: { id: 7, tags: ["x", "y"] }, bytes: new Uint8Array([0, 255, 16]), ok: false } });
  await provider.forceFlush();
  const logs = recorded.getFinishedLogRecords();
  await exported(exporter, logs);
  return logs.map((log) => ({
    time_unix_nano: nanos(log.hrTime),
    observed_time_unix_nano: nanos(log.hrTimeObserved),
    trace_id: log.spanContext?.traceId ?? "",
    span_id: log.spanContext?.spanId ?? "",
  }));
}

export async function sendMetrics({ resource, exporter }) {
  const recorded = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter: recorded, exportIntervalMillis: 3_600_000 });
  const provider = new MeterProvider({ resource: resourceFromAttributes(resource), readers: [reader] });
  const meter = provider.getMeter("shop.web");
  const clicks = meter.createCounter("clicks");
  clicks.add(2, { button: "buy" });
  clicks.add(3, { button: "buy" });
  meter.createUpDownCounter("tabs.open").add(-4);
  const duration = meter.createHistogram("page.duration", { unit: "s", advice: { explicitBucketBoundaries: [0.1, 1] } });
  for (const value of [0.05, 0.5, 0.7, 3]) duration.record(value);
  await reader.forceFlush();
  for (const metrics of recorded.getMetrics()) await exported(exporter, metrics);
  await provider.shutdown();
}
