// The share of bad events against what is promised, and for each alert how fast its two windows burn against its factor.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useMemo } from "react";
import { queryRange } from "../../api/prometheus.ts";
import type { Slo, SloGroup, Tier } from "../../api/slos.ts";
import { type Line, LineChart } from "../../charts/LineChart.tsx";
import type { Threshold } from "../../charts/plot.ts";
import { QueryState } from "../../components/QueryState.tsx";
import { Empty } from "../../components/States.tsx";
import { badQuery, formatObjective, windowName } from "../../lib/budget.ts";
import { seriesColour } from "../../lib/colour.ts";
import { useTime, useTimeSearch } from "../../lib/view.ts";
import styles from "./Slos.module.css";

const POINTS = 240;
const NONE: ReadonlySet<string> = new Set();

/** The share of bad events against what is promised. */
export function BadChart({ slo, labels }: { slo: Slo; labels: Readonly<Record<string, string>> }) {
  const budget = Number((1 - slo.objective).toPrecision(12));
  return (
    <Chart
      title="Bad events, over five minutes"
      queries={[{ name: "bad", expr: badQuery(slo.id, slo.indicator, labels) }]}
      thresholds={[{ value: budget, label: "promised at most", colour: "--error" }]}
      format={(value) => formatObjective(Math.round(value * 1e6) / 1e6)}
    />
  );
}

export function BurnCharts({ slo, group }: { slo: Slo; group: SloGroup }) {
  const labels = Object.entries(group.labels).map(([name, value]) => `,${name}=${JSON.stringify(value)}`);
  const budget = Number((1 - slo.objective).toPrecision(12));
  const error = (secs: number) =>
    `slo:sli_error:ratio_rate${windowName(secs)}{sloth_slo=${JSON.stringify(slo.id)}${labels.join("")}}`;
  const times = (value: number) => `${Number(value.toPrecision(3))}\u00d7`;
  return (
    <div className={styles.charts}>
      <BadChart slo={slo} labels={group.labels} />
      {slo.tiers.map((tier) => (
        <Chart
          key={`${tier.urgency} ${tier.long_secs}`}
          title={titleOf(tier)}
          queries={[
            { name: windowName(tier.long_secs), expr: `${error(tier.long_secs)} / ${budget}` },
            { name: windowName(tier.short_secs), expr: `${error(tier.short_secs)} / ${budget}` },
          ]}
          thresholds={[
            { value: tier.factor, label: tier.urgency, colour: tier.urgency === "page" ? "--error" : "--warn" },
          ]}
          format={times}
        />
      ))}
    </div>
  );
}

function titleOf(tier: Tier): string {
  const what = tier.urgency === "page" ? "Page" : "Ticket";
  return `${what}: burns ${tier.factor}\u00d7 over ${windowName(tier.long_secs)} and ${windowName(tier.short_secs)}`;
}

interface ChartProps {
  title: string;
  queries: readonly { name: string; expr: string }[];
  thresholds: readonly Threshold[];
  format: (value: number) => string;
}

function Chart({ title, queries, thresholds, format }: ChartProps) {
  const { range, zone, setRange } = useTime();
  const timeSearch = useTimeSearch();
  const step = Math.max(15, Math.ceil((range.toMilli - range.fromMilli) / 1000 / POINTS / 15) * 15);
  const queryKey = ["slo-chart", queries, range, step];
  const result = useQuery({
    queryKey,
    queryFn: async ({ signal }) =>
      Promise.all(
        queries.map(async ({ expr }) => (await queryRange(expr, range, step, signal)).value.series[0] ?? null),
      ),
    placeholderData: keepPreviousData,
  });
  const { times, lines } = useMemo(() => {
    const found = result.data ?? [];
    const all = [...new Set(found.flatMap((series) => series?.times ?? []))].sort((a, b) => a - b);
    return {
      times: all,
      lines: queries.map(({ name }, index): Line => {
        const at = new Map((found[index]?.times ?? []).map((time, i) => [time, found[index]?.values[i] ?? null]));
        const colour = seriesColour(index);
        return { id: name, label: name, colour, values: all.map((time) => finite(at.get(time))) };
      }),
    };
  }, [result.data, queries]);
  return (
    <section className={styles.section} aria-label={title}>
      <header>
        <h3 className="ellipsis" title={title}>
          {title}
        </h3>
        <span className="grow" />
        {lines.length > 1 && (
          <ul className={styles.legend}>
            {lines.map((line) => (
              <li key={line.id}>
                <i style={{ background: line.colour }} /> {line.label}
              </li>
            ))}
          </ul>
        )}
        <Link to="/metrics" search={{ ...timeSearch, q: queries[0]?.expr }} className="button quiet small">
          Metrics
        </Link>
      </header>
      <QueryState
        result={result}
        queryKey={queryKey}
        shape="chart"
        query={queries[0]?.expr ?? ""}
        isEmpty={(data) => data.every((series) => series === null)}
        empty={
          <Empty reason="out-of-range" title="Nothing was recorded in this range">
            <p>These lines are recorded from when the objective was made.</p>
          </Empty>
        }
      >
        {() => (
          <div className={styles.chart}>
            <LineChart
              label={title}
              times={times}
              lines={lines}
              range={range}
              zone={zone}
              format={format}
              hidden={NONE}
              onSelect={setRange}
              thresholds={thresholds}
              stepSeconds={step}
            />
          </div>
        )}
      </QueryState>
    </section>
  );
}

function finite(value: number | null | undefined): number | null {
  return value !== null && value !== undefined && Number.isFinite(value) ? value : null;
}
