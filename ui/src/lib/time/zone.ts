// Time zones: wall clock to instant and back through Intl, the only place that knows offsets.

/** "browser", "utc" or an IANA name such as "Europe/Berlin". */
export type Zone = string;

export function ianaName(zone: Zone): string {
  if (zone === "utc") return "UTC";
  if (zone === "browser" || !isKnownZone(zone)) return Intl.DateTimeFormat().resolvedOptions().timeZone;
  return zone;
}

/** Asked for every row and tick: Intl takes a tenth of a millisecond to answer. */
const known = new Map<string, boolean>();
const KNOWN_MAX = 1000;

export function isKnownZone(zone: string): boolean {
  if (zone === "browser" || zone === "utc") return true;
  let answer = known.get(zone);
  if (answer === undefined) {
    answer = hasFormatter(zone);
    if (known.size >= KNOWN_MAX) known.clear();
    known.set(zone, answer);
  }
  return answer;
}

function hasFormatter(timeZone: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone });
    return true;
  } catch {
    return false;
  }
}

export interface WallClock {
  year: number;
  /** 1 to 12. */
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
}

const formatters = new Map<string, Intl.DateTimeFormat>();

function partsFormatter(zone: Zone): Intl.DateTimeFormat {
  const timeZone = ianaName(zone);
  let formatter = formatters.get(timeZone);
  if (!formatter) {
    formatter = new Intl.DateTimeFormat("en-GB", {
      timeZone,
      hourCycle: "h23",
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
    });
    formatters.set(timeZone, formatter);
  }
  return formatter;
}

function askIntl(unixMilli: number, zone: Zone): WallClock {
  const clock: WallClock = { year: 0, month: 0, day: 0, hour: 0, minute: 0, second: 0 };
  for (const part of partsFormatter(zone).formatToParts(unixMilli)) {
    if (part.type in clock) clock[part.type as keyof WallClock] = Number(part.value);
  }
  return clock;
}

/** Since 1972 clocks have changed at whole quarters of an hour only; before, Intl is asked each time. */
const BLOCK_MILLI = 15 * 60_000;
const FIRST_BLOCK_MILLI = Date.UTC(1973, 0, 1);
const BLOCKS_MAX = 5000;
/** What a zone adds to UTC in one block, in milliseconds. */
const offsets = new Map<Zone, Map<number, number>>();

function offsetMilli(unixMilli: number, zone: Zone): number {
  const block = Math.floor(unixMilli / BLOCK_MILLI);
  let blocks = offsets.get(zone);
  if (!blocks || blocks.size >= BLOCKS_MAX) {
    blocks = new Map();
    offsets.set(zone, blocks);
  }
  let offset = blocks.get(block);
  if (offset === undefined) {
    const start = block * BLOCK_MILLI;
    const c = askIntl(start, zone);
    offset = Date.UTC(c.year, c.month - 1, c.day, c.hour, c.minute, c.second) - start;
    blocks.set(block, offset);
  }
  return offset;
}

/** The wall clock of `zone` at an instant. */
export function wallClock(unixMilli: number, zone: Zone): WallClock {
  if (!(unixMilli >= FIRST_BLOCK_MILLI)) return askIntl(unixMilli, zone);
  const shifted = new Date(unixMilli + offsetMilli(unixMilli, zone));
  return {
    year: shifted.getUTCFullYear(),
    month: shifted.getUTCMonth() + 1,
    day: shifted.getUTCDate(),
    hour: shifted.getUTCHours(),
    minute: shifted.getUTCMinutes(),
    second: shifted.getUTCSeconds(),
  };
}

/** Minutes east of UTC at an instant. */
export function offsetMinutes(unixMilli: number, zone: Zone): number {
  const c = wallClock(unixMilli, zone);
  const asUtc = Date.UTC(c.year, c.month - 1, c.day, c.hour, c.minute, c.second);
  return Math.round((asUtc - Math.floor(unixMilli / 1000) * 1000) / 60_000);
}

/**
 * The instant at which `zone` shows this wall clock. Fields may overflow (day 0 is the last of the month before).
 * Inside a daylight-saving gap the instant after the gap is returned.
 */
export function instantOf(clock: WallClock, zone: Zone): number {
  const asUtc = Date.UTC(clock.year, clock.month - 1, clock.day, clock.hour, clock.minute, clock.second);
  const first = asUtc - offsetMinutes(asUtc, zone) * 60_000;
  return asUtc - offsetMinutes(first, zone) * 60_000;
}

/** "UTC", "UTC+2" or "UTC+5:30". */
export function offsetLabel(unixMilli: number, zone: Zone): string {
  const minutes = offsetMinutes(unixMilli, zone);
  if (minutes === 0) return "UTC";
  const sign = minutes < 0 ? "\u2212" : "+";
  const hours = Math.floor(Math.abs(minutes) / 60);
  const rest = Math.abs(minutes) % 60;
  return `UTC${sign}${hours}${rest === 0 ? "" : `:${String(rest).padStart(2, "0")}`}`;
}
