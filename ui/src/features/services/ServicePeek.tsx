// A service in a panel over another page: its figures and its charts.

import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { fetchServices } from "../../api/services.ts";
import { Tile } from "../../components/Tile.tsx";
import { errorTone } from "../../lib/error-share.ts";
import { term } from "../../lib/filter.ts";
import { formatPercent, formatRate } from "../../lib/number.ts";
import { formatDuration } from "../../lib/time/format.ts";
import { useTime, useTimeSearch } from "../../lib/view.ts";
import styles from "./Service.module.css";
import { OverviewTab } from "./tabs/OverviewTab.tsx";

export function ServicePeek({ id }: { id: string }) {
  const { range } = useTime();
  const timeSearch = useTimeSearch();
  const services = useQuery({
    queryKey: ["services", range],
    queryFn: ({ signal }) => fetchServices(range, signal),
    placeholderData: keepPreviousData,
  });
  const figures = services.data?.value.services.find((service) => service.name === id);
  return (
    <>
      <div className={styles.peekHead}>
        <Tile name="Rate" value={figures ? formatRate(figures.rate_per_s) : "–"} />
        <Tile
          name="Errors"
          value={figures ? formatPercent(figures.error_ratio) : "–"}
          tone={errorTone(figures?.error_ratio ?? 0)}
        />
        <Tile name="p50" value={figures ? formatDuration(figures.p50_nanos) : "–"} />
        <Tile name="p95" value={figures ? formatDuration(figures.p95_nanos) : "–"} />
        <Tile name="p99" value={figures ? formatDuration(figures.p99_nanos) : "–"} />
      </div>
      <nav className={styles.peekLinks} aria-label="Leads to">
        <Link to="/services/$name" params={{ name: id }} search={timeSearch} className="button small">
          Service
        </Link>
        <Link to="/traces" search={{ ...timeSearch, q: term("service", id) }} className="button small">
          Traces
        </Link>
        <Link
          to="/traces"
          search={{ ...timeSearch, q: `${term("service", id)} status:error` }}
          className="button small"
        >
          Errors
        </Link>
        <Link to="/logs" search={{ ...timeSearch, q: term("service", id) }} className="button small">
          Logs
        </Link>
        <Link to="/map" search={{ ...timeSearch, focus: id }} className="button small">
          Map around it
        </Link>
      </nav>
      <OverviewTab service={id} range={range} />
    </>
  );
}
