// Who calls the service, and whom it calls.

import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Database, Mail, Server } from "lucide-react";
import { type Edge, fetchServiceMap } from "../../../api/service-map.ts";
import { ErrorShare } from "../../../components/ErrorShare.tsx";
import { QueryState } from "../../../components/QueryState.tsx";
import { ServiceName } from "../../../components/ServiceName.tsx";
import { Empty } from "../../../components/States.tsx";
import { formatRate } from "../../../lib/number.ts";
import { formatDuration } from "../../../lib/time/format.ts";
import { useTimeSearch } from "../../../lib/view.ts";
import styles from "../Service.module.css";
import type { TabProps } from "./OverviewTab.tsx";

export function DependenciesTab({ service, range }: TabProps) {
  const queryKey = ["service-map", range, ""];
  const map = useQuery({
    queryKey,
    queryFn: ({ signal }) => fetchServiceMap(range, "", signal),
    placeholderData: keepPreviousData,
  });
  const touches = (edge: Edge) => edge.client === service || edge.server === service;
  return (
    <QueryState
      result={map}
      queryKey={queryKey}
      partial={(data) => data.value.partial?.reason ?? null}
      isEmpty={(data) => !data.value.edges.some(touches)}
      empty={<Empty reason="out-of-range" title={`Nothing calls ${service} and it calls nothing in this range`} />}
    >
      {({ value }) => (
        <div className={styles.tables}>
          <Edges
            title="Called by"
            edges={value.edges.filter((edge) => edge.server === service)}
            other={(edge) => edge.client}
            seconds={(range.toMilli - range.fromMilli) / 1000}
          />
          <Edges
            title="Calls"
            edges={value.edges.filter((edge) => edge.client === service)}
            other={(edge) => edge.server}
            seconds={(range.toMilli - range.fromMilli) / 1000}
          />
        </div>
      )}
    </QueryState>
  );
}

const ICONS: Record<string, typeof Server> = { service: Server, database: Database, messaging: Mail };

interface EdgesProps {
  title: string;
  edges: readonly Edge[];
  other: (edge: Edge) => string;
  seconds: number;
}

function Edges({ title, edges, other, seconds }: EdgesProps) {
  const timeSearch = useTimeSearch();
  return (
    <section className={styles.section}>
      <header>
        <h2>{title}</h2>
        <span className="faint">{edges.length === 0 ? "nothing in this range" : `${edges.length}`}</span>
      </header>
      {edges.length > 0 && (
        <table className="table">
          <thead>
            <tr>
              <th>Name</th>
              <th>Kind</th>
              <th className="number">Rate</th>
              <th className="number">Errors</th>
              <th className="number">p50</th>
              <th className="number">p95</th>
              <th className="number">p99</th>
            </tr>
          </thead>
          <tbody>
            {[...edges]
              .sort((a, b) => b.calls - a.calls)
              .map((edge) => {
                const name = other(edge);
                const isService = edge.peer === "service" || title === "Called by";
                const Icon = ICONS[title === "Called by" ? "service" : edge.peer] ?? Server;
                return (
                  <tr key={`${edge.client} ${edge.server} ${edge.peer}`}>
                    <td>
                      {isService ? (
                        <Link to="/services/$name" params={{ name }} search={timeSearch} className={styles.plain ?? ""}>
                          <ServiceName name={name} />
                        </Link>
                      ) : (
                        <ServiceName name={name} colour="var(--faint)" />
                      )}
                    </td>
                    <td className="muted">
                      <Icon size={13} aria-hidden className={styles.icon} />{" "}
                      {title === "Called by" ? "service" : edge.peer}
                    </td>
                    <td className="number">{formatRate(edge.calls / seconds)}</td>
                    <td className="number">
                      <ErrorShare ratio={edge.errors / Math.max(1, edge.calls)} errors={edge.errors} />
                    </td>
                    <td className="number">{formatDuration(edge.p50_nanos)}</td>
                    <td className="number">{formatDuration(edge.p95_nanos)}</td>
                    <td className="number">{formatDuration(edge.p99_nanos)}</td>
                  </tr>
                );
              })}
          </tbody>
        </table>
      )}
    </section>
  );
}
