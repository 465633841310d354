// The loaded part of a long list of records: pages that follow each other, of which the farthest are let go when there
// are too many. Each page knows how to ask for what is before and behind it.
import type { LogRow } from "./rows.ts";

export interface LogPages {
  pages: readonly LoadedPage[];
  /** All rows of all pages, in order. */
  rows: readonly LogRow[];
  /** How many rows were put in or taken out above by the last change; the table scrolls by as much. */
  shift: number;
  /** Rows in front were let go: scrolling back asks for them again. */
  cut: boolean;
}

export interface LoadedPage {
  rows: readonly LogRow[];
  /** Null at the end of the range. */
  next: string | null;
  prev: string | null;
}

export const ROWS_MAX = 100_000;

export const NO_PAGES: LogPages = { pages: [], rows: [], shift: 0, cut: false };

export function firstPage(page: LoadedPage): LogPages {
  return { pages: [page], rows: page.rows, shift: 0, cut: false };
}

/** Adds a page behind; pages at the front are let go while there are more than `max` rows. */
export function addBehind({ pages, rows, cut }: LogPages, page: LoadedPage, max = ROWS_MAX): LogPages {
  const kept = [...pages, page];
  let gone = 0;
  let total = rows.length + page.rows.length;
  while (total > max && kept.length > 1) {
    const size = kept.shift()?.rows.length ?? 0;
    gone += size;
    total -= size;
  }
  const all = rows.concat(page.rows);
  return { pages: kept, rows: gone > 0 ? all.slice(gone) : all, shift: -gone, cut: cut || gone > 0 };
}

/** Adds a page in front; pages at the back are let go while there are more than `max` rows. */
export function addBefore({ pages, rows, cut }: LogPages, page: LoadedPage, max = ROWS_MAX): LogPages {
  const kept = [page, ...pages];
  let total = rows.length + page.rows.length;
  while (total > max && kept.length > 1) total -= kept.pop()?.rows.length ?? 0;
  return { pages: kept, rows: page.rows.concat(rows).slice(0, total), shift: page.rows.length, cut };
}
