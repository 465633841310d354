// The inside of a panel: chart, number, bars, table or text, or the state that stands in its place.
import { useCallback, useMemo, useRef, useState } from "react";
import { place } from "../../charts/grid.ts";
import { type Line, LineChart } from "../../charts/LineChart.tsx";
import { PointMenu } from "../../components/PointMenu.tsx";
import { Sparkline } from "../../components/Sparkline.tsx";
import { ErrorBox, Skeleton } from "../../components/States.tsx";
import { seriesColour, serviceColour } from "../../lib/colour.ts";
import type { Range } from "../../lib/time/range.ts";
import { useTime } from "../../lib/view.ts";
import { axesOf, mainUnit } from "./axes.ts";
import { EmptyPanel } from "./EmptyPanel.tsx";
import { HeatPanel } from "./HeatPanel.tsx";
import { Markdown } from "./Markdown.tsx";
import type { Panel } from "./model.ts";
import { applyOverrides } from "./overrides.ts";
import styles from "./Panel.module.css";
import { align, colourOf, living, type PanelSeries, panelSeries, reduce, reduceSeries } from "./series.ts";
import { TablePanel } from "./TablePanel.tsx";
import { transformSeries } from "./transform-series.ts";
import { formatterFor } from "./units.ts";
import type { PanelData } from "./usePanelData.ts";

export interface PanelBodyProps {
  panel: Panel;
  data: PanelData;
  /** The answers of an earlier period that the lines are compared to; null when they are not. */
  before?: PanelData["answers"] | null;
  /** How much earlier that period is. */
  shiftMilli?: number;
  range: Range;
  stepSeconds: number;
  /** Puts another query in the place of the one that finds nothing, where the dashboard can be changed. */
  onFix?: ((before: string, after: string) => void) | undefined;
}

type Format = (value: number) => string;

export function PanelBody(props: PanelBodyProps) {
  const { panel, data, before = null, shiftMilli = 0, range, stepSeconds, onFix } = props;
  const targets = panel.targets.filter((target) => !target.hidden);
  const answers = useSameList(data.answers);
  const beforeAnswers = useSameList(before ?? NO_ANSWERS);
  const series = useMemo(() => seriesOf(panel, answers), [panel, answers]);
  const earlier = useMemo(() => seriesOf(panel, beforeAnswers), [panel, beforeAnswers]);
  const expr = data.exprs[0] ?? "";
  const format = useMemo(() => formatterFor(panel.unit, panel.decimals, expr), [panel.unit, panel.decimals, expr]);
  if (panel.kind === "text") return <Markdown text={panel.text} />;
  if (panel.kind === "unsupported") {
    return <p className={styles.note}>Panels of type {panel.type} are not shown; the document keeps them.</p>;
  }
  if (targets.length === 0) return <p className={styles.note}>This panel has no PromQL query.</p>;
  if (data.error && series.length === 0) {
    return (
      <div className={styles.scroll}>
        <ErrorBox error={data.error} query={data.errorExpr} onRetry={data.retry} />
      </div>
    );
  }
  if (data.pending || data.answers.every((answer) => answer === null)) {
    return <Skeleton shape={panel.kind === "stat" ? "stat" : "chart"} />;
  }
  if (series.length === 0) return <EmptyPanel exprs={data.exprs} range={range} onFix={onFix} />;
  switch (panel.kind) {
    case "stat":
    case "gauge":
      return <Stats panel={panel} series={panel.reduce === "last" ? living(series) : series} format={format} />;
    case "bargauge":
      return <Bars panel={panel} series={series} format={format} />;
    case "table":
      return <TablePanel panel={panel} series={series} format={format} />;
    case "heatmap":
      return (
        <HeatPanel panel={panel} series={series} range={range} stepSeconds={stepSeconds}>
          <Lines
            panel={panel}
            series={series}
            format={format}
            range={range}
            stepSeconds={stepSeconds}
            exprs={data.exprs}
          />
        </HeatPanel>
      );
    default:
      return (
        <Lines
          panel={panel}
          series={series}
          format={format}
          range={range}
          stepSeconds={stepSeconds}
          exprs={data.exprs}
          earlier={earlier}
          shiftMilli={shiftMilli}
        />
      );
  }
}

