// What the server works on now, with a way to stop it, and what took longest in the last hour.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { CircleStop } from "lucide-react";
import { useState } from "react";
import { ApiError } from "../../api/client.ts";
import { cancelQuery, fetchQueries, type RunningQuery } from "../../api/queries.ts";
import { QueryState } from "../../components/QueryState.tsx";
import { ErrorBox } from "../../components/States.tsx";
import { Tile } from "../../components/Tile.tsx";
import { formatCount } from "../../lib/number.ts";
import { formatDuration, formatInstant } from "../../lib/time/format.ts";
import { useTime } from "../../lib/view.ts";
import styles from "./Settings.module.css";

const KEY = ["queries"];
const REFRESH_MS = 2000;
const NANOS = 1e6;

export function Queries() {
  const client = useQueryClient();
  const [error, setError] = useState<Error | null>(null);
  const queries = useQuery({
    queryKey: KEY,
    queryFn: ({ signal }) => fetchQueries(signal),
    refetchInterval: REFRESH_MS,
    staleTime: 0,
  });
  const stop = async (id: number) => {
    setError(null);
    try {
      await cancelQuery(id);
    } catch (cause) {
      // It ended by itself meanwhile.
      if (!(cause instanceof ApiError && cause.kind === "not_found")) {
        setError(cause instanceof Error ? cause : new ApiError("internal", String(cause)));
      }
    }
    void client.invalidateQueries({ queryKey: KEY });
  };
  return (
    <QueryState result={queries} rows={5}>
      {(data) => (
        <div className={styles.stack}>
          <div className={styles.tiles}>
            <Tile
              name="Now"
              value={`${data.running.filter((each) => each.queued_ms !== null).length} of ${data.slots}`}
              note="run at the same time"
            />
            <Tile name="Waiting" value={formatCount(data.running.filter((each) => each.queued_ms === null).length)} />
            <Tile name="Since the start" value={formatCount(data.finished)} />
            <Tile name="Stopped" value={formatCount(data.cancelled)} note="by people, or because nobody waited" />
            <Tile name="Each at most" value={formatDuration(data.timeout_ms * NANOS)} />
          </div>
          {error && <ErrorBox error={error} />}
          <h3>Running</h3>
          {data.running.length === 0 ? (
            <p className="muted">Nothing runs at the moment.</p>
          ) : (
            <Table queries={data.running} onStop={(id) => void stop(id)} />
          )}
          <h3>Slowest of the last hour</h3>
          {data.slowest.length === 0 ? (
            <p className="muted">Nothing ran in the last hour.</p>
          ) : (
            <Table queries={data.slowest} />
          )}
        </div>
      )}
    </QueryState>
  );
}

function Table({ queries, onStop }: { queries: readonly RunningQuery[]; onStop?: (id: number) => void }) {
  const { zone } = useTime();
  return (
    <table className="table">
      <thead>
        <tr>
          <th>Query</th>
          <th>Request</th>
          <th>Started</th>
          <th className="number">Waited</th>
          <th className="number">Took</th>
          <th>{onStop ? <span className="sr-only">Actions</span> : <span className="sr-only">End</span>}</th>
        </tr>
      </thead>
      <tbody>
        {queries.map((each) => (
          <tr key={each.id}>
            <td className={styles.asked} title={each.query}>
              {each.query ? <code>{each.query}</code> : <span className="faint">without a text</span>}
            </td>
            <td className={`muted ${styles.request}`} title={each.request}>
              {each.request || "the server itself"}
            </td>
            <td className="muted">{formatInstant(each.started_unix_milli, zone, false)}</td>
            <td className="number">
              {each.queued_ms === null ? (onStop ? "waits" : "all of it") : formatDuration(each.queued_ms * NANOS)}
            </td>
            <td className="number">{formatDuration(each.elapsed_ms * NANOS)}</td>
            <td>
              {onStop ? (
                <button
                  type="button"
                  className="button small"
                  aria-label={`Stop ${each.query || each.request}`}
                  onClick={() => onStop(each.id)}
                >
                  <CircleStop size={13} aria-hidden /> Stop
                </button>
              ) : (
                each.cancelled && <span className="badge">stopped</span>
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
