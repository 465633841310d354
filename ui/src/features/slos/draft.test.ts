import { expect, test } from "vitest";
import { readIndicator, type Slo } from "../../api/slos.ts";
import { draftOf, EMPTY, idOf, isComplete, writeDraft } from "./draft.ts";

test("a title makes an id", () => {
  expect(idOf("  Checkout: works, mostly! ")).toBe("checkout_works_mostly");
});

test("a ratio is written as YAML, with quotes where they are needed", () => {
  const draft = {
    ...EMPTY,
    title: "Requests: succeed",
    service: "api",
    groupBy: "route, ",
    part: 'x{status=~"5.."}\n y ',
    total: "x",
    alerting: false,
  };
  expect(writeDraft(draft)).toBe(`slos:
  requests_succeed:
    title: 'Requests: succeed'
    service: api
    objective: 99.9%
    window: 30d
    group_by: [route]
    indicator:
      ratio:
        bad:
          - 'x{status=~"5.."}'
          - y
        total:
          - x
    alerts: {enabled: false}
`);
});

test("other kinds", () => {
  const base = { ...EMPTY, title: "t" };
  expect(writeDraft({ ...base, kind: "latency", histogram: "h_seconds" })).toContain(
    "      latency:\n        histogram: h_seconds\n        threshold: 500ms\n",
  );
  expect(writeDraft({ ...base, kind: "up", metric: "up" })).toContain("      up: up\n");
  expect(writeDraft({ ...base, kind: "events", total: "service:api", part: "status:error" })).toContain(
    "      events:\n        signal: traces\n        total: 'service:api'\n        bad: 'status:error'\n",
  );
});

test("what is missing is known before the server is asked", () => {
  expect(isComplete(EMPTY)).toBe(false);
  expect(isComplete({ ...EMPTY, title: "a", part: "b", total: "" })).toBe(false);
  expect(isComplete({ ...EMPTY, title: "a", kind: "events", part: "status:error" })).toBe(true);
});

test("an objective becomes a draft that writes the same objective", () => {
  const slo = {
    id: "a",
    title: "A",
    service: "s",
    objective: 0.9995,
    window: "7d",
    group_by: ["route"],
    alerting: true,
    indicator: readIndicator({ ratio: { good: "g", total: ["t", "u"] } }),
  } as Slo;
  const draft = draftOf(slo);
  expect(draft).toMatchObject({ objective: "99.95", counts: "good", part: "g", total: "t\nu", groupBy: "route" });
  expect(writeDraft(draft)).toContain("good:\n          - g\n        total:\n          - t\n          - u");
});