const NO_ANSWERS: PanelData["answers"] = [];

/** The same list as long as its members are: answers are new objects only when data is new. */
function useSameList<T>(list: T[]): T[] {
  const kept = useRef(list);
  const same = kept.current.length === list.length && kept.current.every((each, at) => each === list[at]);
  if (!same) kept.current = list;
  return kept.current;
}

/** The series that are shown; a table makes its rows and columns from them itself. */
export function seriesOf(panel: Panel, answers: PanelData["answers"]): PanelSeries[] {
  const targets = panel.targets.filter((target) => !target.hidden);
  const all = panelSeries(targets, answers);
  if (panel.kind === "table") return all;
  return applyOverrides(transformSeries(all, panel.transformations), panel.overrides);
}

/** How the values of one series are written. */
function writerOf({ look, expr }: PanelSeries, panel: Panel, otherwise: Format): Format {
  if (look?.unit === undefined && look?.decimals === undefined) return otherwise;
  return formatterFor(look.unit ?? panel.unit, look.decimals ?? panel.decimals, expr);
}

interface ShapeProps {
  panel: Panel;
  series: readonly PanelSeries[];
  format: Format;
}

export function lineColour(series: PanelSeries, index: number): string {
  if (series.look?.colour) return series.look.colour;
  // One line per service has the colour that the service has on every page.
  const { service } = series.labels;
  return service !== undefined && series.name === service ? serviceColour(service) : seriesColour(index);
}

interface LinesProps extends ShapeProps {
  range: Range;
  stepSeconds: number;
  /** Of the visible queries, after variables. */
  exprs: readonly string[];
  earlier?: readonly PanelSeries[];
  shiftMilli?: number;
}

const NO_SERIES: readonly PanelSeries[] = [];

function Lines(props: LinesProps) {
  const { panel, series, format, range, stepSeconds, exprs, earlier = NO_SERIES, shiftMilli = 0 } = props;
  const { zone, setRange } = useTime();
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const { times, lines, main } = useMemo(() => {
    const { times: at, values } = align(series);
    const axes = axesOf(panel, series);
    return {
      times: at.map((milli) => milli / 1000),
      lines: series.map(
        (each, index): Line => ({
          id: each.id,
          label: each.name,
          colour: lineColour(each, index),
          values: values[index] ?? [],
          all: each.all ?? null,
          axis: axes[index] ?? null,
        }),
      ),
      main: mainUnit(panel, series, axes),
    };
  }, [panel, series]);
  const write = useMemo(
    () => (main === panel.unit ? format : formatterFor(main, panel.decimals, exprs[0] ?? "")),
    [main, panel.unit, panel.decimals, exprs, format],
  );
  const previous = useMemo(
    () =>
      earlier.flatMap((each): Line[] => {
        const now = lines.find((line) => line.id === each.id);
        if (!now) return [];
        const at = each.times.map((milli) => milli / 1000);
        return [{ ...now, values: place(at, each.values, times, shiftMilli / 1000), all: null }];
      }),
    [earlier, lines, times, shiftMilli],
  );
  const thresholds = useMemo(
    () =>
      panel.thresholds.flatMap(({ value, colour }) =>
        value === null
          ? []
          : [{ value, label: write(value), colour: colour.startsWith("#") ? "--warn" : `--${colour}` }],
      ),
    [panel.thresholds, write],
  );
  const isolate = useCallback(
    (id: string, toggle: boolean) => {
      const others = lines.filter((line) => line.id !== id).map((line) => line.id);
      setHidden((old) => {
        if (!toggle) return !old.has(id) && old.size === others.length ? new Set() : new Set(others);
        const next = new Set(old);
        if (!next.delete(id)) next.add(id);
        return next;
      });
    },
    [lines],
  );
  return (
    <>
      <div className={styles.chart} data-chart>
        <LineChart
          label={panel.title}
          times={times}
          lines={lines}
          previous={previous}
          range={range}
          zone={zone}
          format={write}
          hidden={hidden}
          onSelect={setRange}
          mode={panel.stacked ? "stack" : "line"}
          stepSeconds={stepSeconds}
          thresholds={thresholds}
          actions={(point) => {
            const found = series.find((each) => each.id === point.line.id);
            const targets = panel.targets.filter((target) => !target.hidden);
            return (
              found && (
                <PointMenu
                  unixMilli={point.unixMilli}
                  value={point.value}
                  labels={found.labels}
                  expr={exprs[targets.findIndex(({ refId }) => refId === found.refId)] ?? found.expr}
                  stepSeconds={stepSeconds}
                  inMetrics
                  onOnly={() => isolate(found.id, false)}
                  onHide={() => isolate(found.id, true)}
                />
              )
            );
          }}
        />
      </div>
      <ul className={styles.legend} aria-label="Series">
        {series.map((each, index) => {
          const last = reduce(each.values, "last");
          return (
            <li key={each.id}>
              <button
                type="button"
                className={styles.key}
                aria-pressed={!hidden.has(each.id)}
                title={`${each.name}\nClick: only this series. Ctrl+click: show or hide.`}
                onClick={(event) => isolate(each.id, event.ctrlKey || event.metaKey)}
              >
                <i style={{ background: lineColour(each, index) }} />
                <span className="ellipsis">{each.name}</span>
                <span className="faint">{last === null ? "\u2013" : writerOf(each, panel, format)(last)}</span>
              </button>
            </li>
          );
        })}
      </ul>
    </>
  );
}

