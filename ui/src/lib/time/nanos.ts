// Unix nanoseconds. The API sends them as decimal strings, because they do not fit a double; here they are `bigint`.
// Differences inside one trace are plain numbers: a double is exact up to 2^53 ns, which is 104 days.

export type UnixNanos = bigint;

export const NANOS_PER_MILLI = 1_000_000n;

/** Parses a decimal string; anything else is 0, which every page shows as "no time". */
export function parseNanos(text: string): UnixNanos {
  return /^\d{1,20}$/.test(text) ? BigInt(text) : 0n;
}

/** Whole milliseconds, rounded down. */
export function nanosToMilli(nanos: UnixNanos): number {
  return Number(nanos / NANOS_PER_MILLI);
}

export function milliToNanos(milli: number): UnixNanos {
  return BigInt(Math.floor(milli)) * NANOS_PER_MILLI;
}

/** `later - earlier` in nanoseconds as a number; negative when the clocks disagree. */
export function nanosBetween(earlier: UnixNanos, later: UnixNanos): number {
  return Number(later - earlier);
}
