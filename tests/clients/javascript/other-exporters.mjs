// Sends two spans with OpenTelemetry's exporter for Jaeger (Thrift by HTTP, or by UDP) or for Zipkin.
// Usage: node other-exporters.mjs <jaeger-http|jaeger-udp|zipkin> <url, or the port> <service>
import { context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { JaegerExporter } from '@opentelemetry/exporter-jaeger'
import { ZipkinExporter } from '@opentelemetry/exporter-zipkin'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { BasicTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'

const [how, where, service] = process.argv.slice(2)
const exporters = {
  'jaeger-http': () => new JaegerExporter({ endpoint: where }),
  'jaeger-udp': () => new JaegerExporter({ host: '127.0.0.1', port: Number(where) }),
  zipkin: () => new ZipkinExporter({ url: where }),
}
const provider = new BasicTracerProvider({
  resource: resourceFromAttributes({ 'service.name': service }),
  spanProcessors: [new SimpleSpanProcessor(exporters[how]())],
})
const tracer = provider.getTracer('lib', '1.0')
const parent = tracer.startSpan('parent', { kind: SpanKind.SERVER })
const child = tracer.startSpan('child', { kind: SpanKind.CLIENT }, trace.setSpan(context.active(), parent))
child.setStatus({ code: SpanStatusCode.ERROR, message: 'broken' })
child.end()
parent.end()
await provider.forceFlush()
await provider.shutdown()
