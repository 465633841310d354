// The queries of the explore page and how they stand in the URL: `q`, `q2` .. `q10`, each with a name from A to J, a
// legend, and whether it is shown. A query that is only names and arithmetic is a formula over the others.
import type { Search } from "../../lib/search.ts";

export const QUERIES_MAX = 10;
export const NAMES = "ABCDEFGHIJ";

export interface Query {
  /** A to J. */
  name: string;
  text: string;
  /** `{{service}} p95`; empty for the labels that differ. */
  legend: string;
  shown: boolean;
}

type Key = keyof Search;

function key(prefix: "q" | "l", at: number): Key {
  return (at === 0 ? prefix : `${prefix}${at + 1}`) as Key;
}

/** At least one query, also when it has no text yet. */
export function readQueries(search: Search): Query[] {
  const off = new Set((search.off ?? "").split(","));
  const list: Query[] = [];
  for (let at = 0; at < QUERIES_MAX; at++) {
    const text = search[key("q", at)];
    if (text === undefined && at > 0) continue;
    const name = NAMES.charAt(at);
    list.push({ name, text: text ?? "", legend: search[key("l", at)] ?? "", shown: !off.has(name) });
  }
  return list;
}

/** The part of the URL for these queries; keys of queries that are gone are taken out. */
export function writeQueries(queries: readonly Query[]): Search {
  const out: Record<string, string | undefined> = {};
  for (let at = 0; at < QUERIES_MAX; at++) {
    const query = queries.find((each) => each.name === NAMES.charAt(at));
    out[key("q", at)] = query ? query.text || (at > 0 ? " " : undefined) : undefined;
    out[key("l", at)] = query?.legend || undefined;
  }
  const off = queries.filter((query) => !query.shown).map((query) => query.name);
  out.off = off.join(",") || undefined;
  return out as Search;
}

const FORMULA = /^[\sA-J()+\-*/%^.\d<>=!]+$/;

/** A formula names at least one other query and has no metric of its own. */
export function isFormula(text: string): boolean {
  return FORMULA.test(text) && /\b[A-J]\b/.test(text);
}

/** The PromQL of a query; a formula with the other queries in its place. Null for a circle or a name without a query. */
export function expand(query: Query, all: readonly Query[], seen: readonly string[] = []): string | null {
  const text = query.text.trim();
  if (!isFormula(text)) return text;
  if (seen.includes(query.name)) return null;
  let failed = false;
  const out = text.replace(/\b[A-J]\b/g, (name) => {
    const other = all.find((each) => each.name === name && each.text.trim() !== "");
    const inner = other ? expand(other, all, [...seen, query.name]) : null;
    if (inner === null) failed = true;
    return `(${inner ?? ""})`;
  });
  return failed ? null : out;
}

/** The next free name, or null when all ten are taken. */
export function nextName(queries: readonly Query[]): string | null {
  return [...NAMES].find((name) => !queries.some((query) => query.name === name)) ?? null;
}

/** `{{label}}` replaced by values; a label that is missing is said, so a legend is never empty. */
export function legendText(format: string, labels: Readonly<Record<string, string>>): string {
  return format.replace(/\{\{\s*([\w.]+)\s*\}\}/g, (_, label: string) => labels[label] || `(no ${label})`);
}
