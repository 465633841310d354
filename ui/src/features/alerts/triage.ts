// What the triage table shows: alerts of the rules joined with what the alert manager knows, rules that fail, and rules
// that have nothing to look at. Severity comes first, then the state, then the age.
import type { ManagedAlert, Notified } from "../../api/alerts.ts";
import type { Notification } from "../../api/notifications.ts";
import type { Rule, RuleAlert, RuleGroup } from "../../api/rules.ts";
import { type Comparison, splitComparison } from "../../lib/comparison.ts";
import { fingerprintOf } from "../../lib/fingerprint.ts";

/** In the order in which they stand below each other. */
export const STATES = ["firing", "error", "no-data", "pending", "inhibited", "silenced"] as const;
export type TriageState = (typeof STATES)[number];

export const STATE_TITLES: Record<TriageState, string> = {
  firing: "firing",
  error: "error",
  "no-data": "no data",
  pending: "pending",
  inhibited: "inhibited",
  silenced: "silenced",
};

export interface TriageRow {
  /** The fingerprint of the alert, or the name of the rule for errors and missing data. */
  key: string;
  fingerprint: string | null;
  name: string;
  severity: string;
  state: TriageState;
  /** Labels that tell this alert from others of its rule. */
  distinguishing: [string, string][];
  labels: Record<string, string>;
  annotations: Record<string, string>;
  rule: RuleRef | null;
  value: number | null;
  /** Unix milliseconds. */
  since: number | null;
  managed: ManagedAlert | null;
  /** For errors and missing data: what is the matter. */
  problem: string;
}

export interface RuleRef {
  group: string;
  /** Seconds between evaluations. */
  interval: number;
  rule: Rule;
  comparison: Comparison | null;
}

const SEVERITIES: readonly (readonly string[])[] = [
  ["critical", "page", "fatal", "emergency", "p1", "sev1"],
  ["error", "high", "major", "p2", "sev2"],
  ["warning", "warn", "medium", "minor", "p3", "sev3"],
  ["info", "low", "notice", "p4", "sev4"],
];

/** 0 is the worst; names that are not known stand between warning and info. */
export function severityRank(severity: string): number {
  const at = SEVERITIES.findIndex((names) => names.includes(severity.toLowerCase()));
  return at < 0 ? 2.5 : at;
}

export function ruleKey(group: string, name: string): string {
  return `${group}/${name}`;
}

export interface TriageInput {
  groups: readonly RuleGroup[];
  managed: readonly ManagedAlert[];
  /** Keys of rules whose expression has no series at all, with what is known of the reason. */
  noData: ReadonlyMap<string, string>;
}

export function triageRows({ groups, managed, noData }: TriageInput): TriageRow[] {
  const known = new Map(managed.map((alert) => [alert.fingerprint, alert]));
  const rows: TriageRow[] = [];
  const seen = new Set<string>();
  for (const group of groups) {
    for (const rule of group.rules) {
      const ref: RuleRef = {
        group: group.name,
        interval: group.interval,
        rule,
        comparison: splitComparison(rule.query),
      };
      for (const alert of rule.alerts) {
        const row = alertRow(ref, alert, known);
        if (row.fingerprint) seen.add(row.fingerprint);
        rows.push(row);
      }
      const key = ruleKey(group.name, rule.name);
      if (rule.health === "err") rows.push(ruleRow(ref, "error", rule.lastError));
      else if (noData.has(key) && rule.alerts.length === 0) rows.push(ruleRow(ref, "no-data", noData.get(key) ?? ""));
    }
  }
  // Sent by others, or of a rule that is gone.
  for (const alert of managed) {
    if (!seen.has(alert.fingerprint)) rows.push(foreignRow(alert));
  }
  return rows.sort(compareRows);
}

export function compareRows(a: TriageRow, b: TriageRow): number {
  return (
    severityRank(a.severity) - severityRank(b.severity) ||
    STATES.indexOf(a.state) - STATES.indexOf(b.state) ||
    (a.since ?? Number.POSITIVE_INFINITY) - (b.since ?? Number.POSITIVE_INFINITY) ||
    a.name.localeCompare(b.name) ||
    (a.key < b.key ? -1 : 1)
  );
}

function alertRow(ref: RuleRef, alert: RuleAlert, known: ReadonlyMap<string, ManagedAlert>): TriageRow {
  const { rule } = ref;
  const fingerprint = alert.fingerprint || fingerprintOf(alert.labels);
  const managed = alert.state === "firing" ? (known.get(fingerprint) ?? null) : null;
  const value = Number(alert.value);
  const missing = alert.labels.reason === "no_data";
  return {
    key: fingerprint,
    fingerprint,
    name: alert.labels.alertname ?? rule.name,
    severity: alert.labels.severity ?? "",
    state: quietState(managed) ?? (missing ? "no-data" : alert.state === "firing" ? "firing" : "pending"),
    distinguishing: Object.entries(alert.labels).filter(
      ([name, text]) => name !== "alertname" && name !== "severity" && rule.labels[name] !== text,
    ),
    labels: alert.labels,
    annotations: alert.annotations,
    rule: ref,
    value: missing || alert.value === "" ? null : value,
    since: Date.parse(alert.activeAt) || null,
    managed,
    problem: missing ? "its data stopped" : "",
  };
}

