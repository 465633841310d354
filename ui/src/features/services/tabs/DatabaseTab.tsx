// What the service asks its databases: statements by the time they take, and how often each is asked per call.
import { Link } from "@tanstack/react-router";
import type { AnalysisTable } from "../../../api/analyse.ts";
import { QueryState } from "../../../components/QueryState.tsx";
import { Empty } from "../../../components/States.tsx";
import { term } from "../../../lib/filter.ts";
import { formatCount, formatPercent, formatShort, plural } from "../../../lib/number.ts";
import { formatDuration } from "../../../lib/time/format.ts";
import { useTimeSearch } from "../../../lib/view.ts";
import { callsOf, columnOf, useAnalysis } from "../queries.ts";
import styles from "../Service.module.css";
import { mergeStatements, type Statement } from "../statements.ts";
import type { TabProps } from "./OverviewTab.tsx";

const ASKED = 1000;
const SHOWN = 100;
/** Of one statement within one call, on average; more is the mark of a query in a loop. */
const PER_CALL_SUSPECT = 10;
const KEYS = ["db.system.name", "db.namespace", "db.operation.name", "db.query.text"] as const;

export function DatabaseTab({ service, range }: TabProps) {
  const found = useAnalysis(
    "traces",
    `${term("service", service)} has(db.system.name) | stats count(), sum(duration), p95(duration) by ${KEYS.join(", ")} | sort -sum(duration) | limit ${ASKED}`,
    range,
  );
  const calls = useAnalysis("traces", `${callsOf(service)} | stats count()`, range);
  const callCount = Number(calls.data?.value.table?.rows[0]?.[0] ?? 0);
  return (
    <QueryState
      result={found}
      queryKey={found.queryKey}
      partial={(data) => data.value.partial?.reason ?? null}
      isEmpty={(data) => (data.value.table?.rows.length ?? 0) === 0}
      empty={
        <Empty reason="none" title={`${service} has no spans of databases in this range`}>
          <p>
            They have the attribute <code>db.system.name</code>; instrumentation of database clients sets it.
          </p>
        </Empty>
      }
    >
      {({ value }) => value.table && <Statements service={service} table={value.table} calls={callCount} />}
    </QueryState>
  );
}

function readStatements(table: AnalysisTable): Statement[] {
  const [system, namespace, operation, text] = KEYS.map((key) => columnOf(table, key));
  const [count, sum, p95] = ["count", "sum(duration)", "p95(duration)"].map((name) => columnOf(table, name));
  const textAt = (row: readonly unknown[], at: number | undefined) => String(row[at ?? -1] ?? "");
  const numberAt = (row: readonly unknown[], at: number | undefined) => Number(row[at ?? -1] ?? 0);
  return table.rows.map((row) => ({
    text: textAt(row, text) || textAt(row, operation) || "(no text)",
    system: textAt(row, system),
    namespace: textAt(row, namespace),
    operation: textAt(row, operation),
    count: numberAt(row, count),
    nanos: numberAt(row, sum),
    p95Nanos: numberAt(row, p95),
    variants: 1,
    sample: textAt(row, text),
  }));
}

function Statements({ service, table, calls }: { service: string; table: AnalysisTable; calls: number }) {
  const timeSearch = useTimeSearch();
  const merged = mergeStatements(readStatements(table));
  const total = merged.reduce((sum, statement) => sum + statement.nanos, 0);
  const filterOf = (statement: Statement) =>
    [
      term("service", service),
      term("db.system.name", statement.system),
      statement.operation && term("db.operation.name", statement.operation),
      statement.variants === 1 && statement.sample && term("db.query.text", statement.sample),
    ]
      .filter(Boolean)
      .join(" ");
  return (
    <section className={`${styles.section} ${styles.first}`}>
      <header>
        <h2>Statements</h2>
        <span className="faint">
          by their share of the time in databases, without their values
          {table.groups > ASKED && `; of the ${formatCount(ASKED)} largest of ${formatCount(table.groups)} texts`}
        </span>
      </header>
      <table className="table">
        <thead>
          <tr>
            <th>Statement</th>
            <th>System</th>
            <th className="number">Calls</th>
            <th className="number" title="How often it is asked within one call of the service, on average">
              Per call
            </th>
            <th className="number">p95</th>
            <th className="number">Share of time</th>
          </tr>
        </thead>
        <tbody>
          {merged.slice(0, SHOWN).map((statement) => {
            const share = total > 0 ? statement.nanos / total : 0;
            const perCall = calls > 0 ? statement.count / calls : 0;
            return (
              <tr key={[statement.system, statement.namespace, statement.operation, statement.text].join(" ")}>
                <td className={styles.statement}>
                  <Link
                    to="/traces"
                    search={{ ...timeSearch, q: filterOf(statement) }}
                    title={
                      statement.variants > 1
                        ? `${statement.text}\n${plural(statement.variants, "text")}`
                        : statement.text
                    }
                  >
                    <code>{statement.text}</code>
                  </Link>
                </td>
                <td className="muted">{[statement.system, statement.namespace].filter(Boolean).join(" / ")}</td>
                <td className="number">{formatShort(statement.count)}</td>
                <td className="number">
                  {perCall > PER_CALL_SUSPECT ? (
                    <span
                      className="badge warn"
                      title="One call asks this many times: probably a query in a loop (N+1)"
                    >
                      {formatShort(perCall)}
                    </span>
                  ) : perCall < 0.01 ? (
                    "<0.01"
                  ) : (
                    perCall.toFixed(2)
                  )}
                </td>
                <td className="number">
                  {statement.variants > 1 && <span className="faint">up to </span>}
                  {formatDuration(statement.p95Nanos)}
                </td>
                <td className="number">
                  <span className={styles.share}>
                    <i style={{ width: `${share * 100}%` }} />
                  </span>
                  <span className={styles.percent}>{formatPercent(share)}</span>
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </section>
  );
}
