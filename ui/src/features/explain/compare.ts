// The comparison of two sets of records by their attributes, from the most frequent values of each; used with a server
// that does not compare itself. Significance: at least 20 records and two proportions that chance does not explain.
import type { ExplainAttribute } from "../../api/explain.ts";
import type { Facet } from "../../api/fields.ts";
import { term } from "../../lib/filter.ts";

export interface Side {
  facets: readonly Facet[];
  count: number;
}

const SUPPORT_MIN = 20;
/** Two-sided, after dividing by the number of values that were looked at. */
const P_MAX = 0.01;
const VALUES_SHOWN = 8;
const IDS = /(^|[._])(id|ids|uuid|guid|session|request)$|_id$|\.id$|trace_id|span_id/i;

export function compareFacets(selection: Side, baseline: Side): ExplainAttribute[] {
  const keys = [...new Set([...selection.facets, ...baseline.facets].map((facet) => facet.field))];
  const attributes = keys.map((key) => compareOne(key, selection, baseline));
  return attributes
    .filter((attribute) => attribute.values.length > 0)
    .sort(
      (a, b) =>
        Number(b.significant) - Number(a.significant) ||
        Number(a.demoted !== null) - Number(b.demoted !== null) ||
        b.score - a.score ||
        (a.key < b.key ? -1 : 1),
    );
}

function compareOne(key: string, selection: Side, baseline: Side): ExplainAttribute {
  const of = (side: Side) => side.facets.find((facet) => facet.field === key)?.values ?? [];
  const chosen = new Map(of(selection).map((each) => [each.value, each.count]));
  const rest = new Map(of(baseline).map((each) => [each.value, each.count]));
  const names = [...new Set([...chosen.keys(), ...rest.keys()])];
  const total = (counts: ReadonlyMap<string, number>) => [...counts.values()].reduce((sum, count) => sum + count, 0);
  const share = (counts: ReadonlyMap<string, number>, side: Side, name: string) =>
    side.count > 0 ? (counts.get(name) ?? 0) / side.count : 0;
  const difference = (name: string) => share(chosen, selection, name) - share(rest, baseline, name);
  const ordered = names.sort((a, b) => Math.abs(difference(b)) - Math.abs(difference(a)));
  const best = ordered[0];
  const p =
    best === undefined ? 1 : pValue(chosen.get(best) ?? 0, selection.count, rest.get(best) ?? 0, baseline.count);
  const support = best === undefined ? 0 : (chosen.get(best) ?? 0) + (rest.get(best) ?? 0);
  const demoted = IDS.test(key) ? "id" : null;
  return {
    key,
    scope: "",
    kind: "text",
    score: best === undefined ? 0 : Math.abs(difference(best)),
    significant:
      demoted === null && selection.count >= SUPPORT_MIN && support >= SUPPORT_MIN && p * names.length < P_MAX,
    p_value: p,
    coverage: {
      selection: selection.count > 0 ? Math.min(1, total(chosen) / selection.count) : 0,
      baseline: baseline.count > 0 ? Math.min(1, total(rest) / baseline.count) : 0,
    },
    distinct: names.length,
    demoted,
    values: ordered.slice(0, VALUES_SHOWN).map((value) => ({
      value,
      selection: chosen.get(value) ?? 0,
      baseline: rest.get(value) ?? 0,
      term: term(key, value),
    })),
    other: {
      selection: ordered.slice(VALUES_SHOWN).reduce((sum, name) => sum + (chosen.get(name) ?? 0), 0),
      baseline: ordered.slice(VALUES_SHOWN).reduce((sum, name) => sum + (rest.get(name) ?? 0), 0),
    },
    histogram: null,
  };
}

/** What is left of a whole without a part of it, value by value. */
export function without(whole: Side, part: Side): Side {
  return {
    count: Math.max(0, whole.count - part.count),
    facets: whole.facets.map((facet) => {
      const taken = new Map(
        part.facets.find((each) => each.field === facet.field)?.values.map((each) => [each.value, each.count]),
      );
      return {
        field: facet.field,
        values: facet.values.map((each) => ({
          value: each.value,
          count: Math.max(0, each.count - (taken.get(each.value) ?? 0)),
        })),
      };
    }),
  };
}

/** Two-sided test of two proportions with the pooled variance. */
export function pValue(a: number, aTotal: number, b: number, bTotal: number): number {
  if (aTotal === 0 || bTotal === 0) return 1;
  const pooled = (a + b) / (aTotal + bTotal);
  const deviation = Math.sqrt(pooled * (1 - pooled) * (1 / aTotal + 1 / bTotal));
  if (deviation === 0) return 1;
  return 2 * upperTail(Math.abs(a / aTotal - b / bTotal) / deviation);
}

/** P(Z > z) of the normal distribution; Abramowitz and Stegun 26.2.17, within 7.5e-8. */
function upperTail(z: number): number {
  const t = 1 / (1 + 0.2316419 * z);
  const series = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * series;
}

/** "94 % of the selection have `db.statement=SELECT ..` (baseline 3 %)" */
export function sentenceOf(attributes: readonly ExplainAttribute[], selection: number, baseline: number): string {
  const first = attributes.find((attribute) => attribute.significant);
  const value = first?.values[0];
  if (!first || !value) return "";
  const percent = (count: number, of: number) => `${of > 0 ? Math.round((count / of) * 100) : 0} %`;
  return `${percent(value.selection, selection)} of the selection have \`${first.key}=${value.value}\` (baseline ${percent(value.baseline, baseline)})`;
}

/** The fields that a filter has conditions on. */
export function keysIn(filter: string): Set<string> {
  const bare = filter.replace(/"(?:[^"\\]|\\.)*"/g, '""');
  return new Set([...bare.matchAll(/([A-Za-z_][\w.-]*)\s*(?:!=|!~|<=|>=|[:=<>~])/g)].map((match) => match[1] ?? ""));
}
