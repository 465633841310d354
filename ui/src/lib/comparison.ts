// An alerting expression taken apart: what is measured, and the number it is compared with.

export type Operator = ">" | "<" | ">=" | "<=" | "==" | "!=";

export interface Comparison {
  /** The expression without its outermost comparison. */
  left: string;
  operator: Operator;
  threshold: number;
  /** The threshold as it is written. */
  right: string;
}

const CLOSING: Record<string, string> = { "(": ")", "[": "]", "{": "}" };
const OPERATORS: readonly Operator[] = [">=", "<=", "==", "!=", ">", "<"];
/** Other powers than these would ask for a parser; thresholds are plain arithmetic. */
const ARITHMETIC = /^[\d\s.+\-*/()eE]+$/;

/** Null when the outermost operation is no comparison with a number. */
export function splitComparison(query: string): Comparison | null {
  const text = strip(withoutComments(query));
  const found = topLevel(text);
  if (!found) return null;
  const right = text
    .slice(found.at + found.operator.length)
    .replace(/^\s*bool\b/, "")
    .trim();
  const threshold = evaluate(right);
  const left = strip(text.slice(0, found.at));
  return threshold === null || left === "" ? null : { left, operator: found.operator, threshold, right };
}

/** The same expression with another threshold. */
export function withThreshold({ left, operator }: Comparison, threshold: number): string {
  return `(${left}) ${operator} ${threshold}`;
}

export function holds(value: number, operator: Operator, threshold: number): boolean {
  switch (operator) {
    case ">":
      return value > threshold;
    case "<":
      return value < threshold;
    case ">=":
      return value >= threshold;
    case "<=":
      return value <= threshold;
    case "==":
      return value === threshold;
    case "!=":
      return value !== threshold;
  }
}

/** The last comparison outside all brackets and quotes; null when `and`, `or` or `unless` stands there too. */
function topLevel(text: string): { at: number; operator: Operator } | null {
  let found: { at: number; operator: Operator } | null = null;
  const closers: string[] = [];
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at);
    if (char === '"' || char === "'" || char === "`") {
      at = endOfQuote(text, at);
      continue;
    }
    const closer = CLOSING[char];
    if (closer) closers.push(closer);
    else if (char === closers.at(-1)) closers.pop();
    if (closers.length > 0 || closer) continue;
    const word = /^(and|or|unless)\b/i.exec(text.slice(at));
    if (word && !/\w/.test(text.charAt(at - 1))) return null;
    const operator = OPERATORS.find((each) => text.startsWith(each, at));
    if (operator) {
      found = { at, operator };
      at += operator.length - 1;
    }
  }
  return found;
}

function endOfQuote(text: string, start: number): number {
  const quote = text.charAt(start);
  for (let at = start + 1; at < text.length; at++) {
    if (text.charAt(at) === "\\" && quote !== "`") at++;
    else if (text.charAt(at) === quote) return at;
  }
  return text.length;
}

function withoutComments(query: string): string {
  let out = "";
  for (let at = 0; at < query.length; at++) {
    const char = query.charAt(at);
    if (char === '"' || char === "'" || char === "`") {
      const end = endOfQuote(query, at);
      out += query.slice(at, end + 1);
      at = end;
    } else if (char === "#") {
      const end = query.indexOf("\n", at);
      if (end < 0) return out;
      at = end - 1;
    } else out += char;
  }
  return out;
}

/** Takes away brackets around the whole. */
function strip(query: string): string {
  const text = query.trim();
  if (!text.startsWith("(")) return text;
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at);
    if (char === '"' || char === "'" || char === "`") at = endOfQuote(text, at);
    else if (char === "(") depth++;
    else if (char === ")" && --depth === 0) return at === text.length - 1 ? strip(text.slice(1, -1)) : text;
  }
  return text;
}

/** Numbers with + - * / and brackets; null for everything else. */
function evaluate(text: string): number | null {
  if (!ARITHMETIC.test(text)) return null;
  const tokens = text.match(/(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[-+*/()]/g);
  if (!tokens || tokens.join("") !== text.replace(/\s+/g, "")) return null;
  let at = 0;
  const primary = (): number => {
    const token = tokens[at++];
    if (token === "-") return -primary();
    if (token === "+") return primary();
    if (token !== "(") return Number(token ?? Number.NaN);
    const inner = sum();
    at++;
    return inner;
  };
  const product = (): number => {
    let value = primary();
    while (tokens[at] === "*" || tokens[at] === "/")
      value = tokens[at++] === "*" ? value * primary() : value / primary();
    return value;
  };
  const sum = (): number => {
    let value = product();
    while (tokens[at] === "+" || tokens[at] === "-")
      value = tokens[at++] === "+" ? value + product() : value - product();
    return value;
  };
  const value = sum();
  return at >= tokens.length && Number.isFinite(value) ? value : null;
}
