// Everything the triage table needs, asked for again every quarter of a minute: rules, alerts, messages, and the last
// hour of what is compared with a threshold.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { fetchManaged, type ManagedAlert, type Notified } from "../../api/alerts.ts";
import { type BatchAnswer, type BatchQuery, type BatchSeries, runBatch } from "../../api/batch.ts";
import { ApiError, serverNow } from "../../api/client.ts";
import { fetchNotifications } from "../../api/notifications.ts";
import { fetchRules, type RuleGroup } from "../../api/rules.ts";
import { splitComparison } from "../../lib/comparison.ts";
import { newestMessages, ruleKey, type TriageRow, triageRows } from "./triage.ts";

export const REFRESH_MS = 15_000;
/** What is missing is looked for less often: it asks for every rule that does not fire. */
const NO_DATA_MS = 60_000;
/** As many queries as one batch takes. */
const BATCH_MAX = 200;
const CHARTS_MAX = 60;
const MANY_RULES = 2000;
const NONE: readonly never[] = [];
const MESSAGES = 200;
const HOUR_MILLI = 3_600_000;
const STEP_MILLI = 60_000;
const SERIES_MAX = 200;

export interface Triage {
  rows: TriageRow[];
  rules: ReturnType<typeof useRules>;
  managed: ReturnType<typeof useManaged>;
  messages: ReadonlyMap<string, Notified[]>;
  /** By the left side of the comparison. */
  charts: ReadonlyMap<string, BatchSeries[]>;
  /** Alerts beyond the limit of the server's answer. */
  hidden: number;
}

export function useRules() {
  return useQuery({
    queryKey: ["rules"],
    queryFn: ({ signal }) => fetchRules(signal),
    // Thousands of rules take a while to read; they are asked for less often.
    refetchInterval: ({ state }) => {
      const count = (state.data ?? NONE).reduce((sum, group) => sum + group.rules.length, 0);
      return count > MANY_RULES ? NO_DATA_MS : REFRESH_MS;
    },
  });
}

export function useManaged() {
  return useQuery({
    queryKey: ["managed"],
    queryFn: ({ signal }) => fetchManaged(signal),
    refetchInterval: REFRESH_MS,
  });
}

export function useTriage(): Triage {
  const rules = useRules();
  const managed = useManaged();
  const messages = useMessages(managed.data?.alerts);
  const noData = useNoData(rules.data);
  const rows = useMemo(
    () => triageRows({ groups: rules.data ?? NONE, managed: managed.data?.alerts ?? NONE, noData }),
    [rules.data, managed.data, noData],
  );
  const charts = useCharts(rows);
  const total = managed.data?.total ?? 0;
  return { rows, rules, managed, messages, charts, hidden: Math.max(0, total - (managed.data?.alerts.length ?? 0)) };
}

/** The newest messages of each alert: from the log, and for those that it does not reach back to what the server says. */
function useMessages(alerts: readonly ManagedAlert[] | undefined): ReadonlyMap<string, Notified[]> {
  const log = useQuery({
    queryKey: ["messages-by-alert"],
    queryFn: async ({ signal }) => {
      // Apart, so that many failures do not push the last success out of what is read.
      const both = ["delivered", "failed"].map((outcome) => fetchNotifications({ outcome, limit: MESSAGES }, signal));
      return (await Promise.all(both)).flatMap((page) => page.notifications);
    },
    refetchInterval: REFRESH_MS,
    enabled: alerts !== undefined && alerts.length > 0,
  });
  return useMemo(() => {
    const messages = newestMessages(log.data ?? NONE);
    for (const { fingerprint, notified } of alerts ?? []) {
      if (notified && !messages.has(fingerprint)) messages.set(fingerprint, [notified]);
    }
    return messages;
  }, [alerts, log.data]);
}

