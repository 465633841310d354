// /api/v1/slos: objectives with their budgets, what they count, who spent them, and files of them.
import type { Range } from "../lib/time/range.ts";
import { ApiError, apiUrl, exchangeText, request } from "./client.ts";
import {
  anything,
  blank,
  bool,
  type Decoder,
  isObject,
  list,
  nullable,
  number,
  object,
  record,
  text,
  withDefault,
  zero,
} from "./decode.ts";

export interface Burn {
  window_secs: number;
  /** 1 spends exactly the budget over the whole window. */
  rate: number;
  bad: number;
  total: number;
}

export interface SloGroup {
  labels: Record<string, string>;
  time_ms: number;
  since_ms: number;
  length_secs: number;
  total: number;
  bad: number;
  /** Null without events. */
  sli: number | null;
  budget: { allowed: number; remaining: number; remaining_units: number; remaining_secs: number };
  burn: Burn[];
  exhausted_in_secs: number | null;
  /** The share of the window of which anything is known. */
  coverage: number;
  last_event_ms: number | null;
  sentence: string;
}

export interface Tier {
  /** "page" or "ticket". */
  urgency: string;
  long_secs: number;
  short_secs: number;
  factor: number;
}

export type Indicator =
  | { kind: "ratio"; bad: string[]; good: string[]; total: string[] }
  | { kind: "latency"; histogram: string; threshold: number }
  | { kind: "up"; metric: string }
  | { kind: "events"; signal: "traces" | "logs"; total: string; bad: string };

export interface Slo {
  id: string;
  title: string;
  description: string;
  service: string;
  objective: number;
  window: string;
  method: { kind: string; slice_secs: number; target: number };
  /** Null for a promise that does not say yet what is counted. */
  indicator: Indicator | null;
  /** As the server wrote it, to be sent back. */
  raw_indicator: unknown;
  /** The words of the promise. */
  written: string | null;
  group_by: string[];
  alerting: boolean;
  origin: { kind: string; file: string };
  tiers: Tier[];
  dropped: (Tier & { reason: string })[];
  warnings: string[];
  error: string | null;
  groups: SloGroup[];
}

export interface SloFinding {
  severity: string;
  file: string | null;
  line: number;
  column: number;
  path: string;
  message: string;
  fix: string;
}

const no = withDefault(bool, false);

const texts = (value: unknown): string[] =>
  typeof value === "string" ? [value] : Array.isArray(value) ? value.map(String) : [];

export function readIndicator(value: unknown): Indicator | null {
  if (!isObject(value)) return null;
  if (isObject(value.ratio)) {
    const { bad, good, total } = value.ratio;
    return { kind: "ratio", bad: texts(bad), good: texts(good), total: texts(total) };
  }
  if (isObject(value.latency)) {
    return {
      kind: "latency",
      histogram: String(value.latency.histogram ?? ""),
      threshold: Number(value.latency.threshold ?? 0),
    };
  }
  if (isObject(value.events)) {
    const { signal, total, bad } = value.events;
    return {
      kind: "events",
      signal: signal === "logs" ? "logs" : "traces",
      total: String(total ?? ""),
      bad: String(bad ?? ""),
    };
  }
  return value.up === undefined ? null : { kind: "up", metric: texts(value.up).join(", ") };
}

const tierFields = { urgency: blank, long_secs: zero, short_secs: zero, factor: zero };

const group = object<SloGroup>({
  labels: withDefault(record(text), {}),
  time_ms: zero,
  since_ms: zero,
  length_secs: zero,
  total: zero,
  bad: zero,
  sli: nullable(number),
  budget: object<SloGroup["budget"]>({ allowed: zero, remaining: zero, remaining_units: zero, remaining_secs: zero }),
  burn: withDefault(list(object<Burn>({ window_secs: zero, rate: zero, bad: zero, total: zero })), []),
  exhausted_in_secs: nullable(number),
  coverage: zero,
  last_event_ms: nullable(number),
  sentence: blank,
});

const plainSlo = object<Omit<Slo, "raw_indicator">>({
  id: text,
  title: blank,
  description: blank,
  service: blank,
  objective: zero,
  window: blank,
  method: withDefault(object<Slo["method"]>({ kind: blank, slice_secs: zero, target: zero }), {
    kind: "events",
    slice_secs: 0,
    target: 0,
  }),
  indicator: readIndicator,
  written: nullable(text),
  group_by: withDefault(list(text), []),
  alerting: no,
  origin: withDefault(object<Slo["origin"]>({ kind: blank, file: blank }), { kind: "api", file: "" }),
  tiers: withDefault(list(object<Tier>(tierFields)), []),
  dropped: withDefault(list(object<Slo["dropped"][number]>({ ...tierFields, reason: blank })), []),
  warnings: withDefault(list(text), []),
  error: nullable(text),
  groups: withDefault(list(group), []),
});

const slo: Decoder<Slo> = (value) => ({
  ...plainSlo(value),
  raw_indicator: isObject(value) ? value.indicator : null,
});

const finding = object<SloFinding>({
  severity: blank,
  file: nullable(text),
  line: zero,
  column: zero,
  path: blank,
  message: blank,
  fix: blank,
});
const findings = withDefault(list(finding), []);

