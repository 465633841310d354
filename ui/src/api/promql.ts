// What the server knows about expressions and metrics beyond answers: trees, exemplars, cardinality, rules.
import type { Range } from "../lib/time/range.ts";
import { request } from "./client.ts";
import { anything, list, nullable, number, object, record, text, withDefault } from "./decode.ts";
import { type Labels, parseValue } from "./prometheus.ts";

const tree = object<{ data: unknown }>({ data: anything });

/** The tree of an expression, as Prometheus spells it. */
export async function fetchTree(query: string, signal: AbortSignal): Promise<unknown> {
  return (await request({ path: "api/v1/parse_query", params: { query }, decode: tree, signal, form: true })).value
    .data;
}

const formatted = object<{ data: string }>({ data: text });

export async function formatQuery(query: string): Promise<string> {
  return (await request({ path: "api/v1/format_query", params: { query }, decode: formatted })).value.data;
}

export interface ExemplarSample {
  labels: Labels;
  value: number;
  /** Unix seconds. */
  timestamp: number;
}

export interface ExemplarSeries {
  seriesLabels: Labels;
  exemplars: ExemplarSample[];
}

const exemplars = object<{ data: ExemplarSeries[] }>({
  data: list(
    object<ExemplarSeries>({
      seriesLabels: withDefault(record(text), {}),
      exemplars: list(
        object<ExemplarSample>({ labels: withDefault(record(text), {}), value: parseValue, timestamp: number }),
      ),
    }),
  ),
});

export async function fetchExemplars(query: string, range: Range, signal: AbortSignal): Promise<ExemplarSeries[]> {
  const params = { query, start: Math.floor(range.fromMilli / 1000), end: Math.ceil(range.toMilli / 1000) };
  return (await request({ path: "api/v1/query_exemplars", params, decode: exemplars, signal })).value.data;
}

export interface Cardinal {
  name: string;
  value: number;
  /** An hour and a day ago; null where nothing is stored of that time. */
  hourAgo: number | null;
  dayAgo: number | null;
}

export interface Cardinality {
  series: number;
  metrics: Cardinal[];
  labelsByValues: Cardinal[];
}

interface RawCardinal {
  name: string;
  value: number;
  "1h": number | null;
  "1d": number | null;
}

const cardinals = withDefault(
  list(object<RawCardinal>({ name: text, value: number, "1h": nullable(number), "1d": nullable(number) })),
  [],
);

const cardinality = object<{
  data: { series: { value: number }; metrics: RawCardinal[]; labelsByValues: RawCardinal[] };
}>({
  data: object({ series: object<{ value: number }>({ value: number }), metrics: cardinals, labelsByValues: cardinals }),
});

function readCardinal(raw: RawCardinal): Cardinal {
  return { name: raw.name, value: raw.value, hourAgo: raw["1h"], dayAgo: raw["1d"] };
}

export async function fetchCardinality(limit: number, signal: AbortSignal): Promise<Cardinality> {
  const { value } = await request({ path: "api/v1/cardinality", params: { limit }, decode: cardinality, signal });
  const { series, metrics, labelsByValues } = value.data;
  return {
    series: series.value,
    metrics: metrics.map(readCardinal),
    labelsByValues: labelsByValues.map(readCardinal),
  };
}

export interface RuleText {
  name: string;
  query: string;
}

const rules = object<{ data: { groups: { rules: RuleText[] }[] } }>({
  data: object({
    groups: withDefault(
      list(object<{ rules: RuleText[] }>({ rules: list(object<RuleText>({ name: text, query: text })) })),
      [],
    ),
  }),
});

/** Names and expressions of all rules. */
export async function fetchRuleTexts(signal: AbortSignal): Promise<RuleText[]> {
  const { value } = await request({ path: "api/v1/rules", decode: rules, signal });
  return value.data.groups.flatMap((group) => group.rules);
}
