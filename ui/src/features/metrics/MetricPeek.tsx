// One metric: a chart that fits its type, its labels with how many values each has, and the rules that use it.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { LineChart as ChartIcon } from "lucide-react";
import { useMemo } from "react";
import { fetchSeries, queryRange } from "../../api/prometheus.ts";
import { fetchExemplars } from "../../api/promql.ts";
import { LineChart } from "../../charts/LineChart.tsx";
import { PeekPanel } from "../../components/PeekPanel.tsx";
import { queryFor } from "../../components/promql-language.ts";
import { ErrorBox, LimitBadge, Skeleton } from "../../components/States.tsx";
import { formatCount, plural } from "../../lib/number.ts";
import { formatValue, guessUnit } from "../../lib/units.ts";
import { useTime } from "../../lib/view.ts";
import type { MetricRow } from "./catalogue.ts";
import { toChart } from "./lines.ts";
import styles from "./MetricPeek.module.css";
import { labelCounts } from "./matching.ts";
import { autoStep } from "./step.ts";

export interface MetricPeekProps {
  name: string;
  row: MetricRow | null;
  onClose: () => void;
  onQuery: (query: string) => void;
}

const SERIES_MAX = 5000;
const LINES_SHOWN = 12;
const NONE: ReadonlySet<string> = new Set();

export function MetricPeek({ name, row, onClose, onQuery }: MetricPeekProps) {
  const { range, zone, setRange } = useTime();
  const text = queryFor(name, row?.type ?? "");
  const step = autoStep(range);
  const graph = useQuery({
    queryKey: ["query-range", text, range, step],
    queryFn: ({ signal }) => queryRange(text, range, step, signal),
    placeholderData: keepPreviousData,
    retry: false,
  });
  const series = useQuery({
    queryKey: ["series", name, range],
    queryFn: ({ signal }) => fetchSeries(name, SERIES_MAX, range, signal),
    retry: false,
  });
  const exemplars = useQuery({
    queryKey: ["exemplars", name, range],
    queryFn: ({ signal }) => fetchExemplars(name, range, signal),
    retry: false,
  });
  const result = graph.data?.value;
  const chart = useMemo(
    () => (result ? toChart([{ name: "A", legend: "", result, before: null }], 0, LINES_SHOWN) : null),
    [result],
  );
  const labels = useMemo(
    () => labelCounts((series.data ?? []).map((each) => ({ labels: each, times: [], values: [] }))),
    [series.data],
  );
  const most = Math.max(1, ...labels.map((label) => label.values));
  const withExemplars = exemplars.data?.some((each) => each.exemplars.length > 0);
  return (
    <PeekPanel
      label={`Metric ${name}`}
      onClose={onClose}
      title={<code className="ellipsis">{name}</code>}
      actions={
        <button type="button" className="button small" onClick={() => onQuery(text)}>
          <ChartIcon size={13} aria-hidden /> Explore
        </button>
      }
    >
      <dl className={styles.facts}>
        <div>
          <dt>Type</dt>
          <dd>{row?.type || "unknown"}</dd>
        </div>
        <div>
          <dt>Unit</dt>
          <dd>{row?.unit || "none"}</dd>
        </div>
        <div>
          <dt>Series</dt>
          <dd>{row && row.series > 0 ? formatCount(row.series) : formatCount(series.data?.length ?? 0)}</dd>
        </div>
        <div>
          <dt>Exemplars</dt>
          <dd>{exemplars.isPending ? "…" : withExemplars ? "yes" : "none in this range"}</dd>
        </div>
      </dl>
      {row?.help && <p className={styles.help}>{row.help}</p>}
      <div className={styles.query}>
        <code>{text}</code>
        {chart && chart.total > LINES_SHOWN && (
          <LimitBadge>
            the {LINES_SHOWN} largest of {chart.total} series
          </LimitBadge>
        )}
      </div>
      <div className={styles.chart}>
        {graph.error && <ErrorBox error={graph.error} query={text} />}
        {!graph.error && !chart && <Skeleton shape="chart" />}
        {chart && chart.lines.length > 0 && (
          <LineChart
            label={text}
            times={chart.times}
            lines={chart.lines}
            range={range}
            zone={zone}
            format={(value) => formatValue(value, guessUnit(text))}
            hidden={NONE}
            onSelect={setRange}
          />
        )}
        {chart && chart.lines.length === 0 && <p className="faint">no values in this range</p>}
      </div>
      <h3 className={styles.title}>
        {plural(labels.length, "label")}
        {series.data && series.data.length >= SERIES_MAX && ` of the first ${formatCount(SERIES_MAX)} series`}
      </h3>
      <ul className={styles.labels}>
        {labels.map((label) => (
          <li key={label.name}>
            <button
              type="button"
              className={styles.label}
              title={`Count series by ${label.name}`}
              onClick={() => onQuery(`count by (${label.name}) (${name})`)}
            >
              <code className="ellipsis">{label.name}</code>
              <span className={styles.bar}>
                <i style={{ width: `${(label.values / most) * 100}%` }} />
              </span>
              <span className="number">{formatCount(label.values)}</span>
            </button>
          </li>
        ))}
      </ul>
      {row && row.rules.length > 0 && (
        <>
          <h3 className={styles.title}>Used by rules</h3>
          <ul className={styles.rules}>
            {row.rules.map((rule, at) => (
              <li key={`${rule} ${at}`}>{rule}</li>
            ))}
          </ul>
        </>
      )}
    </PeekPanel>
  );
}
