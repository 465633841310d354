// The queries that were asked on a page, to find one again.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useRouter } from "@tanstack/react-router";
import { Star } from "lucide-react";
import { useState } from "react";
import { serverNow } from "../api/client.ts";
import { fetchHistory, type HistoryEntry, starHistory } from "../api/views.ts";
import { Dialog } from "../components/Dialog.tsx";
import { QueryState } from "../components/QueryState.tsx";
import { Empty } from "../components/States.tsx";
import { formatCount } from "../lib/number.ts";
import { formatDuration, formatInstant, formatRelative } from "../lib/time/format.ts";
import { useTime, useView } from "../lib/view.ts";
import styles from "./QueryHistory.module.css";

export function HistoryDialog({ page, onClose }: { page: string; onClose: () => void }) {
  const router = useRouter();
  const client = useQueryClient();
  const { zone } = useTime();
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
                  {formatRelative(entry.at_unix_milli, serverNow())}
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
