// How the value of an alert is written: the unit comes from what its rule says of it, or from the expression.

import type { Rule } from "../../api/rules.ts";
import type { Comparison } from "../../lib/comparison.ts";
import { formatValue, guessUnit, type Unit } from "../../lib/units.ts";

/** Functions of templates that name the unit of `$value`. */
const TEMPLATES: readonly [RegExp, Unit][] = [
  [/\$value\s*\|\s*humanizePercentage/, "ratio"],
  [/\$value\s*\|\s*humanizeDuration/, "seconds"],
  [/\$value\s*\|\s*(humanizeBytes|humanize1024)/, "bytes"],
  [/\$value\s*}}\s*s\b/, "seconds"],
];

export function unitOf(rule: Pick<Rule, "query" | "annotations"> | null): Unit {
  if (!rule) return "none";
  const texts = Object.values(rule.annotations).join("\n");
  return TEMPLATES.find(([pattern]) => pattern.test(texts))?.[1] ?? guessUnit(rule.query);
}

const SIGNS = { ">": ">", "<": "<", ">=": "≥", "<=": "≤", "==": "=", "!=": "≠" } as const;

/** "> 5 %" */
export function thresholdText({ operator, threshold }: Comparison, unit: Unit): string {
  return `${SIGNS[operator]} ${formatValue(threshold, unit)}`;
}
