// Rules: what is evaluated and how that goes, files that are taken or only looked at, and when a rule would have fired.

import type { FiringAlert } from "./alerts.ts";
import { apiUrl, exchangeText, request } from "./client.ts";
import { anything, blank, bool, list, nullable, number, object, record, text, withDefault, zero } from "./decode.ts";

const texts = withDefault(record(text), {});

export interface RuleAlert extends FiringAlert {
  /** Of the labels as the alert manager has them; empty when the server does not say. */
  fingerprint: string;
  keepFiringSince: string | null;
}

export interface Rule {
  name: string;
  query: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
  /** "ok", "err" or "unknown". */
  health: string;
  lastError: string;
  /** Seconds. */
  evaluationTime: number;
  lastEvaluation: string;
  /** "alerting" or "recording". */
  type: string;
  /** "inactive", "pending" or "firing"; empty for recording rules. */
  state: string;
  /** Seconds. */
  duration: number;
  keepFiringFor: number;
  alerts: RuleAlert[];
  /** "promql", "logs" or "traces". */
  source: string;
  /** Whether the expression has no series at all; null when the server does not say. */
  noData: boolean | null;
  warnings: string[];
  levels: unknown;
}

export interface RuleGroup {
  name: string;
  /** "api" when it was made here. */
  file: string;
  /** Seconds. */
  interval: number;
  evaluationTime: number;
  lastEvaluation: string;
  rules: Rule[];
  missed: number | null;
}

const ruleAlert = object<RuleAlert>({
  labels: texts,
  annotations: texts,
  state: blank,
  activeAt: blank,
  value: blank,
  fingerprint: blank,
  keepFiringSince: nullable(text),
});

const rule = object<Rule>({
  name: text,
  query: text,
  labels: texts,
  annotations: texts,
  health: blank,
  lastError: blank,
  evaluationTime: zero,
  lastEvaluation: blank,
  type: blank,
  state: blank,
  duration: zero,
  keepFiringFor: zero,
  alerts: withDefault(list(ruleAlert), []),
  source: blank,
  noData: nullable(bool),
  warnings: withDefault(list(text), []),
  levels: anything,
});

const groups = object<{ data: { groups: RuleGroup[] } }>({
  data: object<{ groups: RuleGroup[] }>({
    groups: list(
      object<RuleGroup>({
        name: text,
        file: blank,
        interval: zero,
        evaluationTime: zero,
        lastEvaluation: blank,
        rules: list(rule),
        missed: nullable(number),
      }),
    ),
  }),
});

export async function fetchRules(signal: AbortSignal): Promise<RuleGroup[]> {
  const { data } = (await request({ path: "api/v1/rules", decode: groups, signal })).value;
  for (const group of data.groups) for (const each of group.rules) each.source ||= sourceOf(each.query);
  return data.groups;
}

/** Analyses of logs and traces have stages behind a bar, which PromQL has not. */
function sourceOf(query: string): string {
  return /\|\s*stats\b/.test(query) ? "logs" : "promql";
}

export interface Finding {
  /** "error", "warning" or "info". */
  severity: string;
  /** From 1; 0 when the file as a whole is meant. */
  line: number;
  column: number;
  path: string;
  message: string;
  fix: string;
}

/** Files of rules say `reason` and `fix`, those of the alert manager `message` and `remedy`. */
export const finding = (value: unknown): Finding => {
  const raw = object<Finding & { reason: string; remedy: string }>({
    severity: blank,
    line: zero,
    column: zero,
    path: blank,
    message: blank,
    fix: blank,
    reason: blank,
    remedy: blank,
  })(value);
  const { reason, remedy, ...rest } = raw;
  return { ...rest, message: rest.message || reason, fix: rest.fix || remedy };
};

export const findings = withDefault(list(finding), []);

export interface Taken {
  groups: { name: string; rules: string[] }[];
  rules: number;
  findings: Finding[];
  prometheus_accepts: boolean;
}

const taken = object<Taken>({
  groups: withDefault(
    list(object<{ name: string; rules: string[] }>({ name: blank, rules: withDefault(list(text), []) })),
    [],
  ),
  rules: zero,
  findings,
  prometheus_accepts: withDefault(bool, true),
});

/** Takes a rule file (YAML or JSON). An `ApiError` has the findings in `facts.body`. */
export function importRules(file: string): Promise<Taken> {
  return exchangeText("POST", "api/v1/rules", {}, file, "application/yaml", taken);
}

export function removeGroup(group: string): Promise<unknown> {
  return exchangeText("DELETE", `api/v1/rules/${encodeURIComponent(group)}`, {}, null, "", anything);
}

export type Dialect = "prometheus" | "bellrock";

export function exportUrl(dialect: Dialect): string {
  return apiUrl("api/v1/rules/export", { dialect });
}

export async function exportRules(dialect: Dialect, signal?: AbortSignal): Promise<string> {
  const response = await fetch(exportUrl(dialect), signal ? { signal } : {});
  return response.text();
}

export interface TriedAlert {
  labels: Record<string, string>;
  annotations: Record<string, string>;
  /** Unix milliseconds. */
  pendingAt: number;
  firedAt: number | null;
  endedAt: number | null;
  value: number | null;
}

export interface Tried {
  group: string;
  rule: string;
  from: number;
  to: number;
  stepMilli: number;
  evaluations: number;
  firings: number;
  alerts: TriedAlert[];
  truncated: boolean;
  warnings: string[];
  error: string | null;
}

export interface Trial {
  rules: Tried[];
  findings: Finding[];
}

const nanos = (value: unknown): number => Math.round(Number(value ?? 0) / 1e6);
const maybeNanos = (value: unknown): number | null => (value === null || value === undefined ? null : nanos(value));

interface RawTried {
  group: string;
  rule: string;
  from: number;
  to: number;
  step_nanos: number;
  evaluations: number;
  firings: number;
  alerts: RawTriedAlert[];
  truncated: boolean;
  warnings: string[];
  error: string | null;
}

interface RawTriedAlert {
  labels: Record<string, string>;
  annotations: Record<string, string>;
  pending_at: number;
  fired_at: number | null;
  ended_at: number | null;
  value: number | null;
}

const trial = object<{ rules: RawTried[]; findings: Finding[] }>({
  rules: list(
    object<RawTried>({
      group: blank,
      rule: blank,
      from: nanos,
      to: nanos,
      step_nanos: zero,
      evaluations: zero,
      firings: zero,
      alerts: withDefault(
        list(
          object<RawTriedAlert>({
            labels: texts,
            annotations: texts,
            pending_at: nanos,
            fired_at: maybeNanos,
            ended_at: maybeNanos,
            value: nullable(number),
          }),
        ),
        [],
      ),
      truncated: withDefault(bool, false),
      warnings: withDefault(list(text), []),
      error: nullable(text),
    }),
  ),
  findings,
});

/** When the alerting rules of a file would have fired; nothing is stored and nobody is told. */
export async function tryRules(
  file: string,
  past: { from: string; to?: string; step?: string },
  signal?: AbortSignal,
): Promise<Trial> {
  const raw = await exchangeText("POST", "api/v1/rules/test", past, file, "application/yaml", trial, signal);
  return {
    findings: raw.findings,
    rules: raw.rules.map(({ step_nanos, alerts, ...rest }) => ({
      ...rest,
      stepMilli: step_nanos / 1e6,
      alerts: alerts.map(({ pending_at, fired_at, ended_at, ...alert }) => ({
        ...alert,
        pendingAt: pending_at,
        firedAt: fired_at,
        endedAt: ended_at,
      })),
    })),
  };
}
