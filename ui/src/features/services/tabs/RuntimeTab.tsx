// Metrics of the service's runtime: packs of charts for what its metrics say it is written in.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { fetchLabelValues, queryRange } from "../../../api/prometheus.ts";
import { QueryState } from "../../../components/QueryState.tsx";
import { Empty, ErrorBox, Skeleton } from "../../../components/States.tsx";
import { TimePanel } from "../../../components/TimePanel.tsx";
import { seriesColour } from "../../../lib/colour.ts";
import type { Range } from "../../../lib/time/range.ts";
import { useTimeSearch } from "../../../lib/view.ts";
import { type PackChart, packsFor, serviceMatcher } from "../packs.ts";
import styles from "../Service.module.css";
import type { TabProps } from "./OverviewTab.tsx";

export function RuntimeTab({ service, range }: TabProps) {
  const queryKey = ["metric-names-of", service, range];
  const names = useQuery({
    queryKey,
    queryFn: ({ signal }) => fetchLabelValues("__name__", `{${serviceMatcher(service)}}`, range, signal),
    placeholderData: keepPreviousData,
  });
  return (
    <QueryState
      result={names}
      queryKey={queryKey}
      isEmpty={(data) => packsFor(data).length === 0}
      empty={
        <Empty reason="none" title={`${service} sends no metrics of its runtime`}>
          <p>
            Bellrock knows those of Go, Node.js, the JVM, Python, .NET and Rust, with the label <code>service</code>.
          </p>
        </Empty>
      }
    >
      {(data) =>
        packsFor(data).map((pack) => (
          <section key={pack.title} aria-label={pack.title}>
            <h2 className={styles.pack}>{pack.title}</h2>
            <div className={styles.grid}>
              {pack.charts.map((chart) => (
                <PackPanel key={chart.needs} chart={chart} service={service} range={range} />
              ))}
            </div>
          </section>
        ))
      }
    </QueryState>
  );
}

const POINTS = 200;
const SHOWN_LINES = 20;

function PackPanel({ chart, service, range }: { chart: PackChart; service: string; range: Range }) {
  const timeSearch = useTimeSearch();
  const query = chart.query.replace("$s", serviceMatcher(service));
  const step = Math.max(5, Math.ceil((range.toMilli - range.fromMilli) / 1000 / POINTS / 5) * 5);
  const result = useQuery({
    queryKey: ["range", query, range, step],
    queryFn: ({ signal }) => queryRange(query, range, step, signal),
    placeholderData: keepPreviousData,
  });
  if (result.error) return <ErrorBox error={result.error} query={query} onRetry={() => void result.refetch()} />;
  if (!result.data) return <Skeleton shape="chart" />;
  const series = result.data.value.series.slice(0, SHOWN_LINES);
  const times = series[0]?.times ?? [];
  const lines = series.map((each, index) => ({
    id: JSON.stringify(each.labels),
    label: each.labels.instance ?? each.labels.type ?? service,
    colour: seriesColour(index),
    values: each.values,
  }));
  return (
    <TimePanel
      title={chart.title}
      times={times.map((seconds) => seconds * 1000)}
      lines={lines}
      unit={chart.unit}
      range={range}
      links={
        <Link to="/metrics" search={{ ...timeSearch, q: query }} title={query}>
          Open in Metrics
        </Link>
      }
    />
  );
}
