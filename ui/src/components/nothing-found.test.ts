import { expect, test } from "vitest";
import { repaired } from "./NothingFound.tsx";

const mismatch = { metric: "a_total", label: null, value: null, message: "", similar: [], fixed_query: null };

test("what does not exist is replaced where it stands as a whole word", () => {
  expect(repaired("rate(a_total[5m]) / a_total_sum", mismatch, "b_total")).toBe("rate(b_total[5m]) / a_total_sum");
  expect(repaired('a_total{status="x"}', { ...mismatch, label: "status" }, "code")).toBe('a_total{code="x"}');
  expect(repaired('a_total{code="599"}', { ...mismatch, label: "code", value: "599" }, "500")).toBe(
    'a_total{code="500"}',
  );
});
