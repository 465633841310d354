// Exports one story from Node and prints its facts as JSON: node node-sdk.mjs <json|protobuf> <OTLP/HTTP URL> <service>

import { resourceFromAttributes } from "@opentelemetry/resources";
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { sendLogs, sendMetrics, sendTraces } from "./telemetry.mjs";

const [form, url, service] = process.argv.slice(2);
const resource = { "service.name": service, "service.version": "1.2.3" };
const suffix = { json: "http", protobuf: "proto" }[form];
const exporter = async (signal, name) =>
  new (await import(`@opentelemetry/exporter-${signal}-otlp-${suffix}`))[name]({
    url: `${url}/v1/${signal === "trace" ? "traces" : signal}`,
  });

const recorded = new InMemorySpanExporter();
const provider = new BasicTracerProvider({
  resource: resourceFromAttributes(resource),
  spanProcessors: [new SimpleSpanProcessor(recorded)],
});
const spans = await sendTraces({ provider, recorded, exporter: await exporter("trace", "OTLPTraceExporter") });
const { trace_id: traceId, span_id: spanId } = spans[0];
const logs = await sendLogs({ resource, exporter: await exporter("logs", "OTLPLogExporter"), context: { traceId, spanId } });
await sendMetrics({ resource, exporter: await exporter("metrics", "OTLPMetricExporter") });
console.log(JSON.stringify({ spans, logs }));
