import { expect, test } from "vitest";
import { formatShort } from "./number.ts";
import { formatValue, guessUnit } from "./units.ts";

test.each([
  ["histogram_quantile(0.95, sum by (le) (rate(http_server_request_duration_seconds_bucket[5m])))", "seconds"],
  ["rate(http_server_requests_total[5m])", "per-second"],
  ["process_resident_memory_bytes", "bytes"],
  ["rate(network_bytes_total[1m])", "bytes/s"],
  ["nodejs_eventloop_lag_seconds", "seconds"],
  ["rate(x_seconds_sum[5m]) / rate(x_seconds_count[5m])", "seconds"],
  ['sum(rate(a{path="/v1/x"}[5m]))', "per-second"],
  ["go_goroutines", "none"],
])("%s", (query, unit) => expect(guessUnit(query)).toBe(unit));

test("values", () => {
  expect(formatValue(0.0124, "seconds")).toBe("12.4 ms");
  expect(formatValue(3 * 2 ** 20, "bytes")).toBe("3 MiB");
  expect(formatValue(Number.NaN, "seconds")).toBe("NaN");
  expect(formatShort(1234567)).toBe("1.23 M");
  expect(formatShort(0.19944)).toBe("0.199");
  expect(formatShort(-0.5)).toBe("\u22120.5");
  expect(formatShort(100)).toBe("100");
});
