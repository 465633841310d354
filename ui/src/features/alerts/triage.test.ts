import { expect, test } from "vitest";
import type { ManagedAlert } from "../../api/alerts.ts";
import type { Rule, RuleGroup } from "../../api/rules.ts";
import { fingerprintOf } from "../../lib/fingerprint.ts";
import { countStates, groupRows, matchesText, newestMessages, seriesOf, triageRows } from "./triage.ts";

function rule(change: Partial<Rule>): Rule {
  return {
    name: "A",
    query: "a > 1",
    labels: {},
    annotations: {},
    health: "ok",
    lastError: "",
    evaluationTime: 0,
    lastEvaluation: "",
    type: "alerting",
    state: "inactive",
    duration: 0,
    keepFiringFor: 0,
    alerts: [],
    source: "promql",
    noData: null,
    warnings: [],
    levels: null,
    ...change,
  };
}

function alert(labels: Record<string, string>, state: string, activeAt = "2026-01-01T00:00:00Z") {
  return { labels, annotations: {}, state, activeAt, value: "2", fingerprint: "", keepFiringSince: null };
}

function managed(labels: Record<string, string>, change: Partial<ManagedAlert> = {}): ManagedAlert {
  return {
    fingerprint: fingerprintOf(labels),
    labels,
    annotations: {},
    starts_at_ms: 1,
    ends_at_ms: 0,
    generator_url: "",
    receivers: [],
    state: "active",
    silenced_by: [],
    inhibited_by: [],
    muted_by: [],
    acknowledged: null,
    notified: undefined,
    answer: "",
    ...change,
  };
}

const group = (...rules: Rule[]): RuleGroup => ({
  name: "g",
  file: "api",
  interval: 15,
  evaluationTime: 0,
  lastEvaluation: "",
  rules,
  missed: null,
});

const api = { alertname: "Slow", severity: "warning", service: "api", team: "x" };
const bot = { alertname: "Slow", severity: "warning", service: "bot", team: "x" };

test("severity, then state, then age; what is quiet stands below", () => {
  const groups = [
    group(
      rule({
        name: "Slow",
        labels: { severity: "warning", team: "x" },
        alerts: [alert(api, "firing", "2026-01-01T00:05:00Z"), alert(bot, "firing", "2026-01-01T00:01:00Z")],
      }),
      rule({
        name: "Down",
        labels: { severity: "critical" },
        alerts: [alert({ alertname: "Down", severity: "critical" }, "pending")],
      }),
      rule({ name: "Bad", labels: { severity: "warning" }, health: "err", lastError: "no such thing" }),
      rule({ name: "Gone", labels: { severity: "critical" } }),
    ),
  ];
  const rows = triageRows({
    groups,
    managed: [managed(bot, { silenced_by: ["id"] }), managed(api)],
    noData: new Map([["g/Gone", "never received"]]),
  });
  expect(rows.map((row) => `${row.name} ${row.labels.service ?? ""} ${row.state}`)).toEqual([
    "Gone  no-data",
    "Down  pending",
    "Slow api firing",
    "Bad  error",
    "Slow bot silenced",
  ]);
  expect(rows[2]?.distinguishing).toEqual([["service", "api"]]);
  expect(countStates(rows)).toEqual({ firing: 1, error: 1, "no-data": 1, pending: 1, inhibited: 0, silenced: 1 });
});

test("alerts that others sent are shown, too, and each once", () => {
  const rows = triageRows({
    groups: [group(rule({ name: "Slow", alerts: [alert(api, "firing")] }))],
    managed: [managed(api), managed({ alertname: "Foreign", severity: "page" }, { inhibited_by: ["x"] })],
    noData: new Map(),
  });
  expect(rows.map((row) => [row.name, row.state])).toEqual([
    ["Foreign", "inhibited"],
    ["Slow", "firing"],
  ]);
});

test("the filter looks at labels and words", () => {
  const [row] = triageRows({
    groups: [group(rule({ alerts: [alert(api, "firing")] }))],
    managed: [],
    noData: new Map(),
  });
  if (!row) throw new Error("no row");
  expect(matchesText(row, "service=api warn")).toBe(true);
  expect(matchesText(row, "service=bot")).toBe(false);
  expect(groupRows([row], "service")[0]?.title).toBe("api");
});

test("the series of an alert, and the newest message", () => {
  const series = [{ labels: { service: "api" } }, { labels: { service: "bot" } }, { labels: {} }];
  expect(seriesOf(series, { labels: bot, rule: null })).toBe(series[1]);
  const message = (time_ms: number, alerts: string[], outcome: string) => ({
    id: time_ms,
    time_ms,
    receiver: "r",
    channel: "c",
    target: "",
    outcome,
    reason: "",
    group_key: "",
    notification_reason: "",
    firing: 1,
    resolved: 0,
    alerts,
    attempts: [],
    attempt_count: 1,
    latency_ms: 1,
  });
  expect(newestMessages([message(5, ["a"], "failed"), message(3, ["a", "b"], "delivered")]).get("a")).toMatchObject([
    { outcome: "failed", at_ms: 5 },
  ]);
});
