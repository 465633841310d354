// POST /api/ui/v1/explain: which attributes tell a selection from its baseline.
import type { Range } from "../lib/time/range.ts";
import { sendJson } from "./client.ts";
import {
  blank,
  bool,
  type Decoder,
  isObject,
  list,
  nullable,
  number,
  object,
  text,
  withDefault,
  zero,
} from "./decode.ts";
import type { FieldSignal } from "./fields.ts";
import { type Envelope, envelope } from "./otlp.ts";

export interface ExplainValue {
  value: string;
  selection: number;
  baseline: number;
  /** The filter that selects the value. */
  term: string;
}

export interface ExplainAttribute {
  key: string;
  scope: string;
  /** "text" or "number". */
  kind: string;
  score: number;
  significant: boolean;
  p_value: number | null;
  coverage: { selection: number; baseline: number };
  distinct: number;
  /** "id" or "high_cardinality": why it stands below others. */
  demoted: string | null;
  values: ExplainValue[];
  other: { selection: number; baseline: number };
  histogram: { bounds: number[]; selection: number[]; baseline: number[]; ks: number } | null;
}

export interface Explanation extends Envelope {
  selection: { count: number };
  baseline: { count: number };
  sampled: { looked_at: number; of: number } | null;
  sentence: string;
  attributes: ExplainAttribute[];
}

const pair = object<{ selection: number; baseline: number }>({ selection: zero, baseline: zero });
const count = object<{ count: number }>({ count: zero });

const histogram = object<NonNullable<ExplainAttribute["histogram"]>>({
  bounds: withDefault(list(number), []),
  selection: withDefault(list(number), []),
  baseline: withDefault(list(number), []),
  ks: zero,
});

const optional =
  <T>(decode: Decoder<T>): Decoder<T | null> =>
  (value) =>
    isObject(value) ? decode(value) : null;

const explanation = object<Explanation>({
  selection: count,
  baseline: count,
  sampled: optional(object<{ looked_at: number; of: number }>({ looked_at: zero, of: zero })),
  sentence: blank,
  attributes: list(
    object<ExplainAttribute>({
      key: text,
      scope: blank,
      kind: withDefault(text, "text"),
      score: zero,
      significant: withDefault(bool, false),
      p_value: nullable(number),
      coverage: withDefault(pair, { selection: 0, baseline: 0 }),
      distinct: zero,
      demoted: nullable(text),
      values: withDefault(
        list(object<ExplainValue>({ value: blank, selection: zero, baseline: zero, term: blank })),
        [],
      ),
      other: withDefault(pair, { selection: 0, baseline: 0 }),
      histogram: optional(histogram),
    }),
  ),
  ...envelope,
});

export interface ExplainQuery {
  signal: FieldSignal;
  range: Range;
  /** Bounds both sides. */
  filter: string;
  /** What is to be explained: narrower than the filter. */
  selection: { q: string; range: Range | null };
  /** "rest" of the range, or the selection over the time before. */
  baseline: "rest" | "previous";
}

export function fetchExplanation(query: ExplainQuery, signal: AbortSignal): Promise<Explanation> {
  const bounds = (range: Range) => ({
    from_unix_milli: Math.floor(range.fromMilli),
    to_unix_milli: Math.ceil(range.toMilli),
  });
  const body = {
    signal: query.signal,
    ...bounds(query.range),
    filter: query.filter,
    selection: {
      ...(query.selection.q ? { q: query.selection.q } : {}),
      ...(query.selection.range ? bounds(query.selection.range) : {}),
    },
    baseline: { kind: query.baseline },
    limit: 30,
  };
  return sendJson({ method: "POST", path: "api/ui/v1/explain", body, signal, decode: explanation });
}
