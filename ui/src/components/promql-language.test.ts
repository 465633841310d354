import { expect, test } from "vitest";
import { ApiError } from "../api/client.ts";
import { withPosition } from "../api/prometheus.ts";
import { highlightPromql, queryFor } from "./promql-language.ts";

test("colouring loses no character", () => {
  const query = 'sum by (service) (rate(x_total{a="b c", d!~"e.*"}[5m])) / 2 # note';
  expect(
    highlightPromql(query)
      .map((piece) => piece.text)
      .join(""),
  ).toBe(query);
  expect(
    highlightPromql(query)
      .filter((piece) => piece.kind === "function")
      .map((piece) => piece.text),
  ).toEqual(["sum", "rate"]);
  expect(
    highlightPromql(query)
      .filter((piece) => piece.kind === "key")
      .map((piece) => piece.text),
  ).toEqual(["a", "d"]);
});

test("the position of a parse error is read from its message", () => {
  const at = (message: string, query: string) => withPosition(new ApiError("bad_data", message), query).facts.position;
  expect(at('invalid parameter "query": 1:5: parse error: x', "rate(")).toEqual({ offset: 4, length: 1 });
  expect(at("2:3: parse error: x", "ab\ncdef")).toEqual({ offset: 5, length: 1 });
  expect(at("something else", "up")).toBeUndefined();
});

test("queries for the catalogue", () => {
  expect(queryFor("a_total", "counter")).toBe("rate(a_total[5m])");
  expect(queryFor("d_seconds_bucket", "histogram")).toBe(
    "histogram_quantile(0.95, sum by (le) (rate(d_seconds_bucket[5m])))",
  );
  expect(queryFor("go_goroutines", "gauge")).toBe("go_goroutines");
});