function quietState(managed: ManagedAlert | null): TriageState | null {
  if (!managed) return null;
  if (managed.silenced_by.length > 0 || managed.muted_by.length > 0) return "silenced";
  return managed.inhibited_by.length > 0 ? "inhibited" : null;
}

function ruleRow(ref: RuleRef, state: TriageState, problem: string): TriageRow {
  const { rule, group } = ref;
  return {
    key: `${state}:${ruleKey(group, rule.name)}`,
    fingerprint: null,
    name: rule.name,
    severity: rule.labels.severity ?? "",
    state,
    distinguishing: [],
    labels: { alertname: rule.name, ...fixed(rule.labels) },
    annotations: fixed(rule.annotations),
    rule: ref,
    value: null,
    since: null,
    managed: null,
    problem,
  };
}

/** Texts of a rule without those that are templates. */
function fixed(texts: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(texts).filter(([, text]) => !text.includes("{{")));
}

function foreignRow(alert: ManagedAlert): TriageRow {
  return {
    key: alert.fingerprint,
    fingerprint: alert.fingerprint,
    name: alert.labels.alertname ?? "without a name",
    severity: alert.labels.severity ?? "",
    state: quietState(alert) ?? "firing",
    distinguishing: Object.entries(alert.labels).filter(([name]) => name !== "alertname" && name !== "severity"),
    labels: alert.labels,
    annotations: alert.annotations,
    rule: null,
    value: null,
    since: alert.starts_at_ms,
    managed: alert,
    problem: "",
  };
}

export function countStates(rows: readonly TriageRow[]): Record<TriageState, number> {
  const counts = { firing: 0, error: 0, "no-data": 0, pending: 0, inhibited: 0, silenced: 0 };
  for (const row of rows) counts[row.state]++;
  return counts;
}

/** Every word must occur in the name, the severity, the state, a label (`service=api`) or an annotation. */
export function matchesText(row: TriageRow, text: string): boolean {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return true;
  const hay = [
    row.name,
    row.severity,
    STATE_TITLES[row.state],
    row.managed?.acknowledged ? "acknowledged" : "",
    ...Object.entries(row.labels).flatMap(([name, value]) => [`${name}=${value}`, `${name}:${value}`]),
    ...Object.values(row.annotations),
    row.problem,
  ]
    .join("\n")
    .toLowerCase();
  return words.every((word) => hay.includes(word));
}

export type GroupBy = "none" | "service" | "alertname" | "severity";

export interface RowGroup {
  title: string;
  rows: TriageRow[];
}

/** The group with the worst row comes first. */
export function groupRows(rows: readonly TriageRow[], by: GroupBy): RowGroup[] {
  if (by === "none") return [{ title: "", rows: [...rows] }];
  const groups = new Map<string, TriageRow[]>();
  for (const row of rows) {
    const title =
      by === "service"
        ? (row.labels.service ?? row.labels.service_name ?? row.labels.job ?? "no service")
        : by === "alertname"
          ? row.name
          : row.severity || "no severity";
    const list = groups.get(title);
    if (list) list.push(row);
    else groups.set(title, [row]);
  }
  return [...groups].map(([title, list]) => ({ title, rows: list }));
}

/** The newest message to each receiver that named an alert; those that arrived come first. */
export function newestMessages(notifications: readonly Notification[]): Map<string, Notified[]> {
  const out = new Map<string, Notified[]>();
  for (const { time_ms, receiver, channel, outcome, reason, alerts } of notifications) {
    const message: Notified = { at_ms: time_ms, receiver, channel, outcome, reason };
    for (const fingerprint of alerts) {
      const list = out.get(fingerprint) ?? [];
      const at = list.findIndex((each) => each.receiver === receiver && each.channel === channel);
      if (at < 0) list.push(message);
      else if ((list[at]?.at_ms ?? 0) < time_ms) list[at] = message;
      out.set(fingerprint, list);
    }
  }
  const failed = (each: Notified) => (each.outcome === "delivered" ? 0 : 1);
  for (const list of out.values()) list.sort((a, b) => failed(a) - failed(b) || b.at_ms - a.at_ms);
  return out;
}

/** The series of an expression that an alert came from: all its labels are those of the alert, but for what the rule changed. */
export function seriesOf<S extends { labels: Record<string, string> }>(
  series: readonly S[],
  row: Pick<TriageRow, "labels" | "rule">,
): S | null {
  const changed = row.rule?.rule.labels ?? {};
  const fits = (labels: Record<string, string>) =>
    Object.entries(labels).every(
      ([name, value]) => name === "__name__" || row.labels[name] === value || changed[name] !== undefined,
    );
  const found = series.filter((each) => fits(each.labels));
  // The one that says most of the alert.
  const shared = (labels: Record<string, string>) =>
    Object.entries(labels).filter(([name, value]) => row.labels[name] === value).length;
  return found.sort((a, b) => shared(b.labels) - shared(a.labels))[0] ?? null;
}
