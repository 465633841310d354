import { expect, test } from "vitest";
import { chartsOf, instanceOf } from "./instance-metrics.ts";

const api = { service: "api", id: "api-1" };

test("one chart for each kind, of the first metric that fits", () => {
  const names = ["process_cpu_seconds_total", "process_cpu_utilization", "process_resident_memory_bytes", "other"];
  expect(chartsOf(names, api)).toEqual([
    { title: "CPU", query: 'rate(process_cpu_seconds_total{service="api",instance="api-1"}[1m])', unit: "none" },
    { title: "Memory", query: 'process_resident_memory_bytes{service="api",instance="api-1"}', unit: "bytes" },
  ]);
  expect(chartsOf(["process_start_time_seconds"], { service: "api", id: "" })[0]?.query).toBe(
    'changes(process_start_time_seconds{service="api"}[5m])',
  );
});

test("the instance is that of the resource", () => {
  expect(
    instanceOf({
      service: "api",
      resource: { attributes: [{ key: "service.instance.id", value: { stringValue: "api-1" } }] },
    }),
  ).toEqual(api);
  expect(instanceOf({ service: "", resource: { attributes: [] } })).toBeNull();
});
