import { expect, test } from "vitest";
import type { Labels, Series } from "../../api/prometheus.ts";
import { labelCounts, matchReport, matchText } from "./matching.ts";

const series = (...all: Labels[]): Series[] => all.map((labels) => ({ labels, times: [], values: [] }));

test("sides that do not meet are explained", () => {
  const left = series({ service: "api", code: "200" }, { service: "bot", code: "200" });
  const right = series({ service_name: "api" });
  const on = { on: true, labels: ["service"] };
  const report = matchReport(left, right, on);
  expect(report).toMatchObject({ left: 2, right: 1, matchedLeft: 0, missingRight: ["service"] });
  expect(matchText(report, on)).toBe(
    "2 left, 1 right, 0 of the left matched on (service); the right side has no label service",
  );
});

test("ignoring takes labels out of the comparison", () => {
  const left = series({ service: "api", code: "500" });
  const right = series({ service: "api" });
  expect(matchReport(left, right, { on: false, labels: ["code"] })).toMatchObject({ matchedLeft: 1, matchedRight: 1 });
  expect(matchReport(left, right, { on: false, labels: [] })).toMatchObject({ matchedLeft: 0, missingRight: ["code"] });
});

test("labels by how many values they have", () => {
  expect(labelCounts(series({ a: "1", b: "x" }, { a: "2", b: "x" }))).toEqual([
    { name: "a", values: 2 },
    { name: "b", values: 1 },
  ]);
});
