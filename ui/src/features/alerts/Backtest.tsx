// When a rule would have fired: the same evaluation over the past, with a threshold and a duration that can be changed.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";
import { serverNow } from "../../api/client.ts";
import { type Trial, tryRules } from "../../api/rules.ts";
import { LimitBadge, Skeleton } from "../../components/States.tsx";
import { splitComparison, withThreshold } from "../../lib/comparison.ts";
import { plural } from "../../lib/number.ts";
import { formatDuration } from "../../lib/time/format.ts";
import type { Range } from "../../lib/time/range.ts";
import { formatValue, type Unit } from "../../lib/units.ts";
import { useTime } from "../../lib/view.ts";
import styles from "./Alerts.module.css";
import { parseSpan } from "./durations.ts";
import { ExpressionChart, labelOf } from "./ExpressionChart.tsx";
import { Refusal } from "./FindingList.tsx";
import { firingMilli, stretchesOfTrial } from "./lanes.ts";
import { fileOf, type RuleDraft } from "./rule-file.ts";
import { LaneKey, StateLane } from "./StateLane.tsx";

export interface BacktestProps {
  draft: RuleDraft;
  unit: Unit;
  /** Seconds. */
  interval: number;
  /** Takes over what was tried out here. */
  onTake?: (change: { expr: string; for: string }) => void;
}

const SPANS = [
  { title: "1 h", hours: 1 },
  { title: "6 h", hours: 6 },
  { title: "24 h", hours: 24 },
  { title: "7 d", hours: 168 },
  { title: "30 d", hours: 720 },
] as const;
const LANES_MAX = 12;
const DEBOUNCE_MS = 350;
const HOUR_MILLI = 3_600_000;

export function useDebounced<T>(value: T, milli: number): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), milli);
    return () => clearTimeout(timer);
  }, [value, milli]);
  return settled;
}

export function Backtest({ draft, unit, interval, onTake }: BacktestProps) {
  const { zone } = useTime();
  const [hours, setHours] = useState<number>(24);
  const own = useMemo(() => splitComparison(draft.expr), [draft.expr]);
  const [threshold, setThreshold] = useState<string | null>(null);
  const [hold, setHold] = useState<string | null>(null);
  // What was tried belongs to the rule it was tried with.
  // biome-ignore lint/correctness/useExhaustiveDependencies: another rule begins anew
  useEffect(() => {
    setThreshold(null);
    setHold(null);
  }, [draft.expr, draft.for]);
  const tried = threshold === null ? null : Number(threshold);
  const changed = own && tried !== null && Number.isFinite(tried) && threshold?.trim() !== "" ? tried : null;
  const expr = own && changed !== null ? withThreshold(own, changed) : draft.expr;
  const holdText = hold ?? draft.for;
  const holdWrong = holdText !== "" && parseSpan(holdText) === null;
  const comparison = own ? { ...own, threshold: changed ?? own.threshold } : null;
  const file = useDebounced(
    fileOf("backtest", `${Math.max(1, Math.round(interval))}s`, [
      { ...draft, name: draft.name || "rule", expr, for: holdWrong ? "" : holdText },
    ]),
    DEBOUNCE_MS,
  );
  const [asOf] = useState(serverNow);
  const range = useMemo((): Range => ({ fromMilli: asOf - hours * HOUR_MILLI, toMilli: asOf }), [asOf, hours]);
  const trial = useQuery({
    queryKey: ["backtest", file, range],
    queryFn: ({ signal }) =>
      tryRules(file, { from: String(Math.round(range.fromMilli)), to: String(Math.round(range.toMilli)) }, signal),
    enabled: draft.expr.trim() !== "",
    placeholderData: keepPreviousData,
    retry: false,
  });
  const differs = changed !== null || (hold !== null && hold !== draft.for);
  return (
    <section className={styles.section} aria-label="Back-test">
      <header>
        <h2>Back-test</h2>
        <span className="faint">the same evaluation over what is stored; nobody is told</span>
        <span className="grow" />
        <span className={styles.chips}>
          {SPANS.map((span) => (
            <button
              key={span.title}
              type="button"
              className="button small"
              aria-pressed={hours === span.hours}
              onClick={() => setHours(span.hours)}
            >
              {span.title}
            </button>
          ))}
        </span>
      </header>
      <div className={styles.body}>
        <div className={styles.inline}>
          {own && (
            <label className={styles.inline}>
              Threshold {own.operator}
              <input
                className={`input ${styles.short}`}
                type="text"
                inputMode="decimal"
                aria-label="Threshold to try"
                value={threshold ?? String(own.threshold)}
                onChange={(event) => setThreshold(event.target.value)}
              />
              <span className="muted">{comparison && formatValue(comparison.threshold, unit)}</span>
            </label>
          )}
          <label className={styles.inline}>
            for
            <input
              className={`input ${styles.short}`}
              aria-label="Duration to try"
              aria-invalid={holdWrong}
              value={holdText}
              placeholder="0s"
              onChange={(event) => setHold(event.target.value)}
            />
          </label>
          {holdWrong && <span className={styles.problem}>write a duration as 90s, 5m or 1h30m</span>}
          {differs && (
            <>
              <button
                type="button"
                className="button small"
                onClick={() => {
                  setThreshold(null);
                  setHold(null);
                }}
              >
                As it is
              </button>
              {onTake && (
                <button type="button" className="button small primary" onClick={() => onTake({ expr, for: holdText })}>
                  Take these
                </button>
              )}
            </>
          )}
          <LaneKey />
        </div>
        {trial.error && <Refusal error={trial.error} query={draft.expr} />}
        {!trial.error && trial.isPending && draft.expr.trim() !== "" && <Skeleton rows={2} />}
        {trial.data && <Verdict trial={trial.data} range={range} stale={trial.isPlaceholderData} zone={zone} />}
      </div>
      {draft.source === "promql" && draft.expr.trim() !== "" && (
        <ExpressionChart
          label={draft.name || "value"}
          query={comparison?.left ?? draft.expr}
          comparison={comparison}
          unit={unit}
          range={range}
          interval={interval}
          height={180}
        />
      )}
    </section>
  );
}

