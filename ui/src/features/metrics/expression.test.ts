import { expect, test } from "vitest";
import { duration, readExpression, write } from "./expression.ts";

const selector = (name: string, more: object = {}) => ({
  type: "vectorSelector",
  name,
  offset: 0,
  timestamp: null,
  startOrEnd: null,
  matchers: [{ name: "__name__", type: "=", value: name }],
  ...more,
});

const tree = {
  type: "binaryExpr",
  op: "/",
  bool: false,
  lhs: {
    type: "aggregation",
    op: "sum",
    param: null,
    grouping: ["service"],
    without: false,
    expr: {
      type: "call",
      func: { name: "rate" },
      args: [
        selector("http_requests_total", {
          type: "matrixSelector",
          range: 300_000,
          matchers: [
            { name: "status", type: "=~", value: "5.." },
            { name: "__name__", type: "=", value: "http_requests_total" },
          ],
        }),
      ],
    },
  },
  rhs: selector("foo", { offset: 5_400_000 }),
  matching: { card: "many-to-one", labels: ["service"], on: true, include: ["x"] },
};

test("the tree is written as PromQL", () => {
  expect(write(tree)).toBe(
    'sum by (service) (rate(http_requests_total{status=~"5.."}[5m])) / on (service) group_left (x) foo offset 1h30m',
  );
  expect(
    write({
      type: "aggregation",
      op: "topk",
      param: { type: "numberLiteral", val: "5" },
      expr: selector("up"),
      grouping: [],
      without: false,
    }),
  ).toBe("topk (5, up)");
  expect(write({ type: "subquery", expr: selector("up"), range: 3_600_000, step: 60_000, offset: 0 })).toBe(
    "up[1h:1m]",
  );
});

test("every part can be asked for on its own", () => {
  const expression = readExpression(tree);
  expect(expression.matching).toEqual({ on: true, labels: ["service"], card: "many-to-one" });
  expect(expression.children.map((child) => child.title)).toEqual(["sum by (service)", "foo offset 1h30m"]);
  expect(expression.children[0]?.children[0]?.children[0]).toMatchObject({
    isRange: true,
    text: 'http_requests_total{status=~"5.."}[5m]',
  });
});

test("durations are written in the largest units", () => {
  expect([0, 1500, 90_000, 90_061_001].map(duration)).toEqual(["0s", "1s500ms", "1m30s", "1d1h1m1s1ms"]);
});
