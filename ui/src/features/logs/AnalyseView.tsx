// Counts and statistics of the matching records: a form that writes the pipe behind the filter, and its answer as a
// chart or as a table.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useEffect, useMemo, useState } from "react";
import { type AnalysisTable, fetchAnalysis, type TableCell } from "../../api/analyse.ts";
import { type FieldSignal, fetchFields } from "../../api/fields.ts";
import { type Line, LineChart } from "../../charts/LineChart.tsx";
import { NothingFound } from "../../components/NothingFound.tsx";
import { SortHead } from "../../components/SortHead.tsx";
import { ErrorBox, LimitBadge, PartialStrip, Skeleton } from "../../components/States.tsx";
import { fillZero, toGrid } from "../../lib/buckets.ts";
import { seriesColour } from "../../lib/colour.ts";
import { addTerm } from "../../lib/filter.ts";
import { formatCount, formatShort } from "../../lib/number.ts";
import { formatDuration, formatInstant } from "../../lib/time/format.ts";
import type { Range } from "../../lib/time/range.ts";
import type { Zone } from "../../lib/time/zone.ts";
import styles from "./AnalyseView.module.css";
import { type Choices, DEFAULT_CHOICES, FUNCTIONS, readPipe, takesField, writePipe } from "./builder.ts";

export interface AnalyseViewProps {
  signal: FieldSignal;
  range: Range;
  /** The filter in front of the pipe. */
  q: string;
  /** The pipe, as it stands in the URL. */
  pipe: string | undefined;
  zone: Zone;
  onPipe: (pipe: string) => void;
  onQuery: (query: string) => void;
  onRange: (range: Range) => void;
}

const LINES_MAX = 20;

export function AnalyseView({ signal, range, q, pipe, zone, onPipe, onQuery, onRange }: AnalyseViewProps) {
  const text = pipe ?? writePipe(DEFAULT_CHOICES);
  const [draft, setDraft] = useState(text);
  useEffect(() => setDraft(text), [text]);
  const choices = readPipe(text);
  const full = `${q} | ${text}`.trim();
  const answer = useQuery({
    queryKey: ["analysis", signal, range, full],
    queryFn: ({ signal: abort }) => fetchAnalysis({ signal, range, q: full }, abort),
    placeholderData: keepPreviousData,
    retry: false,
  });
  const table = answer.data?.value.table ?? null;
  const time = table?.columns.findIndex((column) => column.kind === "time") ?? -1;
  return (
    <div className={styles.box}>
      <Form signal={signal} range={range} choices={choices} onChoices={(next) => onPipe(writePipe(next))} />
      <form
        className={styles.text}
        onSubmit={(event) => {
          event.preventDefault();
          onPipe(draft.trim());
        }}
      >
        <code className="faint">|</code>
        <input
          className="input"
          value={draft}
          spellCheck={false}
          aria-label="Analysis"
          onChange={(event) => setDraft(event.target.value)}
        />
        <button type="submit" className="button">
          Run
        </button>
      </form>
      {answer.error && <ErrorBox error={answer.error} query={full} onRetry={() => void answer.refetch()} />}
      {answer.data?.value.partial && <PartialStrip reason={answer.data.value.partial.reason} />}
      {!answer.data && !answer.error && <Skeleton rows={10} />}
      {table && table.rows.length === 0 && !answer.error && (
        <NothingFound signal={signal} query={q} onQuery={onQuery} />
      )}
      {table && table.rows.length > 0 && !answer.error && (
        <>
          {time >= 0 && <Chart table={table} range={range} zone={zone} onRange={onRange} />}
          <Table table={table} zone={zone} onPick={(key, value) => onQuery(addTerm(q, key, value))} />
        </>
      )}
      {answer.data?.value.patterns && (
        <p className={styles.note}>
          Patterns have a tab of their own:{" "}
          <Link to="." search={(old) => ({ ...old, tab: "patterns" })}>
            Patterns
          </Link>
        </p>
      )}
    </div>
  );
}

interface FormProps {
  signal: FieldSignal;
  range: Range;
  choices: Choices | null;
  onChoices: (choices: Choices) => void;
}

function Form({ signal, range, choices, onChoices }: FormProps) {
  const fields = useQuery({
    queryKey: ["fields", signal, range],
    queryFn: ({ signal: abort }) => fetchFields(signal, range, abort),
    placeholderData: keepPreviousData,
  });
  const names = [...new Set(fields.data?.value.fields.map((field) => field.name) ?? [])];
  if (!choices) {
    return (
      <p className={styles.note}>
        The text below says more than the form can.{" "}
        <button type="button" className="button small" onClick={() => onChoices(DEFAULT_CHOICES)}>
          Start over
        </button>
      </p>
    );
  }
  const set = (change: Partial<Choices>) => onChoices({ ...choices, ...change });
  return (
    <div className={styles.form}>
      <label>
        Show
        <select
          className="input"
          value={choices.fn}
          onChange={(event) => set({ fn: event.target.value as Choices["fn"] })}
        >
          {FUNCTIONS.map((fn) => (
            <option key={fn}>{fn}</option>
          ))}
        </select>
      </label>
      {takesField(choices.fn) && (
        <FieldSelect
          title="of"
          names={names}
          value={choices.field}
          onChange={(field) => set({ field })}
          empty="choose a field"
        />
      )}
      <FieldSelect
        title="by"
        names={names}
        value={choices.by[0] ?? ""}
        onChange={(name) => set({ by: [name, choices.by[1] ?? ""].filter(Boolean) })}
        empty="nothing"
      />
      {choices.by.length > 0 && (
        <FieldSelect
          title="and"
          names={names}
          value={choices.by[1] ?? ""}
          onChange={(name) => set({ by: [choices.by[0] ?? "", name].filter(Boolean) })}
          empty="nothing"
        />
      )}
      <label className={styles.check}>
        <input type="checkbox" checked={choices.overTime} onChange={() => set({ overTime: !choices.overTime })} /> over
        time
      </label>
    </div>
  );
}

