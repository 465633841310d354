import { expect, test } from "vitest";
import type { Start } from "../../../api/start.ts";
import { countsOf, type Examined, ofSenders, shownOf } from "./examine.ts";

const finding = (severity: string, message: string) => ({ severity, line: 1, path: "p", message, fix: "" });
const examined: Examined[] = [
  { kind: "rules", title: "Rules", place: { to: "/alerts/rules" }, findings: [finding("info", "slow")] },
  {
    kind: "dashboard",
    title: "Shop",
    place: { to: "/dashboards/$uid", params: { uid: "a" } },
    findings: [finding("warning", "no series has a label `status`"), finding("error", "not JSON")],
  },
  { kind: "senders", title: "Senders", place: { to: "/start" }, findings: [] },
];

test("the worst comes first, and what is well is left out", () => {
  expect(countsOf(examined)).toEqual({ error: 1, warning: 1, info: 1 });
  expect(shownOf(examined, "info", "").map(({ title }) => title)).toEqual(["Shop", "Rules"]);
  expect(shownOf(examined, "info", "")[0]?.findings[0]?.severity).toBe("error");
  expect(shownOf(examined, "warning", "").map(({ title }) => title)).toEqual(["Shop"]);
  expect(shownOf(examined, "info", "STATUS")[0]?.findings).toHaveLength(1);
  expect(shownOf(examined, "info", "rules").map(({ title }) => title)).toEqual(["Rules"]);
});

test("senders are told what was refused and what is odd", () => {
  const start = {
    signals: {
      traces: [],
      logs: [{ service: "api", warnings: [{ code: "no_trace_ids", message: "none has a trace id", fix: "" }] }],
      metrics: [{ service: "api", warnings: [{ code: "default_bounds", message: "all in the first", fix: "a View" }] }],
    },
    refusals: [{ signal: null, message: "nothing at /", fix: "the path", count: 3, peer: "10.0.0.1", port: "4317" }],
  } as unknown as Start;
  expect(ofSenders(start).map(({ severity, path }) => `${severity} ${path}`)).toEqual([
    "error 10.0.0.1, port 4317",
    "info api, logs",
    "warning api, metrics",
  ]);
  expect(ofSenders(start)[0]?.message).toBe("3 times: nothing at /");
});
