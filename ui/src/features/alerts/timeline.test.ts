import { expect, test } from "vitest";
import { fold, inWords } from "./Timeline.tsx";

const event = (time_ms: number, kind: string, data: Record<string, unknown> = {}) => ({ time_ms, kind, data });
const to = { receiver: "a", channel: "email[0]", reason: "refused" };

test("the same failure again and again is one entry, the newest first", () => {
  const entries = fold([
    event(1, "firing"),
    event(2, "attempt", to),
    event(3, "failed", to),
    event(4, "attempt", to),
    event(5, "attempt", { ...to, receiver: "b" }),
  ]);
  expect(entries.map(({ event: each, count, since }) => [each.kind, each.time_ms, count, since])).toEqual([
    ["attempt", 5, 1, 5],
    ["failed", 4, 3, 2],
    ["firing", 1, 1, 1],
  ]);
});

test("words", () => {
  expect(
    inWords(
      event(1, "delivered", { ...to, reason: "", code: 200, latency_ms: 4, notification_reason: "first notification" }),
    ),
  ).toBe("a by email[0] was told (first notification, answer 200, 4 ms)");
  expect(inWords(event(1, "firing", { rule: "A", value: 3 }))).toBe("It fires: value 3");
  expect(inWords(event(1, "something_new", { by: "Ada" }))).toBe("something new: by Ada");
});
