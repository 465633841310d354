// The answers as lines with a legend table. A pinned point leads to the traces and logs of its labels and time.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useCallback, useMemo, useState } from "react";
import { fetchExemplars } from "../../api/promql.ts";
import { type ChartPoint, type Exemplar, LineChart } from "../../charts/LineChart.tsx";
import type { Mode } from "../../charts/series.ts";
import { CopyButton } from "../../components/CopyButton.tsx";
import { isolate, LegendTable, toggled } from "../../components/LegendTable.tsx";
import { LimitBadge } from "../../components/States.tsx";
import { term } from "../../lib/filter.ts";
import type { Range } from "../../lib/time/range.ts";
import type { Zone } from "../../lib/time/zone.ts";
import { formatValue, guessUnit } from "../../lib/units.ts";
import { useTimeSearch } from "../../lib/view.ts";
import { seriesName } from "./labels.ts";
import { type Answer, asFields, type ChartLine, LINES_MAX, toChart } from "./lines.ts";
import styles from "./RangeGraph.module.css";

export interface RangeGraphProps {
  answers: readonly Answer[];
  /** The PromQL of each query. */
  texts: readonly { name: string; text: string }[];
  range: Range;
  stepSeconds: number;
  /** How far before the compared period lies; 0 when none is. */
  shiftSeconds: number;
  mode: string | undefined;
  logY: boolean;
  zone: Zone;
  onSelect: (range: Range) => void;
}

const MODES: readonly Mode[] = ["line", "area", "stack", "bars", "points"];

export function RangeGraph(props: RangeGraphProps) {
  const { answers, texts, range, stepSeconds, shiftSeconds, logY, zone, onSelect } = props;
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const [max, setMax] = useState(LINES_MAX);
  const text = texts.find((each) => each.name === answers[0]?.name)?.text ?? "";
  const unit = guessUnit(text);
  const format = useCallback((value: number) => formatValue(value, unit), [unit]);
  const chart = useMemo(
    () => toChart(answers, range, stepSeconds, shiftSeconds, max),
    [answers, range, stepSeconds, shiftSeconds, max],
  );
  const exemplars = useExemplars(text, range, unit === "seconds");
  const mode = MODES.find((each) => each === props.mode) ?? "line";
  const note = (
    <>
      {chart.total > chart.lines.length && (
        <LimitBadge>
          the {chart.lines.length} largest of {chart.total} series
        </LimitBadge>
      )}
      {chart.total > chart.lines.length && max < 500 && (
        <button type="button" className="button small" onClick={() => setMax(500)}>
          Draw up to 500
        </button>
      )}
      {Object.keys(chart.common).length > 0 && (
        <span className="faint">
          all: <code>{seriesName(chart.common)}</code>
        </span>
      )}
    </>
  );
  const hasNote = chart.total > chart.lines.length || Object.keys(chart.common).length > 0;
  return (
    <div className={styles.box}>
      <div className={styles.chart}>
        <LineChart
          label={text}
          times={chart.times}
          lines={chart.lines}
          range={range}
          zone={zone}
          format={format}
          hidden={hidden}
          onSelect={onSelect}
          mode={mode}
          logY={logY}
          previous={chart.previous}
          {...(exemplars ? { exemplars } : {})}
          actions={(point) => (
            <Actions
              point={point}
              line={point.line as ChartLine}
              text={texts.find((each) => each.name === (point.line as ChartLine).query)?.text ?? ""}
              stepSeconds={stepSeconds}
              onOnly={() => setHidden(isolate(chart.lines, hidden, point.line.id))}
              onHide={() => setHidden(toggled(hidden, point.line.id))}
            />
          )}
        />
      </div>
      <div className={styles.legend}>
        <LegendTable
          lines={chart.lines}
          hidden={hidden}
          onHidden={setHidden}
          format={format}
          note={hasNote ? note : undefined}
        />
      </div>
    </div>
  );
}

interface ActionsProps {
  point: ChartPoint;
  line: ChartLine;
  text: string;
  stepSeconds: number;
  onOnly: () => void;
  onHide: () => void;
}

/** What can be done with a point; where it leads to is a link. */
function Actions({ point, line, text, stepSeconds, onOnly, onHide }: ActionsProps) {
  const time = useTimeSearch();
  const fields = asFields(line.labels);
  const from = Math.floor(point.unixMilli - stepSeconds * 1000);
  const around = { from: String(from), to: String(Math.ceil(point.unixMilli + stepSeconds * 1000)) };
  const traces = fields.map(([key, value]) => term(key, value)).join(" ");
  const service = fields.find(([key]) => key === "service")?.[1];
  return (
    <>
      <Link to="/traces" search={{ ...around, q: traces || undefined }}>
        View traces
      </Link>
      <Link to="/logs" search={{ ...around, q: service ? term("service", service) : undefined }}>
        View logs
      </Link>
      <Link to="/explain" search={{ ...time, q: traces || undefined, sfrom: around.from, sto: around.to }}>
        Explain this moment
      </Link>
      <button type="button" onClick={onOnly}>
        Only this series
      </button>
      <button type="button" onClick={onHide}>
        Without this series
      </button>
      <div className={styles.copies}>
        <CopyButton text={String(point.value)} label="Value" withText />
        <CopyButton text={seriesName(line.labels)} label="Labels" withText />
        <CopyButton text={text} label="PromQL" withText />
      </div>
    </>
  );
}

/** Exemplars of histograms in seconds: their values stand on the axis of the chart. */
function useExemplars(text: string, range: Range, fits: boolean): readonly Exemplar[] | null {
  const wanted = fits && /_bucket\b|histogram_quantile/.test(text);
  const found = useQuery({
    queryKey: ["exemplars", text, range],
    enabled: wanted,
    retry: false,
    queryFn: ({ signal }) => fetchExemplars(text, range, signal),
  });
  return useMemo(() => {
    if (!wanted || !found.data) return null;
    const seen = new Set<string>();
    return found.data.flatMap(({ exemplars }) =>
      exemplars.flatMap((exemplar): Exemplar[] => {
        const trace = exemplar.labels.trace_id ?? exemplar.labels.traceID;
        if (!trace || seen.has(trace)) return [];
        seen.add(trace);
        const span = exemplar.labels.span_id ? `?span=${exemplar.labels.span_id}` : "";
        return [
          {
            time: exemplar.timestamp,
            value: exemplar.value,
            href: new URL(`traces/${trace}${span}`, document.baseURI).toString(),
            label: `Trace ${trace.slice(0, 8)}, ${formatValue(exemplar.value, "seconds")}`,
          },
        ];
      }),
    );
  }, [wanted, found.data]);
}
