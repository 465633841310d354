// What the configuration says of retention, read from its effective text, and what follows from it.
import type { SignalStorage } from "../../api/storage.ts";

export interface Kept {
  /** As it is written: "15d", "0B" for no limit. */
  retention: string;
  sizeMax: string;
}

/** By signal; a signal of which the text says nothing is left out. */
export function readRetention(yaml: string): Map<string, Kept> {
  const found = yaml.matchAll(/^ {2}(logs|traces|metrics): \{retention: ([^,}]+), size_max: ([^,}]+)\}/gm);
  return new Map(
    [...found].map(([, signal, retention, sizeMax]) => [
      signal ?? "",
      { retention: (retention ?? "").trim(), sizeMax: (sizeMax ?? "").trim() },
    ]),
  );
}

export function readPolicy(yaml: string): string {
  return /^ {2}when_low: (\S+)/m.exec(yaml)?.[1] ?? "";
}

const UNITS: Readonly<Record<string, number>> = {
  ms: 1e-3,
  s: 1,
  m: 60,
  h: 3600,
  d: 86_400,
  w: 604_800,
  y: 31_536_000,
};

/** "15d" and "1h30m" in seconds; null for what is no duration. */
export function seconds(text: string): number | null {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|[smhdwy])/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join("") !== text) return null;
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * (UNITS[unit ?? ""] ?? 0), 0);
}

export interface Outlook {
  oldestMilli: number | null;
  bytesPerDay: number | null;
  /** What it takes once the oldest is as old as it may be. */
  steadyBytes: number | null;
}

const DAY_SECS = 86_400;
/** From less than this nothing is concluded. */
const SECS_MIN = 600;

export function outlook(storage: SignalStorage, retention: string): Outlook {
  const times = storage.partitions.flatMap(({ min_time_unix_milli: min }) => (min === null ? [] : [min]));
  const ends = storage.partitions.flatMap(({ max_time_unix_milli: max }) => (max === null ? [] : [max]));
  if (times.length === 0 || ends.length === 0) return { oldestMilli: null, bytesPerDay: null, steadyBytes: null };
  const oldestMilli = Math.min(...times);
  const span = (Math.max(...ends) - oldestMilli) / 1000;
  if (span < SECS_MIN) return { oldestMilli, bytesPerDay: null, steadyBytes: null };
  const bytesPerDay = (storage.bytes / span) * DAY_SECS;
  const kept = seconds(retention);
  return { oldestMilli, bytesPerDay, steadyBytes: kept === null ? null : (bytesPerDay * kept) / DAY_SECS };
}