interface VerdictProps {
  trial: Trial;
  range: Range;
  stale: boolean;
  zone: string;
}

/** "Would have fired 3 times in the last 7 d, 41 min in total." */
function Verdict({ trial, range, stale, zone }: VerdictProps) {
  const rule = trial.rules[0];
  if (!rule) return <p className="faint">Only alerting rules can be tried.</p>;
  if (rule.error) return <p className={styles.problem}>{rule.error}</p>;
  const lanes = rule.alerts.map((alert) => ({ alert, stretches: stretchesOfTrial(alert, rule.to) }));
  const byLabels = new Map<string, typeof lanes>();
  for (const lane of lanes) {
    const name = labelOf(Object.fromEntries(Object.entries(lane.alert.labels).filter(([key]) => key !== "alertname")));
    byLabels.set(name, [...(byLabels.get(name) ?? []), lane]);
  }
  const total = lanes.reduce((sum, lane) => sum + firingMilli(lane.stretches), 0);
  const length = formatDuration((range.toMilli - range.fromMilli) * 1e6);
  const pendingOnly = rule.alerts.filter((alert) => alert.firedAt === null).length;
  return (
    <div data-stale={stale} className={styles.verdict}>
      <p className={styles.sentence} role="status">
        {rule.firings === 0
          ? `Would not have fired in the last ${length}`
          : `Would have fired ${plural(rule.firings, "time")} in the last ${length}, ${formatDuration(total * 1e6)} in total`}
        {pendingOnly > 0 && (
          <span className="muted">, and {plural(pendingOnly, "time")} it began but did not last</span>
        )}
        {rule.truncated && <LimitBadge>there were more than are listed</LimitBadge>}{" "}
        <span className="faint">
          {plural(rule.evaluations, "evaluation")}, one every {formatDuration(rule.stepMilli * 1e6)}
        </span>
      </p>
      {rule.warnings.map((warning) => (
        <p key={warning} className={styles.hint}>
          {warning}
        </p>
      ))}
      <ul className={styles.lanes}>
        {[...byLabels].slice(0, LANES_MAX).map(([name, list]) => (
          <li key={name}>
            <span className={styles.laneName} title={name}>
              {name || "no labels"}
            </span>
            <StateLane title={name} stretches={list.flatMap((lane) => lane.stretches)} range={range} zone={zone} />
          </li>
        ))}
      </ul>
      {byLabels.size > LANES_MAX && <p className="faint">and {byLabels.size - LANES_MAX} more</p>}
    </div>
  );
}