/** Rules whose expression has no series at all: the server says so, or the left side of their comparison is asked. */
function useNoData(groups: readonly RuleGroup[] | undefined): ReadonlyMap<string, string> {
  const [told, asked] = useMemo(() => {
    const told = new Map<string, string>();
    const asked = new Map<string, string>();
    for (const group of groups ?? []) {
      for (const rule of group.rules) {
        if (rule.type !== "alerting" || rule.alerts.length > 0 || rule.health === "err") continue;
        const key = ruleKey(group.name, rule.name);
        if (rule.noData === true) told.set(key, "");
        const left = rule.noData === null && rule.source === "promql" ? splitComparison(rule.query)?.left : undefined;
        if (left) asked.set(key, left);
      }
    }
    return [told, asked];
  }, [groups]);
  const signature = [...asked].map(([key, left]) => `${key}\n${left}`).join("\n\n");
  const missing = useQuery({
    queryKey: ["no-data", signature],
    queryFn: ({ signal }) => askWhatIsMissing(asked, signal),
    enabled: asked.size > 0,
    refetchInterval: NO_DATA_MS,
    placeholderData: keepPreviousData,
  });
  return useMemo(() => {
    const rest = [...asked.keys()].filter((key) => missing.data?.has(key));
    return new Map([...told, ...rest.map((key) => [key, ""] as const)]);
  }, [told, asked, missing.data]);
}

async function askWhatIsMissing(asked: ReadonlyMap<string, string>, signal: AbortSignal): Promise<Set<string>> {
  const queries = new Map<string, BatchQuery>();
  for (const [key, query] of [...asked].slice(0, BATCH_MAX)) {
    queries.set(key, { kind: "instant", query, time_unix_milli: Math.floor(serverNow()), max_series: 1 });
  }
  const answers = await runAll(queries, signal);
  return new Set([...answers].flatMap(([key, answer]) => (answer.series.length === 0 ? [key] : [])));
}

function useCharts(rows: readonly TriageRow[]): ReadonlyMap<string, BatchSeries[]> {
  const wanted = useMemo(() => {
    const lefts = new Set<string>();
    for (const { rule, state } of rows) {
      if (rule?.rule.source !== "promql" || state === "error" || state === "no-data") continue;
      lefts.add(rule.comparison?.left ?? rule.rule.query);
    }
    return [...lefts].slice(0, CHARTS_MAX);
  }, [rows]);
  const signature = wanted.join("\n\n");
  const charts = useQuery({
    queryKey: ["alert-charts", signature],
    queryFn: ({ signal }) => askCharts(wanted, signal),
    enabled: wanted.length > 0,
    refetchInterval: NO_DATA_MS,
    placeholderData: keepPreviousData,
  });
  return charts.data ?? NO_CHARTS;
}

const NO_CHARTS: ReadonlyMap<string, BatchSeries[]> = new Map();

async function askCharts(lefts: readonly string[], signal: AbortSignal): Promise<Map<string, BatchSeries[]>> {
  const end = Math.floor(serverNow() / STEP_MILLI) * STEP_MILLI;
  const bounds = { start_unix_milli: end - HOUR_MILLI, end_unix_milli: end, step_milli: STEP_MILLI };
  const limits = { max_series: SERIES_MAX, max_points: 4 * (HOUR_MILLI / STEP_MILLI) };
  const queries = new Map<string, BatchQuery>(
    lefts.map((query) => [query, { kind: "range", query, ...bounds, ...limits }]),
  );
  const answers = await runAll(queries, signal);
  return new Map([...answers].map(([query, answer]) => [query, answer.series]));
}

/** The answers of those that worked; what does not work shows in the rule itself, unless failures are `thrown`. */
export async function runAll(
  queries: ReadonlyMap<string, BatchQuery>,
  signal: AbortSignal,
  thrown = false,
): Promise<Map<string, BatchAnswer>> {
  let failure: ApiError | null = null;
  const answers = new Map<string, BatchAnswer>();
  const names = [...queries.keys()];
  await runBatch(
    new Map([...queries.values()].map((query, at) => [String(at), query])),
    (id, result) => {
      const name = names[Number(id)];
      if (result instanceof ApiError) failure = result;
      else if (name !== undefined) answers.set(name, result);
    },
    signal,
  );
  if (thrown && failure) throw failure;
  return answers;
}
