// What was left of the budget over its window, and what will be left at the last hour's rate. A step down is an incident;
// a point of it leads to what was bad then.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useMemo } from "react";
import { fetchHistory, type Slo, type SloGroup } from "../../api/slos.ts";
import { type ChartPoint, type Line, LineChart } from "../../charts/LineChart.tsx";
import { QueryState } from "../../components/QueryState.tsx";
import { Empty } from "../../components/States.tsx";
import { projected } from "../../lib/budget.ts";
import { formatPercent } from "../../lib/number.ts";
import { absoluteRange } from "../../lib/time/range.ts";
import { useTime } from "../../lib/view.ts";
import { badFilter } from "./bad.ts";
import styles from "./Slos.module.css";
import { knownRange } from "./SlosPage.tsx";

/** How far the projection goes, as a share of what is shown. */
const AHEAD = 0.25;
const AHEAD_POINTS = 40;
const NONE: ReadonlySet<string> = new Set();

const percent = (value: number) => (value < 0 ? `\u2212${formatPercent(-value)}` : formatPercent(value));

export function BurnDown({ slo, group }: { slo: Slo; group: SloGroup }) {
  const { zone, setRange } = useTime();
  const known = knownRange(group);
  const queryKey = ["slo-history", slo.id, group.labels, known];
  const result = useQuery({
    queryKey,
    queryFn: ({ signal }) => fetchHistory(slo.id, group.labels, known, signal),
    placeholderData: keepPreviousData,
  });
  const chart = useMemo(() => {
    const points = result.data?.points ?? [];
    const end = points.at(-1)?.[0] ?? known.toMilli;
    const ahead = (end - known.fromMilli) * AHEAD;
    const future = Array.from({ length: AHEAD_POINTS }, (_, at) => end + ((at + 1) / AHEAD_POINTS) * ahead);
    const now = points.at(-1)?.[1] ?? group.budget.remaining;
    const shift = now - group.budget.remaining;
    const lines: Line[] = [
      {
        id: "left",
        label: "budget left",
        colour: "var(--series-0)",
        values: [...points.map(([, left]) => left), ...future.map(() => null)],
      },
      {
        id: "ahead",
        label: "at the last hour's rate",
        colour: "var(--warn)",
        values: [
          ...points.map((_, at) => (at === points.length - 1 ? now : null)),
          ...future.map((time) => projected(group, (time - end) / 1000) + shift),
        ],
      },
    ];
    return {
      times: [...points.map(([time]) => time), ...future].map((time) => time / 1000),
      lines,
      range: { fromMilli: known.fromMilli, toMilli: end + ahead },
      stepMilli: (result.data?.step_secs ?? 60) * 1000,
    };
  }, [result.data, group, known.fromMilli, known.toMilli]);
  return (
    <section className={styles.section} aria-label="Budget over the window">
      <header>
        <h3>Budget left, and at the last hour's rate</h3>
        <span className="grow" />
        <ul className={styles.legend}>
          {chart.lines.map((line) => (
            <li key={line.id}>
              <i style={{ background: line.colour }} /> {line.label}
            </li>
          ))}
        </ul>
      </header>
      <QueryState
        result={result}
        queryKey={queryKey}
        shape="chart"
        isEmpty={(data) => data.points.every(([, left]) => left === null)}
        empty={
          <Empty reason="waiting" title="Nothing was counted in this window yet">
            <p>Points come by the minute once there are events.</p>
          </Empty>
        }
      >
        {() => (
          <div className={styles.chart}>
            <LineChart
              label="Budget left"
              times={chart.times}
              lines={chart.lines}
              range={chart.range}
              zone={zone}
              format={percent}
              hidden={NONE}
              onSelect={setRange}
              thresholds={[{ value: 0, label: "gone", colour: "--error" }]}
              actions={(point) => <StepActions slo={slo} point={point} stepMilli={chart.stepMilli} />}
            />
          </div>
        )}
      </QueryState>
    </section>
  );
}

function StepActions({ slo, point, stepMilli }: { slo: Slo; point: ChartPoint; stepMilli: number }) {
  const bad = badFilter(slo);
  if (!bad || point.line.id !== "left") return null;
  const around = absoluteRange({ fromMilli: point.unixMilli - stepMilli, toMilli: point.unixMilli + stepMilli });
  return (
    <div className={styles.actions}>
      <Link
        to="/explain"
        search={{
          ...around,
          source: bad.signal === "logs" ? "logs" : undefined,
          q: bad.total || undefined,
          select: bad.bad,
        }}
        className="button small"
      >
        Explain
      </Link>
      <Link
        to={`/${bad.signal}`}
        search={{ ...around, q: [bad.total, bad.bad].filter(Boolean).join(" ") }}
        className="button small"
      >
        {bad.signal === "logs" ? "Bad records" : "Bad spans"}
      </Link>
    </div>
  );
}
