// The answers as lines with a legend table. A pinned point leads to the traces and logs of its labels and time.
import { useQuery } from "@tanstack/react-query";
import { useCallback, useMemo, useState } from "react";
import { fetchExemplars } from "../../api/promql.ts";
import { type Exemplar, LineChart } from "../../charts/LineChart.tsx";
import type { Mode } from "../../charts/series.ts";
import { isolate, LegendTable, toggled } from "../../components/LegendTable.tsx";
import { PointMenu } from "../../components/PointMenu.tsx";
import { LimitBadge } from "../../components/States.tsx";
import { aroundSearch } from "../../lib/around.ts";
import { formatCount } from "../../lib/number.ts";
import type { Range } from "../../lib/time/range.ts";
import type { Zone } from "../../lib/time/zone.ts";
import { formatValue, guessUnit } from "../../lib/units.ts";
import { seriesName } from "./labels.ts";
import { type Answer, type ChartLine, cutOf, LINES_LIMIT, toChart } from "./lines.ts";
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
  /** Series that are drawn of each query. */
  max: number;
  onMax: (max: number) => void;
  zone: Zone;
  onSelect: (range: Range) => void;
}

const MODES: readonly Mode[] = ["line", "area", "stack", "bars", "points"];

export function RangeGraph(props: RangeGraphProps) {
  const { answers, texts, range, stepSeconds, shiftSeconds, logY, max, onMax, zone, onSelect } = props;
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const text = texts.find((each) => each.name === answers[0]?.name)?.text ?? "";
  const unit = guessUnit(text);
  const format = useCallback((value: number) => formatValue(value, unit), [unit]);
  const chart = useMemo(() => toChart(answers, shiftSeconds, max), [answers, shiftSeconds, max]);
  const cut = useMemo(() => cutOf(answers), [answers]);
  const exemplars = useExemplars(text, range, unit === "seconds");
  const mode = MODES.find((each) => each === props.mode) ?? "line";
  const note = (
    <>
      {chart.total > chart.lines.length && (
        <LimitBadge>
          the {chart.lines.length} largest of {chart.total} series
        </LimitBadge>
      )}
      {chart.total > chart.lines.length && max < LINES_LIMIT && (
        <button type="button" className="button small" onClick={() => onMax(LINES_LIMIT)}>
          Draw up to {LINES_LIMIT}
        </button>
      )}
      {cut && (
        <LimitBadge title="Of each column of pixels the first, smallest, largest and last value are drawn; mean and sum are those of all values. Zoom in for every value.">
          M4: {formatCount(cut.from)} → {formatCount(cut.to)} values
        </LimitBadge>
      )}
      {Object.keys(chart.common).length > 0 && (
        <span className="faint">
          all: <code>{seriesName(chart.common)}</code>
        </span>
      )}
    </>
  );
  const hasNote = cut !== null || chart.total > chart.lines.length || Object.keys(chart.common).length > 0;
  return (
    <div className={styles.box}>
      <div className={styles.chart} data-chart>
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
            <PointMenu
              unixMilli={point.unixMilli}
              value={point.value}
              labels={(point.line as ChartLine).labels}
              expr={texts.find((each) => each.name === (point.line as ChartLine).query)?.text ?? ""}
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
        return [
          {
            time: exemplar.timestamp,
            value: exemplar.value,
            path: `traces/${trace}`,
            search: { span: exemplar.labels.span_id, ...aroundSearch(exemplar.timestamp * 1000) },
            label: `Trace ${trace.slice(0, 8)}, ${formatValue(exemplar.value, "seconds")}`,
          },
        ];
      }),
    );
  }, [wanted, found.data]);
}
