import { expect, test } from "vitest";
import { catalogueRows } from "./catalogue.ts";

test("names meet their metadata, series and rules", () => {
  const rows = catalogueRows(
    ["http_seconds_bucket", "up"],
    { http_seconds: [{ type: "histogram", help: "Time", unit: "s" }] },
    [{ name: "http_seconds_bucket", value: 120, hourAgo: 100, dayAgo: null }],
    [
      { name: "Down", query: "up == 0" },
      { name: "Uptime", query: "uptime > 3 or upper" },
    ],
  );
  expect(rows).toEqual([
    { name: "http_seconds_bucket", type: "histogram", help: "Time", unit: "s", series: 120, growth: 20, rules: [] },
    { name: "up", type: "", help: "", unit: "", series: 0, growth: 0, rules: ["Down"] },
  ]);
});
