// Queries of the explore pages: each one that was answered is noted on the server; Ctrl+H finds them again.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useRouter, useRouterState } from "@tanstack/react-router";
import { Star } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { ApiError } from "../api/client.ts";
import { fetchHistory, type HistoryEntry, noteHistory, starHistory } from "../api/views.ts";
import { Dialog } from "../components/Dialog.tsx";
import { QueryState } from "../components/QueryState.tsx";
import { Empty } from "../components/States.tsx";
import { useKeys } from "../lib/keys.ts";
import { formatCount } from "../lib/number.ts";
import { report } from "../lib/report.ts";
import { useStore } from "../lib/store.ts";
import { formatDuration, formatInstant, formatRelative } from "../lib/time/format.ts";
import { useTime, useView } from "../lib/view.ts";
import { pageOf } from "./history-pages.ts";
import { useLinks } from "./link.ts";
import styles from "./QueryHistory.module.css";

/** Once per page and query, when its answer is there. A server without a history is asked once. */
function useNotes(page: string | null, query: string): void {
  const links = useLinks();
  const { busy, elapsedMs, rowsScanned } = useStore(report);
  const noted = useRef("");
  const offered = useRef(true);
  const url = links.path(true);
  useEffect(() => {
    const key = `${page} ${query}`;
    if (!page || query === "" || busy || elapsedMs === null || noted.current === key || !offered.current) return;
    noted.current = key;
    noteHistory({ page, query, url, elapsed_ms: Math.round(elapsedMs), rows: rowsScanned ?? 0 }).catch(
      (error: unknown) => {
        // Not being able to remember a query must not get in its way.
        if (error instanceof ApiError && error.facts.status === 404) offered.current = false;
      },
    );
  }, [page, query, busy, elapsedMs, rowsScanned, url]);
}

export function QueryHistory() {
  const pathname = useRouterState({ select: (state) => state.location.pathname });
  const { search } = useView();
  const page = pageOf(pathname);
  const query = search.q ?? "";
  const [open, setOpen] = useState(false);
  useNotes(page, query);
  useKeys("global", "General", page ? [{ keys: "mod+h", label: "Earlier queries", run: () => setOpen(true) }] : []);
  return open && page ? <HistoryDialog page={page} onClose={() => setOpen(false)} /> : null;
}

function HistoryDialog({ page, onClose }: { page: string; onClose: () => void }) {
  const router = useRouter();
  const client = useQueryClient();
  const { zone, asOfMilli } = useTime();
  const { patch } = useView();
  const [text, setText] = useState("");
  const queryKey = ["history", page, text];
  const history = useQuery({
    queryKey,
    queryFn: ({ signal }) => fetchHistory(page, text, signal),
    retry: false,
    staleTime: 0,
  });
  const base = router.basepath.replace(/\/$/, "");
  const run = (entry: HistoryEntry, then: boolean) => {
    onClose();
    if (then) router.history.push(base + entry.url);
    else patch({ q: entry.query });
  };
  const star = async (entry: HistoryEntry) => {
    await starHistory(entry.id, !entry.starred).catch(() => {});
    void client.invalidateQueries({ queryKey: ["history"] });
  };
  return (
    <Dialog title={`Earlier queries of ${page}`} wide onClose={onClose}>
      <input
        className={`input ${styles.find}`}
        placeholder="Find"
        aria-label="Find a query"
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
      <QueryState
        result={history}
        queryKey={queryKey}
        isEmpty={(entries) => entries.length === 0}
        empty={<Empty reason="none" title={text ? "No query contains this" : "No query was asked here yet"} />}
      >
        {(entries) => (
          <ul className={styles.list}>
            {entries.map((entry) => (
              <li key={entry.id} className={styles.entry}>
                <button
                  type="button"
                  className="button quiet small icon"
                  aria-pressed={entry.starred}
                  aria-label={`Star ${entry.query}`}
                  onClick={() => void star(entry)}
                >
                  <Star size={13} aria-hidden fill={entry.starred ? "currentColor" : "none"} />
                </button>
                <button
                  type="button"
                  className={styles.query}
                  title="Run it over the range that is chosen"
                  onClick={() => run(entry, false)}
                >
                  <code className="ellipsis">{entry.query}</code>
                </button>
                <span className="faint" title={formatInstant(entry.at_unix_milli, zone)}>
                  {formatRelative(entry.at_unix_milli, asOfMilli)}
                </span>
                <span className={`faint ${styles.cost}`}>
                  {formatDuration(entry.elapsed_ms * 1e6)}, {formatCount(entry.rows)} rows
                </span>
                <button
                  type="button"
                  className="button quiet small"
                  title="Run it over the range it had"
                  onClick={() => run(entry, true)}
                >
                  Then
                </button>
              </li>
            ))}
          </ul>
        )}
      </QueryState>
    </Dialog>
  );
}
