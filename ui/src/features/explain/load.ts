// Asks the server for a comparison; one that does not compare is asked for the most frequent values of both sides.
import { fetchAnalysis } from "../../api/analyse.ts";
import { ApiError } from "../../api/client.ts";
import { type ExplainQuery, type Explanation, fetchExplanation } from "../../api/explain.ts";
import { fetchFacets, fetchFields } from "../../api/fields.ts";
import type { Range } from "../../lib/time/range.ts";
import { compareFacets, keysIn, type Side, sentenceOf, without } from "./compare.ts";

const FIELDS_MAX = 40;
/** The server takes no more at once. */
const FIELDS_AT_ONCE = 20;
const VALUES = 20;
/** Built-in names that are not attributes of a record, or would only say what the selection is. */
const LEFT_OUT = new Set(["trace_id", "span_id", "parent_span_id", "body", "duration"]);

export interface Loaded {
  explanation: Explanation;
  /** Made in the browser, from frequent values only. */
  approximate: boolean;
}

export async function loadExplanation(query: ExplainQuery, signal: AbortSignal): Promise<Loaded> {
  try {
    return { explanation: await fetchExplanation(query, signal), approximate: false };
  } catch (error) {
    if (!(error instanceof ApiError) || error.facts.status !== 404) throw error;
    return { explanation: await compareHere(query, signal), approximate: true };
  }
}

const both = (a: string, b: string) =>
  [a, b]
    .filter((part) => part.trim() !== "")
    .map((part) => `(${part})`)
    .join(" ");

async function compareHere(query: ExplainQuery, signal: AbortSignal): Promise<Explanation> {
  const range = query.selection.range ?? query.range;
  // That the selection differs in what it was selected by is no news.
  const selectedBy = keysIn(query.selection.q);
  const fields = (await fetchFields(query.signal, query.range, signal)).value.fields
    .filter((field) => !LEFT_OUT.has(field.name) && !selectedBy.has(field.name))
    .sort((a, b) => b.count - a.count)
    .slice(0, FIELDS_MAX)
    .map((field) => field.name);
  const side = async (q: string, over: Range): Promise<Side> => {
    const chunks = [fields.slice(0, FIELDS_AT_ONCE), fields.slice(FIELDS_AT_ONCE)].filter((chunk) => chunk.length > 0);
    const [count, ...facets] = await Promise.all([
      fetchAnalysis({ signal: query.signal, range: over, q: `${q} | stats count()` }, signal),
      ...chunks.map((chunk) =>
        fetchFacets({ signal: query.signal, range: over, q, fields: chunk, limit: VALUES }, signal),
      ),
    ]);
    return {
      facets: facets.flatMap((each) => each.value.facets),
      count: Number(count.value.table?.rows[0]?.[0] ?? 0),
    };
  };
  const wanted = both(query.filter, query.selection.q);
  const chosen = await side(wanted, range);
  const length = range.toMilli - range.fromMilli;
  const baseline =
    query.baseline === "previous"
      ? await side(wanted, { fromMilli: range.fromMilli - length, toMilli: range.fromMilli })
      : without(await side(both(query.filter, ""), query.range), chosen);
  const attributes = compareFacets(chosen, baseline);
  return {
    selection: { count: chosen.count },
    baseline: { count: baseline.count },
    sampled: null,
    sentence: sentenceOf(attributes, chosen.count, baseline.count),
    attributes,
    partial: null,
    stats: null,
  };
}
