// What can be done with a point of a chart: the traces, logs and exemplars behind it, what tells that moment apart, a
// rule on it, and its texts. Where it leads to is a link.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { fetchExemplars } from "../api/promql.ts";
import { aroundSearch } from "../lib/around.ts";
import { term } from "../lib/filter.ts";
import { PlainLink } from "../lib/PlainLink.tsx";
import { asFields, seriesText } from "../lib/series-fields.ts";
import { formatDuration } from "../lib/time/format.ts";
import type { Range } from "../lib/time/range.ts";
import { useTimeSearch } from "../lib/view.ts";
import { CopyButton } from "./CopyButton.tsx";
import styles from "./PointMenu.module.css";

export interface PointMenuProps {
  unixMilli: number;
  value: number;
  labels: Readonly<Record<string, string>>;
  /** After variables. */
  expr: string;
  stepSeconds: number;
  onOnly: () => void;
  onHide: () => void;
  /** Where the chart is not on the page of metrics itself. */
  inMetrics?: boolean;
}

const EXEMPLARS_SHOWN = 3;

export function PointMenu(props: PointMenuProps) {
  const { unixMilli, value, labels, expr, stepSeconds, onOnly, onHide, inMetrics = false } = props;
  const time = useTimeSearch();
  const range = { fromMilli: unixMilli - stepSeconds * 1000, toMilli: unixMilli + stepSeconds * 1000 };
  const around = { from: String(Math.floor(range.fromMilli)), to: String(Math.ceil(range.toMilli)) };
  const fields = asFields(labels);
  const traces = fields.map(([key, text]) => term(key, text)).join(" ");
  const service = fields.find(([key]) => key === "service")?.[1];
  return (
    <>
      <Link to="/traces" search={{ ...around, q: traces || undefined }}>
        View traces
      </Link>
      <Link to="/logs" search={{ ...around, q: service ? term("service", service) : undefined }}>
        View logs
      </Link>
      <Exemplars expr={expr} labels={labels} range={range} />
      <Link to="/explain" search={{ ...time, q: traces || undefined, sfrom: around.from, sto: around.to }}>
        Explain this moment
      </Link>
      <PlainLink path="alerts/rules/new" search={{ expr, above: String(value) }}>
        Create alert here
      </PlainLink>
      {inMetrics && (
        <Link to="/metrics" search={{ ...time, q: expr }}>
          Open in Metrics
        </Link>
      )}
      <button type="button" onClick={onOnly}>
        Only this series
      </button>
      <button type="button" onClick={onHide}>
        Without this series
      </button>
      <div className={styles.copies}>
        <CopyButton text={String(value)} label="Value" withText />
        <CopyButton text={seriesText(labels)} label="Labels" withText />
        <CopyButton text={expr} label="PromQL" withText />
      </div>
    </>
  );
}

/** Traces that are remembered in the metric, the slowest first; asked for when the point of a histogram is pinned. */
function Exemplars({ expr, labels: wanted, range }: Pick<PointMenuProps, "expr" | "labels"> & { range: Range }) {
  const found = useQuery({
    queryKey: ["exemplars", expr, range],
    enabled: /_bucket\b|histogram_quantile/.test(expr),
    retry: false,
    queryFn: ({ signal }) => fetchExemplars(expr, range, signal),
  });
  const slowest = (found.data ?? [])
    // Of the series that the point is made of: where both have a label, it is the same.
    .filter(({ seriesLabels: of }) => Object.entries(wanted).every(([key, text]) => (of[key] ?? text) === text))
    .flatMap(({ exemplars }) => exemplars)
    .flatMap(({ labels, value, timestamp }) => {
      const trace = labels.trace_id ?? labels.traceID;
      return trace ? [{ trace, span: labels.span_id, value, milli: timestamp * 1000 }] : [];
    })
    .sort((a, b) => b.value - a.value)
    .slice(0, EXEMPLARS_SHOWN);
  return slowest.map(({ trace, span, value, milli }) => (
    <PlainLink key={trace} path={`traces/${trace}`} search={{ span, ...aroundSearch(milli) }}>
      Exemplar {trace.slice(0, 8)}
      {/seconds/.test(expr) && <span className={styles.detail}>{formatDuration(value * 1e9)}</span>}
      {/milliseconds/.test(expr) && <span className={styles.detail}>{formatDuration(value * 1e6)}</span>}
    </PlainLink>
  ));
}
