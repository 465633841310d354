// The map as a table: the same edges for reading, sorting and copying.

import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { ErrorShare } from "../../components/ErrorShare.tsx";
import { ServiceName } from "../../components/ServiceName.tsx";
import { SortHead } from "../../components/SortHead.tsx";
import { formatRate } from "../../lib/number.ts";
import { formatDuration } from "../../lib/time/format.ts";
import { useTimeSearch } from "../../lib/view.ts";
import { errorRatio, type Graph, type MapEdge } from "./graph.ts";
import styles from "./Map.module.css";

const COLUMNS = [
  { id: "calls", title: "Rate" },
  { id: "errors", title: "Errors" },
  { id: "p50Nanos", title: "p50" },
  { id: "p95Nanos", title: "p95" },
  { id: "p99Nanos", title: "p99" },
] as const;
type Column = (typeof COLUMNS)[number]["id"];

export function MapTable({
  graph,
  seconds,
  onOpenEdge,
}: {
  graph: Graph;
  seconds: number;
  onOpenEdge: (edge: MapEdge) => void;
}) {
  const timeSearch = useTimeSearch();
  const [sort, setSort] = useState<Column>("calls");
  const value = (edge: MapEdge) => (sort === "errors" ? errorRatio(edge) : edge[sort]);
  const rows = [...graph.edges].sort((a, b) => value(b) - value(a) || (a.id < b.id ? -1 : 1));
  return (
    <div className={styles.table}>
      <table className="table">
        <thead>
          <tr>
            <th>From</th>
            <th>To</th>
            <th>Kind</th>
            {COLUMNS.map((column) => (
              <SortHead key={column.id} active={sort === column.id} onSort={() => setSort(column.id)}>
                {column.title}
              </SortHead>
            ))}
            <th>
              <span className="sr-only">Details</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((edge) => (
            <tr key={edge.id}>
              <td>
                <Link
                  to="/services/$name"
                  params={{ name: edge.client }}
                  search={timeSearch}
                  className={styles.plain ?? ""}
                >
                  <ServiceName name={edge.client} />
                </Link>
              </td>
              <td>
                {edge.kind === "service" ? (
                  <Link
                    to="/services/$name"
                    params={{ name: edge.server }}
                    search={timeSearch}
                    className={styles.plain ?? ""}
                  >
                    <ServiceName name={edge.server} />
                  </Link>
                ) : (
                  <ServiceName name={edge.server} colour="var(--faint)" />
                )}
              </td>
              <td className="muted">{edge.kind}</td>
              <td className="number">{formatRate(edge.calls / seconds)}</td>
              <td className="number">
                <ErrorShare ratio={errorRatio(edge)} errors={edge.errors} />
              </td>
              <td className="number">{formatDuration(edge.p50Nanos)}</td>
              <td className="number">{formatDuration(edge.p95Nanos)}</td>
              <td className="number">{formatDuration(edge.p99Nanos)}</td>
              <td>
                <button type="button" className="button quiet small" onClick={() => onOpenEdge(edge)}>
                  Details
                </button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
