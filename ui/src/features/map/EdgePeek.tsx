// The calls of one pair: figures, and the traces that go this way.

import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { fetchServiceMap } from "../../api/service-map.ts";
import { fetchTraces } from "../../api/traces.ts";
import { QueryState } from "../../components/QueryState.tsx";
import { Empty } from "../../components/States.tsx";
import { Tile } from "../../components/Tile.tsx";
import { aroundSearch } from "../../lib/around.ts";
import { errorTone } from "../../lib/error-share.ts";
import { term } from "../../lib/filter.ts";
import { formatPercent, formatRate } from "../../lib/number.ts";
import { formatClock, formatDuration } from "../../lib/time/format.ts";
import { nanosToMilli, parseNanos } from "../../lib/time/nanos.ts";
import { useTime, useTimeSearch } from "../../lib/view.ts";
import { buildGraph, errorRatio, type MapEdge } from "./graph.ts";
import styles from "./Peek.module.css";

const TRACES = 12;

export function EdgePeek({ id }: { id: string }) {
  const { range } = useTime();
  const queryKey = ["service-map", range, ""];
  const map = useQuery({
    queryKey,
    queryFn: ({ signal }) => fetchServiceMap(range, "", signal),
    placeholderData: keepPreviousData,
  });
  return (
    <QueryState result={map} queryKey={queryKey} shape="tiles">
      {({ value }) => {
        const edge = buildGraph(value.edges).edges.find((each) => each.id === id);
        return edge ? <Detail edge={edge} /> : <Empty reason="out-of-range" title="No such calls in this range" />;
      }}
    </QueryState>
  );
}

/** What finds the traces with calls of this pair. */
function filterOf(edge: MapEdge): string {
  if (edge.kind === "database") return `${term("service", edge.client)} ${term("db.system.name", edge.server)}`;
  if (edge.kind === "messaging") return `${term("service", edge.client)} ${term("messaging.system", edge.server)}`;
  return `{${term("service", edge.client)}} {${term("service", edge.server)}}`;
}

function Detail({ edge }: { edge: MapEdge }) {
  const { range, zone } = useTime();
  const timeSearch = useTimeSearch();
  const q = filterOf(edge);
  const seconds = (range.toMilli - range.fromMilli) / 1000;
  const queryKey = ["traces", range, q, TRACES];
  const traces = useQuery({
    queryKey,
    queryFn: ({ signal }) => fetchTraces({ range, q, limit: TRACES }, signal),
    placeholderData: keepPreviousData,
  });
  return (
    <div className={styles.body}>
      <div className={styles.tiles}>
        <Tile name="Rate" value={formatRate(edge.calls / seconds)} />
        <Tile name="Errors" value={formatPercent(errorRatio(edge))} tone={errorTone(errorRatio(edge))} />
        <Tile name="p50" value={formatDuration(edge.p50Nanos)} />
        <Tile name="p95" value={formatDuration(edge.p95Nanos)} />
        <Tile name="p99" value={formatDuration(edge.p99Nanos)} />
      </div>
      <nav className={styles.links} aria-label="Leads to">
        <Link to="/traces" search={{ ...timeSearch, q }} className="button small">
          Traces
        </Link>
        <Link to="/traces" search={{ ...timeSearch, q: `${q} status:error` }} className="button small">
          With errors
        </Link>
      </nav>
      <h3 className={styles.title}>Newest traces this way</h3>
      <QueryState
        result={traces}
        queryKey={queryKey}
        rows={5}
        isEmpty={(data) => data.value.traces.length === 0}
        empty={<p className={styles.title}>none in this range</p>}
      >
        {({ value }) => (
          <table className="table">
            <tbody>
              {value.traces.map((trace) => (
                <tr key={trace.trace_id}>
                  <td className="faint">{formatClock(nanosToMilli(parseNanos(trace.start_unix_nano)), zone)}</td>
                  <td className={styles.name}>
                    <Link
                      to="/traces/$traceId"
                      params={{ traceId: trace.trace_id }}
                      search={aroundSearch(nanosToMilli(parseNanos(trace.start_unix_nano)))}
                      title={trace.root_name}
                    >
                      {trace.root_name}
                    </Link>
                  </td>
                  <td className="number">{formatDuration(trace.duration_nanos)}</td>
                  <td className="number">
                    {trace.error_count > 0 && <span className="badge error">{trace.error_count} errors</span>}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </QueryState>
    </div>
  );
}
