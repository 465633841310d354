// The text field of the time control: what people type or paste, turned into a range.
//
// Accepted: `15m`, `last 4 h`, `-3h to -1h`, `now-3h .. now-1h`, `since 14:00`, `today`, `yesterday`, `yesterday 9-17`, `this week`,
// `2026-08-21 14:00 .. 15:30`, ISO 8601, epoch in s/ms/us/ns (by magnitude), and any text that contains a
// timestamp, such as a pasted log line (five minutes on either side).
import type { RangeText } from "./range.ts";
import { compactIso } from "./range.ts";
import type { Zone } from "./zone.ts";
import { instantOf, wallClock } from "./zone.ts";

export type Parsed = { ok: true; range: RangeText } | { ok: false; message: string };

interface Context {
  nowMilli: number;
  zone: Zone;
}

const AROUND_MILLI = 5 * 60_000;

const UNIT_WORDS: Record<string, string> = {
  s: "s",
  sec: "s",
  second: "s",
  seconds: "s",
  m: "m",
  min: "m",
  mins: "m",
  minute: "m",
  minutes: "m",
  h: "h",
  hr: "h",
  hour: "h",
  hours: "h",
  d: "d",
  day: "d",
  days: "d",
  w: "w",
  week: "w",
  weeks: "w",
};

export function parseRangeText(input: string, nowMilli: number, zone: Zone): Parsed {
  const text = input.trim().replace(/\s+/g, " ");
  if (text === "") return { ok: false, message: "type a range, for example 15m or yesterday 9-17" };
  const context: Context = { nowMilli, zone };
  const parsed =
    parseDuration(text) ??
    parseNamedDay(text.toLowerCase(), context) ??
    parseSince(text, context) ??
    parsePair(text, context) ??
    parseAround(text, context);
  if (!parsed)
    return { ok: false, message: "not understood; try 15m, -3h to -1h, since 14:00 or 2026-08-21 14:00 .. 15:30" };
  if (parsed.from.startsWith("now") || parsed.to.startsWith("now")) return { ok: true, range: parsed };
  return parsed.from < parsed.to
    ? { ok: true, range: parsed }
    : { ok: false, message: "the range ends before it starts" };
}

function parseDuration(text: string): RangeText | null {
  const match = /^(?:last |past )?(\d{1,5}) ?([a-z]+)$/i.exec(text);
  const unit = UNIT_WORDS[match?.[2]?.toLowerCase() ?? ""];
  return match && unit ? { from: `now-${match[1]}${unit}`, to: "now" } : null;
}

function startOfDay(context: Context, dayOffset: number): number {
  const today = wallClock(context.nowMilli, context.zone);
  return instantOf({ ...today, day: today.day + dayOffset, hour: 0, minute: 0, second: 0 }, context.zone);
}

function parseNamedDay(text: string, context: Context): RangeText | null {
  if (text === "this week") {
    const today = wallClock(context.nowMilli, context.zone);
    const weekday = new Date(Date.UTC(today.year, today.month - 1, today.day)).getUTCDay();
    return { from: compactIso(startOfDay(context, -((weekday + 6) % 7))), to: "now" };
  }
  const match = /^(today|yesterday)(?: (\d{1,2})(?::(\d\d))? ?(?:-|to|\.\.) ?(\d{1,2})(?::(\d\d))?)?$/.exec(text);
  if (!match) return null;
  const [, name, fromHour, fromMinute, toHour, toMinute] = match;
  const offset = name === "today" ? 0 : -1;
  if (fromHour === undefined || toHour === undefined) {
    const from = compactIso(startOfDay(context, offset));
    return { from, to: name === "today" ? "now" : compactIso(startOfDay(context, 0)) };
  }
  const day = wallClock(startOfDay(context, offset), context.zone);
  const at = (hour: string, minute: string | undefined) =>
    compactIso(instantOf({ ...day, hour: Number(hour), minute: Number(minute ?? 0) }, context.zone));
  return { from: at(fromHour, fromMinute), to: at(toHour, toMinute) };
}

