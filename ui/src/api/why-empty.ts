// POST /api/ui/v1/why-empty: the reason for an empty answer, with its evidence and the way out.
import type { Range } from "../lib/time/range.ts";
import { sendJson } from "./client.ts";
import { type Decoder, isObject, list, nullable, number, object, text, withDefault, zero } from "./decode.ts";

export interface EmptyTerm {
  text: string;
  /** How many records match when the term is taken away. */
  without: number;
}

export interface Mismatch {
  metric: string;
  label: string | null;
  value: string | null;
  message: string;
  similar: string[];
  fixed_query: string | null;
}

export interface WhyEmpty {
  /** "never_received", "out_of_range", "filtered", "label_mismatch", "waiting", "present" or "unknown". */
  reason: string;
  sentence: string;
  accepted: number;
  refused: number;
  oldest_unix_milli: number | null;
  newest_unix_milli: number | null;
  retention_seconds: number | null;
  terms: EmptyTerm[];
  mismatches: Mismatch[];
  waiting: { samples_needed: number; samples: number; next_unix_milli: number | null } | null;
}

const waiting = object<NonNullable<WhyEmpty["waiting"]>>({
  samples_needed: withDefault(number, 2),
  samples: zero,
  next_unix_milli: nullable(number),
});

export const whyEmpty: Decoder<WhyEmpty> = object<WhyEmpty>({
  reason: text,
  sentence: withDefault(text, ""),
  accepted: zero,
  refused: zero,
  oldest_unix_milli: nullable(number),
  newest_unix_milli: nullable(number),
  retention_seconds: nullable(number),
  terms: withDefault(list(object<EmptyTerm>({ text, without: zero })), []),
  mismatches: withDefault(
    list(
      object<Mismatch>({
        metric: withDefault(text, ""),
        label: nullable(text),
        value: nullable(text),
        message: text,
        similar: withDefault(list(text), []),
        fixed_query: nullable(text),
      }),
    ),
    [],
  ),
  waiting: (value) => (isObject(value) ? waiting(value) : null),
});

export type EmptySignal = "logs" | "traces" | "metrics";

export function fetchWhyEmpty(emptySignal: EmptySignal, query: string, range: Range, signal: AbortSignal) {
  const body = {
    signal: emptySignal,
    query,
    from_unix_milli: Math.floor(range.fromMilli),
    to_unix_milli: Math.ceil(range.toMilli),
  };
  return sendJson({ method: "POST", path: "api/ui/v1/why-empty", body, signal, decode: whyEmpty });
}
