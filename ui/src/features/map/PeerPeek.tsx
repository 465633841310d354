// A database or a queue: who calls it, and how well.

import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { fetchServiceMap } from "../../api/service-map.ts";
import { QueryState } from "../../components/QueryState.tsx";
import { ServiceName } from "../../components/ServiceName.tsx";
import { Tile } from "../../components/Tile.tsx";
import { errorTone } from "../../lib/error-share.ts";
import { formatPercent, formatRate, formatShort } from "../../lib/number.ts";
import { usePeek } from "../../lib/peek.ts";
import { formatDuration } from "../../lib/time/format.ts";
import { useTime, useTimeSearch } from "../../lib/view.ts";
import { buildGraph, errorRatio } from "./graph.ts";
import styles from "./Peek.module.css";

export function PeerPeek({ id }: { id: string }) {
  const { range } = useTime();
  const timeSearch = useTimeSearch();
  const peek = usePeek();
  const queryKey = ["service-map", range, ""];
  const map = useQuery({
    queryKey,
    queryFn: ({ signal }) => fetchServiceMap(range, "", signal),
    placeholderData: keepPreviousData,
  });
  const seconds = (range.toMilli - range.fromMilli) / 1000;
  return (
    <QueryState result={map} queryKey={queryKey} shape="tiles">
      {({ value }) => {
        const graph = buildGraph(value.edges);
        const node = graph.nodes.find((each) => each.id === id);
        const callers = graph.edges.filter((edge) => edge.to === id).sort((a, b) => b.calls - a.calls);
        return (
          <div className={styles.body}>
            <div className={styles.tiles}>
              <Tile name="Rate" value={formatRate((node?.calls ?? 0) / seconds)} />
              <Tile
                name="Errors"
                value={formatPercent(node ? errorRatio(node) : 0)}
                tone={errorTone(node ? errorRatio(node) : 0)}
              />
              <Tile name="Slowest p95" value={formatDuration(node?.p95Nanos ?? 0)} />
            </div>
            <h3 className={styles.title}>Called by</h3>
            <table className="table">
              <tbody>
                {callers.map((edge) => (
                  <tr key={edge.id}>
                    <td>
                      <Link to="/services/$name" params={{ name: edge.client }} search={timeSearch}>
                        <ServiceName name={edge.client} />
                      </Link>
                    </td>
                    <td className="number">{formatShort(edge.calls / seconds)}/s</td>
                    <td className="number">{formatPercent(errorRatio(edge))}</td>
                    <td className="number">{formatDuration(edge.p95Nanos)}</td>
                    <td className="number">
                      <button
                        type="button"
                        className="button quiet small"
                        onClick={() => peek.push({ kind: "edge", id: edge.id })}
                      >
                        Details
                      </button>
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        );
      }}
    </QueryState>
  );
}