function parseSince(text: string, context: Context): RangeText | null {
  const match = /^since (.+)$/i.exec(text);
  const from = match?.[1] ? parseEnd(match[1], context, null) : null;
  return from === null ? null : { from, to: "now" };
}

function parsePair(text: string, context: Context): RangeText | null {
  const parts = text.split(/ ?\.\. ?| to | \u2192 ?| -> | \u2013 | - /i);
  const [first, second] = parts;
  if (parts.length !== 2 || !first || !second) return null;
  const from = parseEnd(first, context, null);
  const to = parseEnd(second, context, from);
  return from !== null && to !== null ? { from, to } : null;
}

/** One end of a pair. A bare clock time of the second end belongs to the day of the first. */
function parseEnd(text: string, context: Context, anchor: string | null): string | null {
  const relative = /^(?:now ?)?- ?(\d{1,5}) ?([a-z]+)$/i.exec(text);
  const unit = UNIT_WORDS[relative?.[2]?.toLowerCase() ?? ""];
  if (relative && unit) return `now-${relative[1]}${unit}`;
  if (/^now$/i.test(text)) return "now";
  const clock = /^(\d{1,2}):(\d\d)(?::(\d\d))?$/.exec(text);
  if (clock) {
    const dayMilli = anchor !== null && !anchor.startsWith("now") ? Date.parse(expandIso(anchor)) : context.nowMilli;
    const day = wallClock(dayMilli, context.zone);
    const [, hour, minute, second] = clock;
    return compactIso(
      instantOf({ ...day, hour: Number(hour), minute: Number(minute), second: Number(second ?? 0) }, context.zone),
    );
  }
  const instant = parseTimestamp(text, context.zone);
  return instant !== null && instant.end === text.length && instant.start === 0 ? compactIso(instant.unixMilli) : null;
}

function expandIso(compact: string): string {
  return compact.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)/, "$1-$2-$3T$4:$5:$6");
}

function parseAround(text: string, context: Context): RangeText | null {
  const instant = parseTimestamp(text, context.zone);
  if (instant === null) return null;
  return { from: compactIso(instant.unixMilli - AROUND_MILLI), to: compactIso(instant.unixMilli + AROUND_MILLI) };
}

interface Found {
  unixMilli: number;
  start: number;
  end: number;
}

/** The first timestamp in a text: ISO 8601 (with or without zone) or an epoch number. */
export function parseTimestamp(text: string, zone: Zone): Found | null {
  const iso = /(\d{4})-(\d\d)-(\d\d)(?:[T ](\d{1,2}):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?(Z|[+-]\d\d:?\d\d)?/.exec(
    text,
  );
  if (iso) {
    const [whole, y, mo, d, h, mi, s, fraction, offset] = iso;
    const clock = {
      year: Number(y),
      month: Number(mo),
      day: Number(d),
      hour: Number(h ?? 0),
      minute: Number(mi ?? 0),
      second: Number(s ?? 0),
    };
    if (clock.month < 1 || clock.month > 12 || clock.day < 1 || clock.day > 31) return null;
    const milli = Number((fraction ?? "").padEnd(3, "0").slice(0, 3));
    const base = offset ? utcWithOffset(clock, offset) : instantOf(clock, zone);
    return { unixMilli: base + milli, start: iso.index, end: iso.index + whole.length };
  }
  const epoch = /(?<![\w.])\d{10}(?:\d{3}|\d{6}|\d{9})?(?![\w])/.exec(text);
  if (!epoch) return null;
  const digits = epoch[0];
  const unixMilli = Number(digits.slice(0, 10)) * 1000 + Number(digits.slice(10, 13).padEnd(3, "0"));
  return { unixMilli, start: epoch.index, end: epoch.index + digits.length };
}

function utcWithOffset(
  clock: { year: number; month: number; day: number; hour: number; minute: number; second: number },
  offset: string,
): number {
  const utc = Date.UTC(clock.year, clock.month - 1, clock.day, clock.hour, clock.minute, clock.second);
  if (offset === "Z") return utc;
  const sign = offset.startsWith("-") ? -1 : 1;
  const digits = offset.slice(1).replace(":", "");
  return utc - sign * (Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2))) * 60_000;
}
