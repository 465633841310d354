// The rows of triage. On narrow windows a row becomes a card; the buttons that the keyboard has keys for stay in reach.
import { Link } from "@tanstack/react-router";
import { BellOff, BookOpen, Check } from "lucide-react";
import type { Notified } from "../../api/alerts.ts";
import type { BatchSeries } from "../../api/batch.ts";
import { plural } from "../../lib/number.ts";
import { formatDuration } from "../../lib/time/format.ts";
import { formatValue } from "../../lib/units.ts";
import { thresholdText, unitOf } from "./figures.ts";
import { LabelList } from "./LabelList.tsx";
import { MiniChart } from "./MiniChart.tsx";
import { NotifiedCell } from "./NotifiedCell.tsx";
import { ProblemText } from "./ProblemText.tsx";
import { SeverityTag, StateTag } from "./Tags.tsx";
import { pageOf, rowId } from "./TriagePage.tsx";
import styles from "./TriageTable.module.css";
import { type RowGroup, seriesOf, type TriageRow } from "./triage.ts";

export interface TriageTableProps {
  groups: readonly RowGroup[];
  nowMilli: number;
  cursor: string | null;
  marked: ReadonlySet<string>;
  charts: ReadonlyMap<string, BatchSeries[]>;
  messages: ReadonlyMap<string, Notified[]>;
  onCursor: (key: string) => void;
  onPeek: (row: TriageRow) => void;
  onAcknowledge: (row: TriageRow) => void;
  onSilence: (row: TriageRow) => void;
}

export function TriageTable(props: TriageTableProps) {
  const { groups } = props;
  return (
    <div
      role="grid"
      aria-label="Alerts"
      className={styles.table}
      tabIndex={0}
      aria-activedescendant={props.cursor === null ? undefined : rowId(props.cursor)}
    >
      <div role="row" className={styles.head}>
        {["Severity", "Alert", "Value", "For", "Last hour", "Notified", "Actions"].map((title) => (
          <div key={title} role="columnheader">
            {title === "Actions" ? <span className="sr-only">{title}</span> : title}
          </div>
        ))}
      </div>
      {groups.map((group) => (
        <div role="rowgroup" key={group.title}>
          {group.title !== "" && (
            <div role="row" className={styles.group}>
              <div role="gridcell" aria-colspan={7}>
                <strong>{group.title}</strong> <span className="faint">{plural(group.rows.length, "alert")}</span>
              </div>
            </div>
          )}
          {group.rows.map((row) => (
            <Row key={row.key} row={row} {...props} />
          ))}
        </div>
      ))}
    </div>
  );
}

function Row({ row, nowMilli, cursor, marked, charts, messages, ...actions }: TriageTableProps & { row: TriageRow }) {
  const { rule } = row;
  const unit = unitOf(rule?.rule ?? null);
  const series =
    rule && row.fingerprint ? seriesOf(charts.get(rule.comparison?.left ?? rule.rule.query) ?? [], row) : null;
  const runbook = row.annotations.runbook_url ?? row.annotations.runbook;
  const summary = row.annotations.summary;
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the keys of the page do the same for the row under the cursor
    <div
      role="row"
      id={rowId(row.key)}
      className={styles.row}
      data-state={row.state}
      aria-selected={cursor === row.key}
      data-marked={marked.has(row.key)}
      onClick={() => actions.onCursor(row.key)}
      onDoubleClick={() => actions.onPeek(row)}
    >
      <div role="gridcell" className={styles.severity}>
        <SeverityTag severity={row.severity} />
        <StateTag state={row.state} />
      </div>
      <div role="gridcell" className={styles.name}>
        <span className={styles.title}>
          <Link {...pageOf(row)} className={styles.link ?? ""} title={row.name}>
            {row.name}
          </Link>
          {row.managed?.acknowledged && (
            <span className="badge ok" title={row.managed.acknowledged.comment}>
              <Check size={11} aria-hidden /> {row.managed.acknowledged.by}
            </span>
          )}
        </span>
        {row.problem !== "" || row.state === "no-data" ? (
          <ProblemText row={row} />
        ) : (
          <LabelList labels={row.distinguishing} max={4} />
        )}
        {summary && <span className={styles.summary}>{summary}</span>}
      </div>
      <div role="gridcell" className={styles.value}>
        {row.value !== null && Number.isFinite(row.value) ? (
          <>
            <strong>{formatValue(row.value, unit)}</strong>
            {rule?.comparison && <span className="muted"> {thresholdText(rule.comparison, unit)}</span>}
          </>
        ) : (
          <span className="faint" title="There is no value">
            –
          </span>
        )}
      </div>
      <div role="gridcell" className={styles.age}>
        {row.since === null ? (
          <span className="faint">–</span>
        ) : (
          formatDuration(Math.max(1000, nowMilli - row.since) * 1e6)
        )}
        {row.state === "pending" && rule && (
          <span className="muted"> of {formatDuration(Math.max(1, rule.rule.duration) * 1e9)}</span>
        )}
      </div>
      <div role="gridcell" className={styles.chart}>
        {series && (
          <MiniChart
            values={series.values}
            comparison={rule?.comparison ?? null}
            label={`${row.name} over the last hour`}
          />
        )}
      </div>
      <div role="gridcell" className={styles.notified}>
        <NotifiedCell
          row={row}
          messages={row.fingerprint ? (messages.get(row.fingerprint) ?? []) : []}
          nowMilli={nowMilli}
        />
      </div>
      <div role="gridcell" className={styles.actions}>
        {runbook && (
          <a
            className="button quiet small"
            href={runbook}
            target="_blank"
            rel="noreferrer"
            aria-label={`Runbook of ${row.name}`}
            title={runbook}
          >
            <BookOpen size={14} aria-hidden /> Runbook
          </a>
        )}
        {row.managed && (
          <button
            type="button"
            className="button small"
            aria-label={`Ack ${row.name}`}
            title="Acknowledge (a)"
            onClick={() => actions.onAcknowledge(row)}
          >
            <Check size={14} aria-hidden /> <span>Ack</span>
          </button>
        )}
        <button
          type="button"
          className="button small"
          aria-label={`Silence ${row.name}`}
          title="Silence (Shift+S)"
          onClick={() => actions.onSilence(row)}
        >
          <BellOff size={14} aria-hidden /> <span>Silence</span>
        </button>
      </div>
    </div>
  );
}
