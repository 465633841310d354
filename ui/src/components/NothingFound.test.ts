import { expect, test } from "vitest";
import { guess, repaired } from "./NothingFound.tsx";

const range = { fromMilli: 1_000_000, toMilli: 2_000_000 };
const arrived = { accepted: 5, refused: 0, last_received_unix_milli: 1_900_000, services: [] };

test("without the server's reasons, the most certain one is named", () => {
  const never = { ...arrived, accepted: 0, refused: 3, last_received_unix_milli: null };
  expect(guess(never, "service:a", range, "logs")).toMatchObject({ reason: "never_received", refused: 3 });
  expect(guess({ ...arrived, last_received_unix_milli: 5 }, "", range, "logs").reason).toBe("out_of_range");
  expect(guess(arrived, "", range, "logs").reason).toBe("unknown");
});

test("terms of a filter can be taken away, operators cannot", () => {
  const why = guess(arrived, "service:a OR level:error", range, "traces");
  expect(why.reason).toBe("filtered");
  expect(why.terms.map((part) => part.text)).toEqual(["service:a", "level:error"]);
});

test("PromQL has no terms", () => {
  expect(guess(arrived, "up == 0", range, "metrics").reason).toBe("unknown");
});

const mismatch = { metric: "a_total", label: null, value: null, message: "", similar: [], fixed_query: null };

test("what does not exist is replaced where it stands as a whole word", () => {
  expect(repaired("rate(a_total[5m]) / a_total_sum", mismatch, "b_total")).toBe("rate(b_total[5m]) / a_total_sum");
  expect(repaired('a_total{status="x"}', { ...mismatch, label: "status" }, "code")).toBe('a_total{code="x"}');
  expect(repaired('a_total{code="599"}', { ...mismatch, label: "code", value: "599" }, "500")).toBe(
    'a_total{code="500"}',
  );
});