function FieldSelect({
  title,
  names,
  value,
  onChange,
  empty,
}: {
  title: string;
  names: readonly string[];
  value: string;
  onChange: (name: string) => void;
  empty: string;
}) {
  const all = value !== "" && !names.includes(value) ? [value, ...names] : names;
  return (
    <label>
      {title}
      <select className="input" value={value} onChange={(event) => onChange(event.target.value)}>
        <option value="">{empty}</option>
        {all.map((name) => (
          <option key={name}>{name}</option>
        ))}
      </select>
    </label>
  );
}

function Chart({
  table,
  range,
  zone,
  onRange,
}: {
  table: AnalysisTable;
  range: Range;
  zone: Zone;
  onRange: (range: Range) => void;
}) {
  const time = table.columns.findIndex((column) => column.kind === "time");
  const measure = table.columns.findIndex((column) => column.kind === "measure");
  const keys = table.columns.flatMap((column, at) => (column.kind === "key" ? [at] : []));
  const unit = table.columns[measure]?.unit ?? "";
  const { times, lines, total } = useMemo(() => {
    // Several keys are one name.
    const rows = table.rows.map((row) => [
      row[time],
      row[measure],
      keys.map((at) => String(row[at] ?? "none")).join(" "),
    ]);
    const grid = toGrid({
      rows,
      time: 0,
      measure: 1,
      key: 2,
      stepMilli: (table.step_nanos ?? 60e9) / 1e6,
      fromMilli: range.fromMilli,
      toMilli: range.toMilli,
    });
    const counted = unit === "count" || unit === "per_second" ? fillZero(grid) : grid;
    const sum = (list: readonly (number | null)[]) => list.reduce<number>((all, value) => all + (value ?? 0), 0);
    const sorted = [...counted.values].sort(([, a], [, b]) => sum(b) - sum(a));
    const lines = sorted.slice(0, LINES_MAX).map(
      ([name, values], at): Line => ({
        id: name,
        label: name || (table.columns[measure]?.name ?? ""),
        colour: seriesColour(at),
        values,
      }),
    );
    return { times: counted.times.map((milli) => milli / 1000), lines, total: sorted.length };
  }, [table, range, time, measure, unit, keys.map]);
  return (
    <div className={styles.chart}>
      {total > LINES_MAX && (
        <div className={styles.badge}>
          <LimitBadge>
            the {LINES_MAX} largest of {total} groups
          </LimitBadge>
        </div>
      )}
      <LineChart
        label={table.columns[measure]?.name ?? "analysis"}
        times={times}
        lines={lines}
        range={range}
        zone={zone}
        format={(value) => measured(value, unit)}
        hidden={NONE}
        onSelect={onRange}
        {...(table.step_nanos ? { stepSeconds: table.step_nanos / 1e9 } : {})}
      />
    </div>
  );
}

const NONE: ReadonlySet<string> = new Set();
const NANOS: Record<string, number> = { ns: 1, us: 1e3, ms: 1e6, s: 1e9 };

function measured(value: number, unit: string): string {
  const scale = NANOS[unit];
  if (scale !== undefined) return formatDuration(value * scale);
  if (unit === "per_second") return `${formatShort(value)}/s`;
  return Number.isInteger(value) ? formatCount(value) : formatShort(value);
}

function Table({
  table,
  zone,
  onPick,
}: {
  table: AnalysisTable;
  zone: Zone;
  onPick: (key: string, value: string) => void;
}) {
  const [sort, setSort] = useState<number | null>(null);
  const rows = useMemo(() => {
    if (sort === null) return table.rows;
    const rank = (cell: TableCell | undefined) => (typeof cell === "number" ? cell : Number.NEGATIVE_INFINITY);
    return [...table.rows].sort((a, b) => rank(b[sort]) - rank(a[sort]));
  }, [table, sort]);
  const shown = rows.slice(0, 1000);
  return (
    <>
      <table className="table">
        <thead>
          <tr>
            {table.columns.map((column, at) =>
              column.kind === "measure" ? (
                <SortHead key={column.name} active={sort === at} onSort={() => setSort(at)}>
                  {column.estimated ? `~${column.name}` : column.name}
                </SortHead>
              ) : (
                <th key={column.name}>{column.name}</th>
              ),
            )}
          </tr>
        </thead>
        <tbody>
          {shown.map((row, at) => (
            <tr key={at}>
              {table.columns.map((column, place) => {
                const cell = row[place] ?? null;
                if (column.kind === "time")
                  return <td key={column.name}>{formatInstant(Number(cell) / 1e6, zone, false)}</td>;
                if (column.kind === "key") {
                  return (
                    <td key={column.name} className={styles.key}>
                      {cell === null || cell === "" ? (
                        <span className="faint">none</span>
                      ) : (
                        <button
                          type="button"
                          className={styles.pick}
                          title={`Only ${column.name}:${String(cell)}`}
                          onClick={() => onPick(column.name, String(cell))}
                        >
                          {String(cell)}
                        </button>
                      )}
                    </td>
                  );
                }
                return (
                  <td key={column.name} className="number">
                    {typeof cell === "number" ? measured(cell, column.unit) : "\u2013"}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
      {(table.groups > shown.length || rows.length > shown.length) && (
        <p className={styles.note}>
          {formatCount(shown.length)} of {formatCount(Math.max(table.groups, rows.length))} rows are listed; a larger
          limit lists more
        </p>
      )}
    </>
  );
}
