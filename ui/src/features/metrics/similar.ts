// Which metrics a query names, and which existing ones have similar names.
import { highlightPromql } from "./promql.ts";

/** Metric names in the query: words that are neither functions, keywords, labels nor strings. */
export function metricNames(query: string): string[] {
  // Label names stand in the parentheses of a grouping.
  const ungrouped = query.replace(/\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g, " ");
  const words = highlightPromql(ungrouped)
    .filter((piece) => piece.kind === "plain")
    .flatMap((piece) => piece.text.match(/[A-Za-z_:][\w:]*/g) ?? []);
  return [...new Set(words)];
}

const MAX_SIMILAR = 5;
const MIN_SCORE = 0.3;

/** The names that share most of their words with `name`, best first. */
export function similarNames(name: string, known: readonly string[]): string[] {
  const wanted = new Set(name.split(/[_:.]/));
  const score = (other: string) => {
    const words = new Set(other.split(/[_:.]/));
    const shared = [...words].filter((word) => wanted.has(word)).length;
    return shared / (words.size + wanted.size - shared);
  };
  return known
    .map((other) => ({ other, score: score(other) }))
    .filter((entry) => entry.score >= MIN_SCORE)
    .sort((a, b) => b.score - a.score)
    .slice(0, MAX_SIMILAR)
    .map((entry) => entry.other);
}
