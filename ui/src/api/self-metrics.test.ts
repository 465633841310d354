import { expect, test } from "vitest";
import { parseSelfMetrics, sumOf } from "./self-metrics.ts";

const TEXT = `# HELP a_total Something.
# TYPE a_total counter
a_total{signal="traces",name="x \\"y\\" \\\\ z"} 3
a_total{signal="logs",name="}"} 4.5
process_resident_memory_bytes 1048576
limit +Inf
not a line
`;

test("samples are found by name and labels", () => {
  const metrics = parseSelfMetrics(TEXT);
  expect(metrics.get("a_total")?.[0]?.labels).toEqual({ signal: "traces", name: 'x "y" \\ z' });
  expect(sumOf(metrics, "a_total")).toBe(7.5);
  expect(sumOf(metrics, "a_total", { signal: "logs" })).toBe(4.5);
  expect(sumOf(metrics, "a_total", { signal: "metrics" })).toBeNull();
  expect(sumOf(metrics, "process_resident_memory_bytes")).toBe(1_048_576);
  expect(sumOf(metrics, "limit")).toBe(Number.POSITIVE_INFINITY);
  expect([...metrics.keys()]).toEqual(["a_total", "process_resident_memory_bytes", "limit"]);
});
