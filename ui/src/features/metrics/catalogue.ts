// What the catalogue says of each metric, put together from names, metadata, cardinality and rules.
import type { MetricMetadata } from "../../api/prometheus.ts";
import type { Cardinal, RuleText } from "../../api/promql.ts";

export interface MetricRow {
  name: string;
  type: string;
  unit: string;
  help: string;
  /** 0 when it is not among those the server counted. */
  series: number;
  /** Against an hour ago; 0 when nothing is known of that time. */
  growth: number;
  /** Names of the rules that use it. */
  rules: string[];
}

export type CatalogueSort = "name" | "series" | "growth";

/** Metadata of histograms stands under the base name. */
export function describe(metadata: Readonly<Record<string, MetricMetadata[]>>, name: string): MetricMetadata {
  const found = metadata[name] ?? metadata[name.replace(/_(bucket|count|sum|total)$/, "")];
  return found?.[0] ?? { type: "", help: "", unit: "" };
}

const WORD = /[a-zA-Z_:][a-zA-Z0-9_:]*/g;

export function catalogueRows(
  names: readonly string[],
  metadata: Readonly<Record<string, MetricMetadata[]>>,
  cardinals: readonly Cardinal[],
  rules: readonly RuleText[],
): MetricRow[] {
  const counts = new Map(cardinals.map((each) => [each.name, each]));
  const used = new Map<string, string[]>();
  for (const rule of rules) {
    for (const word of new Set(rule.query.match(WORD) ?? [])) used.set(word, [...(used.get(word) ?? []), rule.name]);
  }
  return names.map((name) => {
    const count = counts.get(name);
    return {
      name,
      ...describe(metadata, name),
      series: count?.value ?? 0,
      growth: count && count.hourAgo !== null ? count.value - count.hourAgo : 0,
      rules: used.get(name) ?? [],
    };
  });
}
