import { expect, test } from "vitest";
import { AGGREGATIONS, type Built, EMPTY_QUERY, RANGE_FUNCTIONS, readBuilt, writeBuilt } from "./builder.ts";

const CONDITIONS: Built["conditions"][] = [
  [],
  [{ label: "service", operator: "=", value: "api" }],
  [
    { label: "status", operator: "=~", value: "5.." },
    { label: "path", operator: "!=", value: 'a "quoted" \\ {x}, \n y' },
  ],
];

test("what the form writes, it reads back", () => {
  for (const fn of ["", ...RANGE_FUNCTIONS] as const) {
    for (const aggregation of ["", ...AGGREGATIONS] as const) {
      for (const by of aggregation ? [[], ["service"], ["service", "status"]] : [[]]) {
        for (const conditions of CONDITIONS) {
          const built: Built = { ...EMPTY_QUERY, metric: "http_requests_total", fn, aggregation, by, conditions };
          expect(readBuilt(writeBuilt(built))).toEqual(built);
          if (aggregation === "sum" && fn === "rate") {
            const quantile = { ...built, quantile: 0.95 };
            expect(readBuilt(writeBuilt(quantile))).toEqual(quantile);
          }
        }
      }
    }
  }
});

test("other spellings of the same are read", () => {
  expect(readBuilt("sum(rate(x[5m])) by (a, b)")).toMatchObject({
    metric: "x",
    aggregation: "sum",
    by: ["a", "b"],
    fn: "rate",
  });
  expect(readBuilt('sum by(a)(x{b="c",})')).toMatchObject({
    by: ["a"],
    conditions: [{ label: "b", operator: "=", value: "c" }],
  });
});

test("what the form cannot say is left to the text", () => {
  for (const text of [
    "a / b",
    "rate(x)",
    "x[5m]",
    "topk(5, x)",
    "sum without (a) (x)",
    "histogram_quantile(0.9, rate(x_bucket[5m]))",
    'x{a="1"} offset 5m',
  ])
    expect(readBuilt(text), text).toBeNull();
});
