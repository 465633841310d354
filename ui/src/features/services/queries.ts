// What the service pages ask the server, beside the lists of services and operations.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { type Analysis, type AnalysisTable, fetchAnalysis } from "../../api/analyse.ts";
import type { FieldSignal } from "../../api/fields.ts";
import { type Grid, toGrid } from "../../lib/buckets.ts";
import { term } from "../../lib/filter.ts";
import type { Range } from "../../lib/time/range.ts";

/** What counts as a call: the spans that the figures of services are made of. */
export const CALLS = '(kind:(server,consumer) OR parent_span_id:"")';

export function callsOf(service: string): string {
  return `${term("service", service)} ${CALLS}`;
}

export function useAnalysis(signal: FieldSignal, q: string, range: Range, enabled = true) {
  const queryKey = ["analysis", signal, q, range] as const;
  const result = useQuery({
    queryKey,
    queryFn: ({ signal: abort }) => fetchAnalysis({ signal, q, range }, abort),
    placeholderData: keepPreviousData,
    enabled,
  });
  return { ...result, queryKey };
}

export function columnOf(table: AnalysisTable, name: string): number {
  return table.columns.findIndex((column) => column.name === name);
}

/** One measure of an analysis by time; `key` is the column that tells the lines apart. */
export function gridOf(analysis: Analysis | undefined, range: Range, measure: string, key: string | null): Grid | null {
  const table = analysis?.table;
  if (!table) return null;
  return toGrid({
    rows: table.rows,
    time: columnOf(table, "time"),
    key: key === null ? null : columnOf(table, key),
    measure: columnOf(table, measure),
    stepMilli: (table.step_nanos ?? 60e9) / 1e6,
    whole: table.rows.length >= table.groups,
    ...range,
  });
}

export interface Identity {
  versions: string[];
  environments: string[];
  namespaces: string[];
  languages: string[];
  sdk: string[];
  instances: number;
}

const IDENTITY_KEYS = [
  ["versions", "service.version"],
  ["environments", "deployment.environment.name"],
  ["namespaces", "service.namespace"],
  ["languages", "telemetry.sdk.language"],
  ["sdk", "telemetry.sdk.version"],
] as const;

export const IDENTITY_QUERY = `| stats count(), count_distinct(service.instance.id) by service, ${IDENTITY_KEYS.map(([, key]) => key).join(", ")} | sort -count`;

/** By service: the distinct values of what it says about itself, most frequent first. */
export function identities(table: AnalysisTable | null | undefined): Map<string, Identity> {
  const out = new Map<string, Identity>();
  if (!table) return out;
  const service = columnOf(table, "service");
  const instances = table.columns.findIndex((column) => column.name.startsWith("count_distinct"));
  for (const row of table.rows) {
    const name = String(row[service] ?? "");
    const found = out.get(name) ?? {
      versions: [],
      environments: [],
      namespaces: [],
      languages: [],
      sdk: [],
      instances: 0,
    };
    for (const [list, key] of IDENTITY_KEYS) {
      const value = row[columnOf(table, key)];
      if (typeof value === "string" && value !== "" && !found[list].includes(value)) found[list].push(value);
    }
    found.instances += Number(row[instances] ?? 0);
    out.set(name, found);
  }
  return out;
}

export interface Deployment {
  version: string;
  unixMilli: number;
}

/** First sightings of a version inside the range; what was there from the start is no deployment. */
export function deployments(grid: Grid | null): Deployment[] {
  if (!grid) return [];
  const firsts = [...grid.values].flatMap(([version, counts]) => {
    const at = counts.findIndex((count) => (count ?? 0) > 0);
    return at < 0 || version === "" ? [] : [{ version, at }];
  });
  const start = Math.min(...firsts.map(({ at }) => at));
  return firsts
    .filter(({ at }) => at > start)
    .map(({ version, at }) => ({ version, unixMilli: grid.times[at] ?? 0 }))
    .sort((a, b) => a.unixMilli - b.unixMilli);
}

/** The same length of time directly before. */
export function previousRange({ fromMilli, toMilli }: Range): Range {
  return { fromMilli: fromMilli - (toMilli - fromMilli), toMilli: fromMilli };
}
