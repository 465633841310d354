// Loads records in both directions and keeps what was loaded for a few queries, so that Back needs no request.
import { useCallback, useEffect, useRef, useState } from "react";
import { fetchLogs, type LogPage } from "../../api/logs.ts";
import type { Range } from "../../lib/time/range.ts";
import { addBefore, addBehind, firstPage, type LoadedPage, type LogPages, NO_PAGES } from "./pages.ts";
import { toRow } from "./rows.ts";

/** The first page is small: it is what is looked at. Later ones are larger: somebody scrolls. */
const FIRST_ROWS = 200;
const MORE_ROWS = 1000;
const KEPT_QUERIES = 4;

type Order = "asc" | "desc";

export interface LogList extends LogPages {
  key: string;
  state: "loading" | "ready" | "failed";
  error: Error | null;
  /** The rows are those of an older query, until the first page of this one is here. */
  stale: boolean;
  busy: boolean;
  partial: string | null;
  elapsedMs: number | null;
  rowsScanned: number | null;
  hasMore: boolean;
  hasNewer: boolean;
  more: () => void;
  newer: () => void;
  retry: () => void;
}

interface Loaded {
  key: string;
  list: LogPages;
  partial: string | null;
  elapsedMs: number | null;
  rowsScanned: number | null;
}

const NOTHING: Loaded = { key: "", list: NO_PAGES, partial: null, elapsedMs: null, rowsScanned: null };
const kept = new Map<string, Loaded>();

function keep(loaded: Loaded): void {
  kept.delete(loaded.key);
  kept.set(loaded.key, loaded);
  const [oldest] = kept.keys();
  if (kept.size > KEPT_QUERIES && oldest !== undefined) kept.delete(oldest);
}

export function useLogPages(range: Range, q: string, order: Order, enabled: boolean): LogList {
  const key = JSON.stringify([range, q, order]);
  const [loaded, setLoaded] = useState<Loaded>(() => kept.get(key) ?? NOTHING);
  const [error, setError] = useState<Error | null>(null);
  const [busy, setBusy] = useState(0);
  const [attempt, setAttempt] = useState(0);
  const running = useRef<{ key: string; side: "more" | "newer" } | null>(null);
  const latest = useRef(loaded);
  latest.current = loaded;

  const ask = useCallback(
    async (side: Order, cursor: string | null, limit: number, signal: AbortSignal) => {
      setBusy((n) => n + 1);
      try {
        return await fetchLogs({ range, q, order: side, limit, ...(cursor ? { cursor } : {}) }, signal);
      } finally {
        setBusy((n) => n - 1);
      }
    },
    [range, q],
  );

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new attempt asks again
  useEffect(() => {
    setError(null);
    if (!enabled) return;
    const known = kept.get(key);
    if (known) {
      setLoaded(known);
      return;
    }
    const abort = new AbortController();
    ask(order, null, FIRST_ROWS, abort.signal)
      .then(({ value, elapsedMs }) => {
        const next = {
          key,
          list: firstPage(toPage(value, false)),
          partial: value.partial?.reason ?? null,
          elapsedMs,
          rowsScanned: value.stats?.rows_scanned ?? null,
        };
        keep(next);
        setLoaded(next);
      })
      .catch((reason: unknown) => {
        if (!abort.signal.aborted) setError(reason instanceof Error ? reason : new Error(String(reason)));
      });
    return () => abort.abort();
  }, [key, ask, order, enabled, attempt]);

  const load = useCallback(
    (side: "more" | "newer") => {
      const now = latest.current;
      const { pages } = now.list;
      const cursor = side === "more" ? (pages.at(-1)?.next ?? null) : (pages[0]?.prev ?? null);
      if (now.key !== key || cursor === null || running.current) return;
      const mine = { key, side };
      running.current = mine;
      const back: Order = order === "desc" ? "asc" : "desc";
      const abort = new AbortController();
      ask(side === "more" ? order : back, cursor, MORE_ROWS, abort.signal)
        .then(({ value, elapsedMs }) => {
          setLoaded((old) => {
            if (old.key !== key) return old;
            const page = toPage(value, side === "newer");
            const list = side === "more" ? addBehind(old.list, page) : addBefore(old.list, page);
            const next = { ...old, list, elapsedMs, rowsScanned: value.stats?.rows_scanned ?? old.rowsScanned };
            keep(next);
            return next;
          });
        })
        .catch((reason: unknown) => setError(reason instanceof Error ? reason : new Error(String(reason))))
        .finally(() => {
          running.current = null;
        });
    },
    [ask, key, order],
  );
  const { list } = loaded;
  const current = loaded.key === key;
  return {
    ...list,
    key: loaded.key,
    state: error && !current ? "failed" : current || list.rows.length > 0 ? "ready" : "loading",
    error,
    stale: !current,
    busy: busy > 0,
    partial: loaded.partial,
    elapsedMs: loaded.elapsedMs,
    rowsScanned: loaded.rowsScanned,
    hasMore: (list.pages.at(-1)?.next ?? null) !== null,
    hasNewer: list.cut && (list.pages[0]?.prev ?? null) !== null,
    more: useCallback(() => load("more"), [load]),
    newer: useCallback(() => load("newer"), [load]),
    retry: useCallback(() => setAttempt((n) => n + 1), []),
  };
}

/** A page that was asked for in the other direction comes turned around, and so do its cursors. */
function toPage(value: LogPage, turned: boolean): LoadedPage {
  const rows = value.logs.map(toRow);
  if (!turned) return { rows, next: value.next_cursor, prev: value.prev_cursor };
  return { rows: rows.reverse(), next: value.prev_cursor, prev: value.next_cursor };
}
