import { expect, test } from "vitest";
import { metricNames, similarNames } from "./similar.ts";

test("names of metrics, not of labels and functions", () => {
  expect(metricNames('sum by (service, le) (rate(a_total{env="x_total"}[5m])) / on (pod) b_count offset 5m')).toEqual([
    "a_total",
    "b_count",
  ]);
});

test("similar names share words", () => {
  const known = ["http_requests_total", "http_server_request_duration_seconds_count", "go_goroutines"];
  expect(similarNames("http_server_requests_total", known)).toEqual(["http_requests_total"]);
  expect(similarNames("nothing_alike", known)).toEqual([]);
});
