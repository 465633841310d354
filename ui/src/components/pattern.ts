// Patterns of log bodies: what they say as a filter, and how they changed against the window before.
import type { Pattern } from "../api/analyse.ts";
import { quote } from "../lib/filter.ts";

export const WILDCARD = "<*>";
/** Shorter literal parts match too much to be worth a condition. */
const PART_MIN = 3;
const PARTS_MAX = 6;

/** The literal parts of a template that can be searched as phrases: whole words, at least three characters. */
export function literalParts(template: string): string[] {
  return template
    .split(WILDCARD)
    .map((part) => part.replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, ""))
    .filter((part) => part.length >= PART_MIN)
    .sort((a, b) => b.length - a.length)
    .slice(0, PARTS_MAX);
}

/** A filter that the records of a pattern match; null when it has no literal part. */
export function patternFilter(template: string, exclude: boolean): string | null {
  const parts = literalParts(template).map(quote);
  if (parts.length === 0) return null;
  if (!exclude) return parts.join(" ");
  return parts.length === 1 ? `-${parts[0]}` : `-(${parts.join(" ")})`;
}

export type Change = { kind: "new" } | { kind: "gone" } | { kind: "ratio"; ratio: number } | null;

/** Changes below this factor are noise. */
const FACTOR_MIN = 1.5;
const COUNT_MIN = 10;

/** Against the window of the same length before; null when nothing is worth a badge. */
export function changeOf(now: number, before: number | undefined): Change {
  if (before === undefined || before === 0) return now > 0 ? { kind: "new" } : null;
  if (now === 0) return { kind: "gone" };
  if (now < COUNT_MIN && before < COUNT_MIN) return null;
  const ratio = now / before;
  return ratio >= FACTOR_MIN || ratio <= 1 / FACTOR_MIN ? { kind: "ratio", ratio } : null;
}

export interface PatternRow extends Pattern {
  change: Change;
}

/** The patterns of now, then those that are gone. Without a window before, nothing changed. */
export function withChanges(now: readonly Pattern[], before: readonly Pattern[] | null): PatternRow[] {
  if (!before) return now.map((pattern) => ({ ...pattern, change: null }));
  const counts = new Map(before.map((pattern) => [pattern.template, pattern.count]));
  const known = new Set(now.map((pattern) => pattern.template));
  const gone = before.filter((pattern) => !known.has(pattern.template));
  return [
    ...now.map((pattern) => ({ ...pattern, change: changeOf(pattern.count, counts.get(pattern.template)) })),
    ...gone.map((pattern) => ({ ...pattern, count: 0, counts: [], change: { kind: "gone" } as const })),
  ];
}
