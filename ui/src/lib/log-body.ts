// The body of a log record as one line, and the parts of it that match the query.

import { isObject } from "../api/decode.ts";
import { type AnyValue, plainValue } from "../api/otlp.ts";

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the terminal colour codes that are removed
const ANSI = /\u001b\[[0-9;]*[A-Za-z]/g;

/** Strings as they are, maps as `key=value`, everything else as JSON. Line breaks become one visible mark. */
export function bodyLine(body: AnyValue): string {
  const plain = plainValue(body);
  const parsed = typeof plain === "string" ? parseObject(plain) : plain;
  if (isObject(parsed))
    return Object.entries(parsed)
      .map(([key, value]) => `${key}=${inline(value)}`)
      .join(" ");
  if (parsed === null) return "";
  const text = typeof parsed === "string" ? parsed : JSON.stringify(parsed);
  return text.replace(ANSI, "").replace(/\r?\n/g, " \u21b5 ");
}

function parseObject(text: string): unknown {
  if (!text.startsWith("{") || !text.endsWith("}")) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function inline(value: unknown): string {
  return typeof value === "string" && !/\s/.test(value) ? value : JSON.stringify(value);
}

export interface Marked {
  text: string;
  hit: boolean;
}

/** Splits a text at the searched words, ignoring case. */
export function markMatches(text: string, wanted: readonly string[]): Marked[] {
  const escaped = wanted.filter((word) => word !== "").map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  if (escaped.length === 0) return [{ text, hit: false }];
  return text
    .split(new RegExp(`(${escaped.join("|")})`, "gi"))
    .map((part, index) => ({ text: part, hit: index % 2 === 1 }))
    .filter((part) => part.text !== "");
}
