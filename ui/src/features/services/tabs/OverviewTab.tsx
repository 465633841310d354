// The overview of a service: rate, errors and latency over time, and which operations made the change.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { fetchOperations } from "../../../api/services.ts";
import type { Marker } from "../../../charts/plot.ts";
import { Empty, ErrorBox, Skeleton } from "../../../components/States.tsx";
import { TimePanel } from "../../../components/TimePanel.tsx";
import { ALL_ROWS, fillZero, type Grid } from "../../../lib/buckets.ts";
import { term } from "../../../lib/filter.ts";
import { formatHourMinute } from "../../../lib/time/format.ts";
import type { Range } from "../../../lib/time/range.ts";
import { useTime } from "../../../lib/view.ts";
import { callsOf, deployments, gridOf, previousRange, useAnalysis } from "../queries.ts";
import styles from "../Service.module.css";
import { Changes } from "./Changes.tsx";

const QUANTILES = ["p50", "p95", "p99"] as const;
const QUANTILE_COLOURS = { p50: "var(--series-0)", p95: "var(--series-1)", p99: "var(--series-3)" };

export interface TabProps {
  service: string;
  range: Range;
}

export function OverviewTab({ service, range }: TabProps) {
  const { zone } = useTime();
  const calls = useAnalysis(
    "traces",
    `${callsOf(service)} | timeseries count(), p50(duration), p95(duration), p99(duration) ${ALL_ROWS}`,
    range,
  );
  const errors = useAnalysis("traces", `${callsOf(service)} status:error | timeseries count() ${ALL_ROWS}`, range);
  const versions = useAnalysis(
    "traces",
    `${term("service", service)} | timeseries count() by service.version ${ALL_ROWS}`,
    range,
  );
  const now = useOperations(service, range);
  const before = useOperations(service, previousRange(range));
  if (calls.error) return <ErrorBox error={calls.error} onRetry={() => void calls.refetch()} />;
  const counts = gridOf(calls.data?.value, range, "count", null);
  if (!counts) return <Skeleton shape="tiles" />;
  if (counts.values.size === 0) return <Empty reason="out-of-range" title={`No calls of ${service} in this range`} />;
  const seconds = counts.stepMilli / 1000;
  const total = fillZero(counts).values.get("") ?? [];
  const failed = sameTimes(gridOf(errors.data?.value, range, "count", null), counts);
  const markers: Marker[] = deployments(gridOf(versions.data?.value, range, "count", "service.version")).map(
    (deployment) => ({
      unixMilli: deployment.unixMilli,
      label: `version ${deployment.version} since ${formatHourMinute(deployment.unixMilli, zone)}`,
    }),
  );
  return (
    <>
      <div className={styles.grid}>
        <TimePanel
          title="Calls per second"
          times={counts.times}
          lines={[
            line(
              "calls",
              "var(--series-0)",
              total.map((count) => (count === null ? null : count / seconds)),
            ),
          ]}
          unit="per-second"
          range={range}
          markers={markers}
        />
        <TimePanel
          title="Share of errors"
          times={counts.times}
          lines={[
            line(
              "errors",
              "var(--error)",
              total.map((count, index) => (count ? (failed[index] ?? 0) / count : null)),
            ),
          ]}
          unit="ratio"
          range={range}
        />
        <TimePanel
          title="Latency"
          times={counts.times}
          lines={QUANTILES.map((name) =>
            line(
              name,
              QUANTILE_COLOURS[name],
              (gridOf(calls.data?.value, range, `${name}(duration)`, null)?.values.get("") ?? []).map((nanos) =>
                nanos === null ? null : nanos / 1e9,
              ),
            ),
          )}
          unit="seconds"
          range={range}
        />
      </div>
      {now.data && (
        <Changes service={service} now={now.data.value.operations} before={before.data?.value.operations ?? null} />
      )}
    </>
  );
}

function line(name: string, colour: string, values: (number | null)[]) {
  return { id: name, label: name, colour, values };
}

/** The values of a grid at the times of another one; both have the same step. */
function sameTimes(grid: Grid | null, at: Grid): (number | null)[] {
  const values = grid?.values.get("") ?? [];
  const byTime = new Map(grid?.times.map((time, index) => [time, values[index] ?? null]));
  return at.times.map((time) => byTime.get(time) ?? null);
}

function useOperations(service: string, range: Range) {
  return useQuery({
    queryKey: ["operations", service, range],
    queryFn: ({ signal }) => fetchOperations(service, range, signal),
    placeholderData: keepPreviousData,
  });
}
