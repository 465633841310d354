import { expect, test } from "vitest";
import type { SloGroup, Tier } from "../api/slos.ts";
import {
  badQuery,
  burnState,
  formatObjective,
  formatSli,
  formatSpan,
  observed,
  projected,
  projectionOf,
  windowName,
} from "./budget.ts";

const tiers: Tier[] = [
  { urgency: "page", long_secs: 3600, short_secs: 300, factor: 14.4 },
  { urgency: "ticket", long_secs: 86_400, short_secs: 7200, factor: 3 },
];

function group(rates: Record<number, number>, more: Partial<SloGroup> = {}): SloGroup {
  return {
    labels: {},
    time_ms: 0,
    since_ms: 0,
    length_secs: 30 * 86_400,
    total: 1000,
    bad: 1,
    sli: 0.999,
    budget: { allowed: 0.01, remaining: 0.5, remaining_units: 5, remaining_secs: 100 },
    burn: Object.entries(rates).map(([secs, rate]) => ({ window_secs: Number(secs), rate, bad: 0, total: 0 })),
    exhausted_in_secs: null,
    coverage: 1,
    last_event_ms: null,
    sentence: "",
    ...more,
  };
}

test.each([
  [{ 3600: 20, 300: 20 }, "critical"],
  [{ 3600: 20, 300: 1 }, "recovering"],
  [{ 3600: 1, 300: 20 }, "increasing"],
  [{ 86400: 4, 7200: 4, 3600: 4, 300: 4 }, "burning"],
  [{ 3600: 1, 300: 1 }, "ok"],
] as const)("%o is %s", (rates, state) => expect(burnState(group(rates), tiers)).toBe(state));

test("without events there is no state", () => {
  expect(burnState(group({ 3600: 20, 300: 20 }, { sli: null }), tiers)).toBe("none");
});

test("spans have two units, windows are named as the server does", () => {
  expect([45, 1860, 3661, 273_600, 0, -1860].map(formatSpan)).toEqual([
    "45 s",
    "31 min",
    "1 h 1 min",
    "3 d 4 h",
    "0 s",
    "\u221231 min",
  ]);
  expect([300, 5040, 86_400, 60_480].map(windowName)).toEqual(["5m", "1h24m", "1d", "16h48m"]);
});

test("ratios have the digits that they need", () => {
  expect([0.999, 0.95, 0.99995].map(formatObjective)).toEqual(["99.9 %", "95 %", "99.995 %"]);
  expect(formatSli(0.9987654, 0.999)).toBe("99.877 %");
  expect(formatSli(0.5, 0.95)).toBe("50 %");
});

test("the projection spends at the last hour's rate", () => {
  const fast = group({ 3600: 14.4, 300: 1 }, { exhausted_in_secs: 7500 });
  expect(projected(fast, 0)).toBe(0.5);
  expect(projected(fast, fast.length_secs / 14.4)).toBeCloseTo(-0.5);
  expect(projectionOf(fast)).toEqual({
    sentence: "At the last hour's rate (14.4\u00d7) the budget ends in 2 h 5 min.",
    tone: "bad",
  });
  expect(projectionOf(group({ 3600: 0.2 })).tone).toBe("good");
});

test("a window that is known in part says so", () => {
  expect(observed(group({}, { coverage: 0.2 }))).toBe("only 6 d of 30 d are observed");
  expect(observed(group({}))).toBe("");
});

test("the ratio is asked from its own series, everything else from recorded ones", () => {
  const ratio = { kind: "ratio", bad: ["b"], good: [], total: ["t"] } as const;
  expect(badQuery("x", { ...ratio, bad: ["b"], good: [], total: ["t"] }, {})).toBe(
    "(sum(rate(b[5m])) or vector(0)) / (sum(rate(t[5m])))",
  );
  expect(badQuery("x", { kind: "up", metric: "up" }, { route: "/a" })).toContain('sloth_slo="x",route="/a"');
});
