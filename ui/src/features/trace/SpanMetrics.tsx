// Metrics of the instance that made a span, around its time: CPU, memory, what its runtime does, pools, restarts.
import { keepPreviousData, useQueries, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { fetchLabelValues, queryRange } from "../../api/prometheus.ts";
import type { Span } from "../../api/traces.ts";
import { Empty, ErrorBox, Skeleton } from "../../components/States.tsx";
import { TimePanel } from "../../components/TimePanel.tsx";
import { seriesColour } from "../../lib/colour.ts";
import { nanosToMilli, parseNanos } from "../../lib/time/nanos.ts";
import { absoluteRange, type Range } from "../../lib/time/range.ts";
import { chartsOf, instanceOf, selectorOf } from "./instance-metrics.ts";
import styles from "./SpanPanel.module.css";

const AROUND_MILLI = 300_000;
const STEP_SECONDS = 15;
const LINES_MAX = 8;

export function SpanMetrics({ span }: { span: Span }) {
  const instance = instanceOf(span);
  const at = nanosToMilli(parseNanos(span.start_unix_nano));
  const range: Range = { fromMilli: at - AROUND_MILLI, toMilli: at + span.duration_nanos / 1e6 + AROUND_MILLI };
  const selector = instance && selectorOf(instance);
  const names = useQuery({
    queryKey: ["instance-metrics", selector, range],
    queryFn: ({ signal }) => fetchLabelValues("__name__", `{${selector}}`, range, signal),
    enabled: selector !== null,
    placeholderData: keepPreviousData,
  });
  const charts = instance && names.data ? chartsOf(names.data, instance) : [];
  const results = useQueries({
    queries: charts.map(({ query }) => ({
      queryKey: ["instance-metric", query, range],
      queryFn: ({ signal }: { signal: AbortSignal }) => queryRange(query, range, STEP_SECONDS, signal),
    })),
  });
  if (!instance) {
    return (
      <Empty reason="none" title="The span does not say which instance it is of">
        <p>
          Metrics are found by <code>service.name</code> and <code>service.instance.id</code>.
        </p>
      </Empty>
    );
  }
  if (names.error) return <ErrorBox error={names.error} onRetry={() => void names.refetch()} />;
  if (!names.data) return <Skeleton shape="chart" />;
  if (charts.length === 0) {
    return (
      <Empty reason="none" title={`No metrics of ${instance.id || instance.service} around that time`}>
        <p>They need the same service and instance as its spans.</p>
      </Empty>
    );
  }
  return (
    <div className={styles.metrics}>
      {charts.map(({ title, query, unit }, index) => {
        const result = results[index];
        if (result?.error) return <ErrorBox key={query} error={result.error} query={query} />;
        const series = (result?.data?.value.series ?? []).slice(0, LINES_MAX);
        if (result?.data && series.length === 0) return null;
        const times = [...new Set(series.flatMap((each) => each.times))].sort((a, b) => a - b);
        const lines = series.map((each, line) => {
          const known = new Map(each.times.map((time, i) => [time, each.values[i] ?? null]));
          const { __name__: _, service: __, instance: ___, job: ____, ...rest } = each.labels;
          return {
            id: JSON.stringify(each.labels),
            label: Object.values(rest).join(" ") || title,
            colour: seriesColour(line),
            values: times.map((time) => known.get(time) ?? null),
          };
        });
        return (
          <TimePanel
            key={query}
            title={title}
            times={times.map((seconds) => seconds * 1000)}
            lines={lines}
            unit={unit}
            range={range}
            height={110}
            markers={[{ unixMilli: at, label: "this span" }]}
            links={
              <Link to="/metrics" search={{ ...absoluteRange(range), q: query }}>
                Metrics
              </Link>
            }
          />
        );
      })}
    </div>
  );
}
