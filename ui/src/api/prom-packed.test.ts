import { expect, test } from "vitest";
import { pack, unpack } from "./prom-packed.ts";
import { readResult } from "./prom-result.ts";

const answer = {
  status: "success",
  data: {
    resultType: "matrix",
    result: [
      {
        metric: { a: "1" },
        values: [
          [10, "1.5"],
          [20, "NaN"],
          [30, "+Inf"],
        ],
      },
      { metric: {}, values: [] },
      { metric: { b: "2" }, values: [[10.5, "-Inf"]] },
    ],
  },
  warnings: ["slow"],
};

test("what is packed comes back as it was", () => {
  const result = readResult(answer);
  expect(result.series[0]).toEqual({
    labels: { a: "1" },
    times: [10, 20, 30],
    values: [1.5, Number.NaN, Number.POSITIVE_INFINITY],
  });
  expect(unpack(pack(result))).toEqual(result);
});

test("vectors have one sample, and what is no pair is refused", () => {
  const vector = { data: { resultType: "vector", result: [{ metric: {}, value: [1, "2"] }] } };
  expect(readResult(vector).series).toEqual([{ labels: {}, times: [1], values: [2] }]);
  const wrong = { data: { resultType: "matrix", result: [{ metric: {}, values: [["x", "2"]] }] } };
  expect(() => readResult(wrong)).toThrow("[time, value] pair");
});
