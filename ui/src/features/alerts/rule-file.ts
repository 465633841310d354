// A rule as it is edited, and the file that says it: YAML as one would write it by hand.
import type { Rule, RuleGroup } from "../../api/rules.ts";
import { writeSpan } from "./durations.ts";

export interface RuleDraft {
  name: string;
  kind: "alert" | "record";
  source: "promql" | "logs" | "traces";
  expr: string;
  /** As rules write durations; empty when left out. */
  for: string;
  keepFiringFor: string;
  /** Of logs and traces. */
  window: string;
  labels: [string, string][];
  annotations: [string, string][];
}

export const NEW_RULE: RuleDraft = {
  name: "",
  kind: "alert",
  source: "promql",
  expr: "",
  for: "5m",
  keepFiringFor: "",
  window: "5m",
  labels: [["severity", "warning"]],
  annotations: [
    ["summary", ""],
    ["description", ""],
  ],
};

export function draftOf(rule: Rule): RuleDraft {
  return {
    name: rule.name,
    kind: rule.type === "recording" ? "record" : "alert",
    source: rule.source === "logs" || rule.source === "traces" ? rule.source : "promql",
    expr: rule.query,
    for: rule.duration > 0 ? writeSpan(rule.duration) : "",
    keepFiringFor: rule.keepFiringFor > 0 ? writeSpan(rule.keepFiringFor) : "",
    window: "5m",
    labels: Object.entries(rule.labels),
    annotations: Object.entries(rule.annotations),
  };
}

/** One group as a rule file. */
export function fileOf(group: string, interval: string, rules: readonly RuleDraft[]): string {
  const lines = ["groups:", `  - name: ${quote(group)}`];
  if (interval !== "") lines.push(`    interval: ${interval}`);
  lines.push("    rules:");
  for (const rule of rules) lines.push(...linesOf(rule).map((line) => `      ${line}`));
  return `${lines.join("\n")}\n`;
}

function linesOf(rule: RuleDraft): string[] {
  const lines = [`- ${rule.kind}: ${quote(rule.name)}`];
  if (rule.source !== "promql") lines.push(`  source: ${rule.source}`, `  window: ${rule.window || "5m"}`);
  lines.push(...textLines("expr", rule.expr, "  "));
  if (rule.kind === "alert") {
    if (rule.for !== "") lines.push(`  for: ${rule.for}`);
    if (rule.keepFiringFor !== "") lines.push(`  keep_firing_for: ${rule.keepFiringFor}`);
  }
  lines.push(...mapLines("labels", rule.labels));
  if (rule.kind === "alert") lines.push(...mapLines("annotations", rule.annotations));
  return lines;
}

function mapLines(name: string, entries: readonly [string, string][]): string[] {
  const filled = entries.filter(([key, value]) => key !== "" && value !== "");
  if (filled.length === 0) return [];
  return [`  ${name}:`, ...filled.flatMap(([key, value]) => textLines(quote(key), value, "    "))];
}

/** Several lines stand as a block, unless they begin or end with a blank. */
function textLines(name: string, text: string, indent: string): string[] {
  const block = text.includes("\n") && text.trim() === text && !/[\t\r]|[^\S\n]+$/m.test(text);
  if (!block) return [`${indent}${name}: ${quote(text)}`];
  return [`${indent}${name}: |-`, ...text.split("\n").map((line) => (line === "" ? "" : `${indent}  ${line}`))];
}

/** Words stand as they are; all else in double quotes, as JSON writes them. */
function quote(text: string): string {
  const plain = /^[A-Za-z_][\w.-]*$/.test(text) && !/^(true|false|yes|no|on|off|null|y|n)$/i.test(text);
  return plain ? text : JSON.stringify(text);
}

/** Settings of rules that the form does not know. */
const BEYOND_FORM = /^\s*(?:-\s+)?(levels|absent|query_offset|limit|source|window|evaluation_delay)\s*:/m;

/** The text of one group, cut out of an exported file; null when it is not there. */
export function groupText(exported: string, name: string): string | null {
  const lines = exported.split("\n");
  const start = lines.findIndex((line) => {
    const found = /^ {2}- name: (.*)$/.exec(line)?.[1];
    if (found === undefined) return false;
    if (!found.startsWith('"')) return found === name;
    try {
      return JSON.parse(found) === name;
    } catch {
      return false;
    }
  });
  if (start < 0) return null;
  let end = lines.findIndex((line, at) => at > start && /^( {2}- |\S)/.test(line));
  if (end < 0) end = lines.length;
  return `groups:\n${lines.slice(start, end).join("\n").trimEnd()}\n`;
}

/** The text of one rule, cut out of the text of its group; null when it is not there. */
export function ruleText(group: string, name: string): string | null {
  const lines = group.split("\n");
  const begins = (line: string) => /^ {6}- (?:alert|record): (.*)$/.exec(line)?.[1];
  const start = lines.findIndex((line) => {
    const found = begins(line);
    return found === name || found === JSON.stringify(name);
  });
  if (start < 0) return null;
  const rest = lines.slice(start + 1).findIndex((line) => begins(line) !== undefined);
  const end = rest < 0 ? lines.length : start + 1 + rest;
  const head = lines.slice(0, lines.findIndex((line) => line.trim() === "rules:") + 1);
  return `${[...head, ...lines.slice(start, end)].join("\n").trimEnd()}\n`;
}

/** Names of settings that would be lost if the form wrote the group. */
export function beyondForm(text: string): string | null {
  return BEYOND_FORM.exec(text)?.[1] ?? null;
}

/** The group with one rule put in the place of another, or at its end. */
export function groupWith(group: RuleGroup | null, draft: RuleDraft, replaced: string | null): RuleDraft[] {
  const rules = (group?.rules ?? []).map(draftOf);
  const at = replaced === null ? -1 : rules.findIndex((rule) => rule.name === replaced);
  return at < 0 ? [...rules, draft] : rules.with(at, draft);
}
