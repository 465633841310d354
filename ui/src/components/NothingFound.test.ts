import { expect, test } from "vitest";
import { guess } from "./NothingFound.tsx";

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
