// Records that match as a file: page by page, up to a limit that is said.
import type { LogPage, LogQuery, LogRecord } from "../../api/logs.ts";
import type { Zone } from "../../lib/time/zone.ts";
import { rowsAs } from "./copy.ts";
import { toRow } from "./rows.ts";

export const SAVED_MAX = 50_000;
const PAGE_ROWS = 5_000;

export type FileFormat = "csv" | "jsonl";

export interface Saved {
  parts: string[];
  rows: number;
  /** There are more that match. */
  more: boolean;
  /** Why a page was not whole. */
  partial: string | null;
}

export interface Saving {
  query: Omit<LogQuery, "limit" | "cursor">;
  format: FileFormat;
  columns: readonly string[];
  zone: Zone;
  fetchPage: (query: LogQuery) => Promise<LogPage>;
  onRows?: (rows: number) => void;
  max?: number;
}

export async function saveLogs({ query, format, columns, zone, fetchPage, onRows, max }: Saving): Promise<Saved> {
  const saved: Saved = { parts: [], rows: 0, more: false, partial: null };
  const limit = max ?? SAVED_MAX;
  let cursor: string | null = null;
  do {
    const rows: number = Math.min(PAGE_ROWS, limit - saved.rows);
    const page: LogPage = await fetchPage({ ...query, limit: rows, ...(cursor ? { cursor } : {}) });
    saved.parts.push(asText(page.logs, format, columns, zone, saved.parts.length === 0));
    saved.rows += page.logs.length;
    saved.partial ??= page.partial?.reason ?? null;
    cursor = page.next_cursor;
    onRows?.(saved.rows);
  } while (cursor !== null && saved.rows < limit);
  saved.more = cursor !== null;
  return saved;
}

function asText(
  logs: readonly LogRecord[],
  format: FileFormat,
  columns: readonly string[],
  zone: Zone,
  first: boolean,
): string {
  // A record is as the API says it, with the type of each value.
  if (format === "jsonl") return logs.map((record) => `${JSON.stringify(record)}\n`).join("");
  const text = `${rowsAs("CSV", logs.map(toRow), columns, zone)}\r\n`;
  return first ? text : text.slice(text.indexOf("\r\n") + 2);
}
