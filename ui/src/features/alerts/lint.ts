// What can be said of a rule by looking at its text: labels that its templates name but its expression takes away, counters
// without a rate, durations that do nothing. The server says what is wrong with the file itself.
import { splitComparison } from "../../lib/comparison.ts";
import { parseSpan } from "./durations.ts";
import type { RuleDraft } from "./rule-file.ts";

export interface Lint {
  /** "expr", "for", or the name of an annotation or label. */
  where: string;
  message: string;
  fix: string;
}

export function lintRule(rule: RuleDraft, intervalSeconds: number): Lint[] {
  if (rule.kind !== "alert") return [];
  return [...lintTemplates(rule), ...lintExpression(rule), ...lintFor(rule, intervalSeconds)];
}

function lintTemplates(rule: RuleDraft): Lint[] {
  const kept = rule.source === "promql" ? keptLabels(rule.expr) : null;
  if (kept === null) return [];
  const out: Lint[] = [];
  for (const [name, text] of [...rule.annotations, ...rule.labels]) {
    const wanted = new Set([...text.matchAll(/\$labels\.([A-Za-z_]\w*)/g)].map((match) => match[1] ?? ""));
    for (const label of wanted) {
      if (kept.includes(label) || label === "alertname") continue;
      out.push({
        where: name,
        message: `names $labels.${label}, but the expression keeps ${kept.length > 0 ? `only ${kept.join(", ")}` : "no label"}: it will be empty`,
        fix: `add ${label} to the outermost by (..)`,
      });
    }
  }
  return out;
}

const AGGREGATION = "sum|avg|min|max|count|group|stddev|stdvar|quantile|count_values";

/** Labels that the result has, when the expression aggregates with `by` at its outside; null when that is not plain. */
export function keptLabels(expr: string): string[] | null {
  const left = splitComparison(expr)?.left ?? expr.trim();
  const quantile = /^histogram_quantile\s*\(/.exec(left);
  const inner = quantile ? left.slice(left.indexOf(",") + 1).replace(/\)\s*$/, "") : left;
  const lists = [...inner.matchAll(new RegExp(`\\b(?:${AGGREGATION})\\b\\s*(?:by\\s*\\(([^)]*)\\)\\s*)?\\(`, "g"))];
  if (lists.length === 0) return null;
  // Every aggregation at the outside keeps the same labels, or nothing certain can be said.
  const kept = new Set<string>();
  for (const match of lists) {
    if (depthAt(inner, match.index) > 0 && !onlyBrackets(inner, match.index)) continue;
    const after = behindBrackets(inner, match.index + match[0].length - 1);
    const trailing = /^\s*by\s*\(([^)]*)\)/.exec(after)?.[1];
    if (/^\s*without\b/.test(after) || /^\s*without\b/.test(inner.slice(match.index + match[0].length))) return null;
    kept.add(
      (match[1] ?? trailing ?? "")
        .split(",")
        .map((label) => label.trim())
        .filter((label) => label && !(quantile && label === "le"))
        .sort()
        .join(","),
    );
  }
  if (kept.size !== 1) return null;
  const [only = ""] = kept;
  return only === "" ? [] : only.split(",");
}

function depthAt(text: string, at: number): number {
  let depth = 0;
  for (const char of text.slice(0, at)) {
    if (char === "(") depth++;
    if (char === ")") depth--;
  }
  return depth;
}

/** Whether all that is open before a place are brackets around operations, not calls. */
function onlyBrackets(text: string, at: number): boolean {
  const open: number[] = [];
  for (let index = 0; index < at; index++) {
    if (text.charAt(index) === "(") open.push(index);
    if (text.charAt(index) === ")") open.pop();
  }
  return open.every((index) => !/[\w)]\s*$/.test(text.slice(0, index)));
}

/** What stands behind the bracket that opens at a place. */
function behindBrackets(text: string, open: number): string {
  let depth = 0;
  for (let at = open; at < text.length; at++) {
    if (text.charAt(at) === "(") depth++;
    if (text.charAt(at) === ")" && --depth === 0) return text.slice(at + 1);
  }
  return "";
}

function lintExpression(rule: RuleDraft): Lint[] {
  const out: Lint[] = [];
  if (rule.source !== "promql") return out;
  if (splitComparison(rule.expr) === null && !/\b(absent|absent_over_time|unless|and|or)\b|[<>=]/.test(rule.expr)) {
    out.push({
      where: "expr",
      message: "has no condition: it fires for every series that there is",
      fix: "compare it, such as > 0",
    });
  }
  const counter = /\b([a-zA-Z_:][\w:]*_total)\b/.exec(rule.expr.replace(/"[^"]*"/g, ""));
  if (
    counter &&
    !/\b(rate|irate|increase|resets|changes|delta|absent|count|group|present_over_time)\b/.test(rule.expr)
  ) {
    out.push({
      where: "expr",
      message: `${counter[1]} is a counter: it only grows`,
      fix: `use rate(${counter[1]}[5m])`,
    });
  }
  return out;
}

function lintFor(rule: RuleDraft, intervalSeconds: number): Lint[] {
  const seconds = rule.for === "" ? 0 : parseSpan(rule.for);
  if (seconds === null) {
    return [{ where: "for", message: `${rule.for} is no duration`, fix: "write 90s, 5m or 1h30m" }];
  }
  if (seconds > 0 && seconds < intervalSeconds) {
    return [
      {
        where: "for",
        message: `is shorter than the interval of the group (${intervalSeconds} s): it acts like one interval`,
        fix: "make it at least as long, or leave it out",
      },
    ];
  }
  return [];
}
