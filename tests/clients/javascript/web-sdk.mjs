// The page's script: exports one story with the web SDK, from the page's origin to another, which asks CORS first.

import { OTLPLogExporter } from "@opentelemetry/exporter-logs-otlp-http";
import { OTLPMetricExporter } from "@opentelemetry/exporter-metrics-otlp-http";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { WebTracerProvider } from "@opentelemetry/sdk-trace-web";
import { sendLogs, sendMetrics, sendTraces } from "./telemetry.mjs";

window.sendStory = async (url, service) => {
  const resource = { "service.name": service, "service.version": "1.2.3" };
  // A header of its own makes the browser ask for permission before it posts.
  const to = (signal) => ({ url: `${url}/v1/${signal}`, headers: { "x-shop": "web" } });
  const recorded = new InMemorySpanExporter();
  const provider = new WebTracerProvider({
    resource: resourceFromAttributes(resource),
    spanProcessors: [new SimpleSpanProcessor(recorded)],
  });
  const spans = await sendTraces({ provider, recorded, exporter: new OTLPTraceExporter(to("traces")) });
  const { trace_id: traceId, span_id: spanId } = spans[0];
  const logs = await sendLogs({ resource, exporter: new OTLPLogExporter(to("logs")), context: { traceId, spanId } });
  await sendMetrics({ resource, exporter: new OTLPMetricExporter(to("metrics")) });
  return { spans, logs };
};