export interface SloList {
  slos: Slo[];
  findings: SloFinding[];
}

const sloList = object<SloList>({ slos: list(slo), findings });

const YAML = "application/yaml";
const path = (id: string, more = "") => `api/v1/slos/${encodeURIComponent(id)}${more}`;

export async function fetchSlos(signal: AbortSignal): Promise<SloList> {
  return (await request({ path: "api/v1/slos", decode: sloList, signal })).value;
}

export async function fetchSlo(id: string, signal: AbortSignal): Promise<Slo> {
  return (await request({ path: path(id), decode: slo, signal })).value;
}

/** What a text would say now; nothing is kept. */
export function previewSlos(yaml: string, signal: AbortSignal): Promise<SloList> {
  return exchangeText("POST", "api/v1/slos/preview", {}, yaml, YAML, sloList, signal);
}

export interface Imported {
  accepted: string[];
  findings: SloFinding[];
}

const imported = object<Imported>({ accepted: withDefault(list(text), []), findings });

/** A text that is refused as a whole is an answer, too: with nothing accepted, and why. */
export async function importSlos(yaml: string): Promise<Imported> {
  try {
    return await exchangeText("POST", "api/v1/slos", {}, yaml, YAML, imported);
  } catch (error) {
    if (error instanceof ApiError && isObject(error.facts.body) && Array.isArray(error.facts.body.findings))
      return imported(error.facts.body);
    throw error;
  }
}

export function confirmSlo(id: string, indicator: unknown): Promise<Slo> {
  return exchangeText("POST", path(id, "/confirm"), {}, JSON.stringify(indicator), YAML, slo);
}

export async function removeSlo(id: string): Promise<void> {
  await exchangeText("DELETE", path(id), {}, null, "", anything);
}

export interface Proposal {
  indicator: Indicator | null;
  raw: unknown;
  reason: string;
  score: number;
}

const proposal: Decoder<Proposal> = (value) => {
  const plain = object<{ reason: string; score: number }>({ reason: blank, score: zero })(value);
  const raw = isObject(value) ? value.indicator : null;
  return { ...plain, raw, indicator: readIndicator(raw) };
};

export async function fetchProposals(id: string, signal: AbortSignal): Promise<Proposal[]> {
  const decode = object<{ proposals: Proposal[] }>({ proposals: list(proposal) });
  return (await request({ path: path(id, "/proposals"), decode, signal })).value.proposals;
}

export interface BudgetHistory {
  /** Unix milliseconds, and what was left: 1 is all of it, below 0 it is overspent. */
  points: [number, number | null][];
  step_secs: number;
}

const point: Decoder<[number, number | null]> = (value) => {
  const pair = list(nullable(number))(value);
  return [pair[0] ?? 0, pair[1] ?? null];
};

export async function fetchHistory(
  id: string,
  labels: Readonly<Record<string, string>>,
  range: Range,
  signal: AbortSignal,
): Promise<BudgetHistory> {
  const params = {
    from: Math.floor(range.fromMilli),
    to: Math.ceil(range.toMilli),
    group: Object.keys(labels).length > 0 ? JSON.stringify(labels) : undefined,
  };
  const decode = object<BudgetHistory>({ points: list(point), step_secs: zero });
  return (await request({ path: path(id, "/history"), params, decode, signal })).value;
}

export interface Spender {
  value: string;
  bad: number;
  total: number;
  share: number;
}

export async function fetchSpent(id: string, by: string, signal: AbortSignal): Promise<Spender[]> {
  const row = object<Spender>({ value: blank, bad: zero, total: zero, share: zero });
  const decode = object<{ rows: Spender[] }>({ rows: list(row) });
  return (await request({ path: path(id, "/spent"), params: { by }, decode, signal })).value.rows;
}

export interface BurnRule {
  name: string;
  query: string;
  state: string;
  severity: string;
  description: string;
}

/** The alerts that the server makes from an objective. */
export async function fetchBurnRules(id: string, signal: AbortSignal): Promise<BurnRule[]> {
  const rule: Decoder<BurnRule> = (value) => {
    const raw = object<{
      name: string;
      query: string;
      state: string;
      labels: Record<string, string>;
      annotations: Record<string, string>;
    }>({
      name: blank,
      query: blank,
      state: blank,
      labels: withDefault(record(text), {}),
      annotations: withDefault(record(text), {}),
    })(value);
    const { name, query, state, labels, annotations } = raw;
    return { name, query, state, severity: labels.severity ?? "", description: annotations.summary ?? "" };
  };
  const decode = object<{ data: { groups: { name: string; rules: BurnRule[] }[] } }>({
    data: object({ groups: list(object<{ name: string; rules: BurnRule[] }>({ name: blank, rules: list(rule) })) }),
  });
  const params = { type: "alert", "rule_group[]": `slo-${id}` };
  const { value } = await request({ path: "api/v1/rules", params, decode, signal });
  return value.data.groups.filter(({ name }) => name === `slo-${id}`).flatMap(({ rules }) => rules);
}

export const exportUrl = (): string => apiUrl("api/v1/slos/export");
