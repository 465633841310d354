// Puts the values of variables into queries, titles and texts: `$name`, `${name}`, `${name:format}`, `[[name]]`.
import { formatSeconds } from "./seconds.ts";

export interface Values {
  /** By name: the chosen values; several become an alternative in a regex. */
  variables: ReadonlyMap<string, readonly string[]>;
  stepSeconds: number;
  rangeSeconds: number;
  /** How often samples come; `$__rate_interval` is at least four times that. */
  scrapeSeconds: number;
}

/** With the values of a repeated panel in place of those that all panels have. */
export function scoped(values: Values, scope: Readonly<Record<string, string>>): Values {
  const own = Object.entries(scope);
  if (own.length === 0) return values;
  return {
    ...values,
    variables: new Map([...values.variables, ...own.map(([name, value]) => [name, [value]] as const)]),
  };
}

const PATTERN = /\$\{(\w+)(?::(\w+))?\}|\$(\w+)|\[\[(\w+)(?::(\w+))?\]\]/g;

export function interpolate(text: string, values: Values): string {
  return text.replace(PATTERN, (whole, braced, bracedFormat, bare, square, squareFormat) => {
    const name = String(braced ?? bare ?? square);
    const built = builtIn(name, values);
    if (built !== null) return built;
    const chosen = values.variables.get(name);
    if (!chosen) return whole;
    return formatValues(chosen, bracedFormat ?? squareFormat ?? "");
  });
}

function builtIn(name: string, { stepSeconds, rangeSeconds, scrapeSeconds }: Values): string | null {
  switch (name) {
    case "__interval":
      return formatSeconds(stepSeconds);
    case "__interval_ms":
      return String(stepSeconds * 1000);
    case "__rate_interval":
      return formatSeconds(Math.max(stepSeconds + scrapeSeconds, 4 * scrapeSeconds));
    case "__range":
      return formatSeconds(rangeSeconds);
    case "__range_s":
      return String(Math.round(rangeSeconds));
    case "__range_ms":
      return String(Math.round(rangeSeconds * 1000));
    default:
      return null;
  }
}

function formatValues(values: readonly string[], format: string): string {
  switch (format) {
    case "csv":
    case "text":
      return values.join(format === "csv" ? "," : " + ");
    case "pipe":
      return values.join("|");
    case "raw":
      return values.length === 1 ? (values[0] ?? "") : `{${values.join(",")}}`;
    case "regex":
      return regex(values);
    default:
      return values.length === 1 ? (values[0] ?? "") : regex(values);
  }
}

/** Several values as an alternative; special characters lose their meaning, and the text stands in a PromQL string. */
function regex(values: readonly string[]): string {
  const parts = values.map((value) => (value === ".*" ? value : value.replace(/[\\^$.*+?()[\]{}|]/g, "\\\\$&")));
  return parts.length === 1 ? (parts[0] ?? "") : `(${parts.join("|")})`;
}

/** Names of the variables that a text uses. */
export function variablesIn(text: string): string[] {
  return [...text.matchAll(PATTERN)].map((match) => match[1] ?? match[3] ?? match[4] ?? "");
}
