// What the server measures of itself: memory, time, its logs on the disk, queries, and queues of exporters.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { fetchSelfMetrics, type SelfMetrics, sumOf } from "../../api/self-metrics.ts";
import { ErrorBox, Skeleton } from "../../components/States.tsx";
import { Tile } from "../../components/Tile.tsx";
import { formatCount, formatPercent, formatShort } from "../../lib/number.ts";
import { formatDuration } from "../../lib/time/format.ts";
import { formatBytes } from "../../lib/units.ts";
import { type Look, meanBetween, queuesOf, rateBetween } from "./inside.ts";
import styles from "./Settings.module.css";

const REFRESH_MS = 5000;
const NANOS = 1e9;
const SIGNALS = ["traces", "metrics", "logs"] as const;

export function Inside() {
  const result = useQuery({
    queryKey: ["self-metrics"],
    queryFn: async ({ signal }): Promise<Look> => ({ metrics: await fetchSelfMetrics(signal), atMilli: Date.now() }),
    refetchInterval: REFRESH_MS,
    staleTime: 0,
    retry: false,
  });
  const before = useBefore(result.data);
  if (result.error) return <ErrorBox error={result.error} onRetry={() => void result.refetch()} />;
  if (!result.data) return <Skeleton rows={3} />;
  const now = result.data;
  const { metrics } = now;
  const cpu = before ? rateBetween(before, now, "process_cpu_seconds_total") : null;
  const query = before ? meanBetween(before, now, "bellrock_query_seconds") : null;
  return (
    <>
      <div className={styles.tiles}>
        <Tile name="Memory" value={bytes(sumOf(metrics, "process_resident_memory_bytes"))} />
        <Tile name="CPU" value={cpu === null ? "–" : formatPercent(cpu)} note="of one core" />
        <Tile
          name="Queries"
          value={`${count(metrics, "bellrock_queries_running")} of ${count(metrics, "bellrock_query_slots")}`}
          note={
            <Link to="/settings/$section" params={{ section: "queries" }} search={{}}>
              which
            </Link>
          }
        />
        <Tile name="A query takes" value={query === null ? "–" : formatDuration(query * NANOS)} note="on average" />
        <Tile name="Series in memory" value={count(metrics, "bellrock_tsdb_series")} />
      </div>
      <table className="table">
        <thead>
          <tr>
            <th>Signal</th>
            <th className="number">Records a second</th>
            <th className="number">Refused a second</th>
            <th className="number">In memory</th>
            <th className="number">Log written</th>
            <th className="number">Log waits</th>
            <th className="number">A sync takes</th>
          </tr>
        </thead>
        <tbody>
          {SIGNALS.map((signal) => {
            const rate = (name: string, labels: Record<string, string>) => {
              const found = before ? rateBetween(before, now, name, labels) : null;
              return found === null ? "–" : formatShort(found);
            };
            const written = before
              ? rateBetween(before, now, "bellrock_wal_written_bytes_total", { log: signal })
              : null;
            return (
              <tr key={signal}>
                <td>{signal}</td>
                <td className="number">{rate("bellrock_ingest_records_total", { signal })}</td>
                <td className="number">{rate("bellrock_ingest_refused_total", { signal })}</td>
                <td className="number">{bytes(sumOf(metrics, "bellrock_events_memory_bytes", { signal }))}</td>
                <td className="number">{written === null ? "–" : `${formatBytes(written)}/s`}</td>
                <td className="number">{bytes(sumOf(metrics, "bellrock_wal_pending_bytes", { log: signal }))}</td>
                <td className="number">{before ? sync(before, now, signal) : "–"}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
      <Queues metrics={metrics} />
    </>
  );
}

/** The look before the newest one, for what grows. */
function useBefore(now: Look | undefined): Look | null {
  const [looks, setLooks] = useState<{ before: Look | null; now: Look | null }>({ before: null, now: null });
  useEffect(() => {
    if (now) setLooks((old) => (old.now === now ? old : { before: old.now, now }));
  }, [now]);
  return looks.before;
}

function sync(before: Look, now: Look, log: string): string {
  const [seconds, syncs] = [
    rateBetween(before, now, "bellrock_wal_sync_seconds_total", { log }),
    rateBetween(before, now, "bellrock_wal_syncs_total", { log }),
  ];
  return seconds === null || !syncs ? "–" : formatDuration((seconds / syncs) * NANOS);
}

function bytes(value: number | null): string {
  return value === null ? "–" : formatBytes(value);
}

function count(metrics: SelfMetrics, name: string): string {
  const found = sumOf(metrics, name);
  return found === null ? "–" : formatCount(found);
}

function Queues({ metrics }: { metrics: SelfMetrics }) {
  const queues = queuesOf(metrics);
  if (queues.length === 0) return null;
  return (
    <>
      <h3>Queues of exporters</h3>
      <table className="table">
        <thead>
          <tr>
            <th>Exporter</th>
            <th className="number">Waiting</th>
            <th className="number">Room for</th>
            <th className="number">Full</th>
          </tr>
        </thead>
        <tbody>
          {queues.map((queue) => (
            <tr key={queue.name}>
              <td>{queue.name}</td>
              <td className="number">{formatCount(queue.size)}</td>
              <td className="number">{queue.capacity === null ? "–" : formatCount(queue.capacity)}</td>
              <td className="number">{queue.capacity ? formatPercent(queue.size / queue.capacity) : "–"}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}
