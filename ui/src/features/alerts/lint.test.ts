import { expect, test } from "vitest";
import { keptLabels, lintRule } from "./lint.ts";
import { NEW_RULE } from "./rule-file.ts";

test("labels that an expression keeps", () => {
  expect(keptLabels('(sum(rate(a{b="c"}[5m])) by (service) / sum by (service) (rate(d[5m]))) > 0.05')).toEqual([
    "service",
  ]);
  expect(keptLabels("histogram_quantile(0.95, sum(rate(a_bucket[5m])) by (le)) > 1")).toEqual([]);
  expect(keptLabels("histogram_quantile(0.95, sum by (le, service) (rate(a_bucket[5m]))) > 1")).toEqual(["service"]);
  expect(keptLabels("sum(rate(a[5m])) > 3")).toEqual([]);
  expect(keptLabels("a > 3")).toBeNull();
  expect(keptLabels("sum without (pod) (a) > 3")).toBeNull();
  expect(keptLabels("sum(rate(m[5m])) / (sum(rate(h[5m])) + sum(rate(m[5m]))) > 0.5")).toEqual([]);
});

test("templates that name a label which is gone", () => {
  const rule = {
    ...NEW_RULE,
    expr: "sum(rate(a[5m])) by (pod) > 3",
    annotations: [["summary", "of {{ $labels.service }}"]] as [string, string][],
  };
  expect(lintRule(rule, 15).map((each) => [each.where, each.fix])).toEqual([
    ["summary", "add service to the outermost by (..)"],
  ]);
});

test("conditions, counters and durations", () => {
  const messages = (change: object) =>
    lintRule({ ...NEW_RULE, annotations: [], ...change }, 60).map((each) => each.where);
  expect(messages({ expr: "up" })).toEqual(["expr"]);
  expect(messages({ expr: "up == 0" })).toEqual([]);
  expect(messages({ expr: "requests_total > 5" })).toEqual(["expr"]);
  expect(messages({ expr: "up == 0", for: "5s" })).toEqual(["for"]);
  expect(messages({ expr: "up == 0", for: "soon" })).toEqual(["for"]);
});