function Stats({ panel, series, format }: ShapeProps) {
  return (
    <div className={styles.stats} data-many={series.length > 1}>
      {series.map((each) => {
        const value = reduceSeries(each, panel.reduce);
        const colour = each.look?.colour ?? colourOf(value, each.look?.thresholds ?? panel.thresholds);
        return (
          <div key={each.id} className={styles.stat}>
            {series.length > 1 && <span className={`ellipsis ${styles.statName}`}>{each.name}</span>}
            <strong style={colour ? { color: colour } : undefined}>
              {value === null ? "\u2013" : writerOf(each, panel, format)(value)}
            </strong>
            {panel.kind === "gauge" ? (
              <Gauge value={value} panel={panel} colour={colour} />
            ) : (
              <Sparkline
                values={each.values}
                label={`${each.name} over time`}
                colour={colour ?? "var(--series-0)"}
                wide
                height={26}
              />
            )}
          </div>
        );
      })}
    </div>
  );
}

/** The place of a value between the ends of the scale, from 0 to 1. */
function share(value: number | null, panel: Panel, largest = 1): number {
  const min = panel.min ?? 0;
  const max = panel.max ?? (panel.unit === "percent" ? 100 : panel.unit === "percentunit" ? 1 : largest);
  return value === null || max <= min ? 0 : Math.min(1, Math.max(0, (value - min) / (max - min)));
}

function Gauge({ value, panel, colour }: { value: number | null; panel: Panel; colour: string | null }) {
  return (
    <span className={styles.gauge}>
      <i style={{ width: `${share(value, panel, value ?? 1) * 100}%`, background: colour ?? "var(--series-0)" }} />
    </span>
  );
}

function Bars({ panel, series, format }: ShapeProps) {
  const values = series.map((each) => reduceSeries(each, panel.reduce));
  const largest = Math.max(1e-12, ...values.map((value) => value ?? 0));
  return (
    <ul className={styles.bars}>
      {series.map((each, index) => {
        const value = values[index] ?? null;
        return (
          <li key={each.id}>
            <span className="ellipsis" title={each.name}>
              {each.name}
            </span>
            <span className={styles.gauge}>
              <i
                style={{
                  width: `${share(value, panel, largest) * 100}%`,
                  background:
                    each.look?.colour ??
                    colourOf(value, each.look?.thresholds ?? panel.thresholds) ??
                    lineColour(each, index),
                }}
              />
            </span>
            <span className="number">{value === null ? "\u2013" : writerOf(each, panel, format)(value)}</span>
          </li>
        );
      })}
    </ul>
  );
}
