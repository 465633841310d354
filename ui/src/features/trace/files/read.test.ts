import { expect, test } from "vitest";
import { readTraceFile } from "./read.ts";

const jaeger = {
  data: [
    {
      traceID: "abc",
      processes: { p1: { serviceName: "api", tags: [{ key: "host", type: "string", value: "web-1" }] } },
      spans: [
        {
          traceID: "abc",
          spanID: "1",
          operationName: "GET /",
          startTime: 1_700_000_000_000_001,
          duration: 500,
          processID: "p1",
          references: [],
          tags: [{ key: "span.kind", type: "string", value: "server" }],
        },
        {
          traceID: "abc",
          spanID: "2",
          operationName: "SELECT",
          startTime: 1_700_000_000_000_101,
          duration: 100,
          processID: "p1",
          references: [{ refType: "CHILD_OF", traceID: "abc", spanID: "1" }],
          tags: [
            { key: "error", type: "bool", value: true },
            { key: "db.system", type: "string", value: "redis" },
          ],
          logs: [{ timestamp: 1_700_000_000_000_150, fields: [{ key: "event", type: "string", value: "retry" }] }],
        },
      ],
    },
  ],
};

test("a trace of Jaeger: microseconds, kinds, errors, logs as events", () => {
  const [trace] = readTraceFile(jaeger);
  const { columns, spans } = trace ?? { columns: null, spans: [] };
  expect(spans.map((span) => [span.kind, span.status.code, span.service])).toEqual([
    ["SERVER", "UNSET", "api"],
    ["INTERNAL", "ERROR", "api"],
  ]);
  expect(columns).toMatchObject({
    startNanos: 1_700_000_000_000_001_000n,
    parent: Int32Array.of(-1, 0),
    start: Float64Array.of(0, 100_000),
    end: Float64Array.of(500_000, 200_000),
    status: Uint8Array.of(0, 2),
    badges: ["redis"],
    badge: Int32Array.of(-1, 0),
    eventNames: ["retry"],
    eventTime: Float64Array.of(149_000),
  });
  expect(spans[0]?.trace_id).toHaveLength(32);
});

const otlp = (traceId: string) => ({
  resourceSpans: [
    {
      resource: { attributes: [{ key: "service.name", value: { stringValue: "shop" } }] },
      scopeSpans: [
        {
          scope: { name: "lib", version: "1" },
          spans: [
            {
              traceId,
              spanId: "AB",
              name: "checkout",
              kind: 2,
              startTimeUnixNano: "1787320800123456789",
              endTimeUnixNano: "1787320800123456792",
              status: { code: "STATUS_CODE_ERROR", message: "no" },
            },
            {
              traceId,
              spanId: "cd",
              parentSpanId: "ef",
              name: "late",
              kind: "SPAN_KIND_CLIENT",
              startTimeUnixNano: "1787320800123456790",
              endTimeUnixNano: "1787320800123456791",
            },
          ],
        },
      ],
    },
  ],
});

test("OTLP/JSON: nanoseconds are kept, enumerations as numbers or names, a missing parent is said", () => {
  const [trace] = readTraceFile(otlp("t1"));
  expect(trace?.spans[0]).toMatchObject({ span_id: "ab", kind: "SERVER", duration_nanos: 3, service: "shop" });
  expect(trace?.spans[1]?.kind).toBe("CLIENT");
  expect(trace?.columns.parent).toEqual(Int32Array.of(-1, -2));
  expect(trace?.columns.end[0]).toBe(3);
});

test("several traces and lines of a file exporter", () => {
  expect(readTraceFile([otlp("t1"), otlp("t2")]).map((trace) => trace.columns.traceId)).toEqual(["t1", "t2"]);
});

test("what is no trace is refused with what was expected", () => {
  expect(() => readTraceFile({ hello: 1 })).toThrow("neither a trace of Jaeger");
  expect(() => readTraceFile({ data: [] })).toThrow("no span");
});
