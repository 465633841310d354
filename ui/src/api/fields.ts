// GET /api/v1/fields and /api/v1/fields/{name}/values: what can be filtered by, and the most frequent values.
import type { Range } from "../lib/time/range.ts";
import { request, type Timed } from "./client.ts";
import { type Decoder, list, number, object, text, withDefault } from "./decode.ts";
import { type Envelope, envelope } from "./otlp.ts";

export type FieldSignal = "logs" | "traces";

export interface Field {
  name: string;
  /** "resource", "record" or "builtin". */
  scope: string;
  type: string;
  count: number;
}

export interface FieldValue {
  value: string;
  count: number;
}

const fieldList = object<{ fields: Field[] } & Envelope>({
  fields: list(
    object<Field>({
      name: text,
      scope: withDefault(text, "record"),
      type: withDefault(text, "string"),
      count: withDefault(number, 0),
    }),
  ),
  ...envelope,
});

const scalar: Decoder<string> = (value) => (typeof value === "string" ? value : (JSON.stringify(value) ?? ""));

export function fetchFields(signalName: FieldSignal, range: Range, signal: AbortSignal) {
  return request({
    path: "api/v1/fields",
    params: { signal: signalName, from: Math.floor(range.fromMilli), to: Math.ceil(range.toMilli) },
    decode: fieldList,
    signal,
  });
}

export interface Suggestion {
  text: string;
  /** `field`, `value`, `keyword`, `stage` or `function`. */
  kind: string;
  count: number;
}

export interface Suggestions extends Envelope {
  /** Where the text begins that a suggestion replaces, in bytes of UTF-8. */
  from: number;
  items: Suggestion[];
}

const suggestions = object<Suggestions>({
  from: number,
  items: list(object<Suggestion>({ text, kind: withDefault(text, "value"), count: withDefault(number, 0) })),
  ...envelope,
});

/** What can stand at a place of a query; `position` is in bytes of UTF-8. */
export function fetchSuggestions(
  query: { signal: FieldSignal; range: Range; q: string; position: number },
  signal: AbortSignal,
): Promise<Timed<Suggestions>> {
  return request({
    path: "api/v1/complete",
    params: {
      signal: query.signal,
      from: Math.floor(query.range.fromMilli),
      to: Math.ceil(query.range.toMilli),
      q: query.q,
      position: query.position,
    },
    decode: suggestions,
    signal,
  });
}

export interface Facet {
  field: string;
  /** The most frequent ones. */
  values: FieldValue[];
  /** How many there are in all. */
  distinct: number;
}

const facetList = object<{ facets: Facet[] } & Envelope>({
  facets: list(
    object<Facet>({
      field: text,
      values: list(object<FieldValue>({ value: scalar, count: withDefault(number, 0) })),
      distinct: withDefault(number, 0),
    }),
  ),
  ...envelope,
});

export interface FacetQuery {
  signal: FieldSignal;
  range: Range;
  q: string;
  fields: readonly string[];
  /** Values of each field. */
  limit: number;
}

/** GET /api/v1/facets: the most frequent values of several fields in one pass. */
export function fetchFacets({ signal: signalName, range, q, fields, limit }: FacetQuery, signal: AbortSignal) {
  return request({
    path: "api/v1/facets",
    params: {
      signal: signalName,
      from: Math.floor(range.fromMilli),
      to: Math.ceil(range.toMilli),
      q,
      fields: fields.join(","),
      limit,
    },
    decode: facetList,
    signal,
  });
}
