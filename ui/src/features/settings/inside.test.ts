import { expect, test } from "vitest";
import { parseSelfMetrics } from "../../api/self-metrics.ts";
import { meanBetween, queuesOf, rateBetween } from "./inside.ts";

const look = (text: string, atMilli: number) => ({ metrics: parseSelfMetrics(text), atMilli });

test("counters become rates, unless they began anew", () => {
  const before = look('a_total{signal="logs"} 10\na_total{signal="traces"} 5\nq_sum 1\nq_count 4\n', 1000);
  const now = look('a_total{signal="logs"} 30\na_total{signal="traces"} 2\nq_sum 2\nq_count 6\n', 3000);
  expect(rateBetween(before, now, "a_total", { signal: "logs" })).toBe(10);
  expect(rateBetween(before, now, "a_total", { signal: "traces" })).toBeNull();
  expect(rateBetween(before, now, "b_total")).toBeNull();
  expect(meanBetween(before, now, "q")).toBe(0.5);
  expect(meanBetween(now, { ...now, atMilli: 4000 }, "q")).toBeNull();
});

test("a queue knows its room", () => {
  const { metrics } = look(
    'otelcol_exporter_queue_size{exporter="otlp"} 3\notelcol_exporter_queue_capacity{exporter="otlp"} 12\n',
    0,
  );
  expect(queuesOf(metrics)).toEqual([{ name: "otlp", size: 3, capacity: 12 }]);
});
