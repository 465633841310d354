// The newest records behind bad events, and where all of them are.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { fetchLogs } from "../../api/logs.ts";
import type { Slo, SloGroup } from "../../api/slos.ts";
import { fetchTraces } from "../../api/traces.ts";
import { QueryState } from "../../components/QueryState.tsx";
import { Empty } from "../../components/States.tsx";
import { aroundSearch } from "../../lib/around.ts";
import { bodyLine } from "../../lib/log-body.ts";
import { formatDuration, formatInstant } from "../../lib/time/format.ts";
import { nanosToMilli, parseNanos } from "../../lib/time/nanos.ts";
import { absoluteRange } from "../../lib/time/range.ts";
import { useTime } from "../../lib/view.ts";
import { type BadFilter, badFilter } from "./bad.ts";
import styles from "./Slos.module.css";
import { knownRange } from "./SlosPage.tsx";

const SHOWN = 8;

interface BadRecord {
  id: string;
  unixMilli: number;
  text: string;
  note: string;
}

export function BadEvents({ slo, group }: { slo: Slo; group: SloGroup }) {
  const { zone } = useTime();
  const bad = badFilter(slo);
  const range = knownRange(group);
  const q = bad ? [bad.total, bad.bad].filter(Boolean).join(" ") : "";
  const queryKey = ["slo-bad", bad?.signal, q, range];
  const result = useQuery({
    queryKey,
    queryFn: ({ signal }) => newest(bad as BadFilter, q, range, signal),
    enabled: bad !== null,
    placeholderData: keepPreviousData,
  });
  if (!bad) {
    return (
      <section className={styles.section} aria-label="Bad events">
        <header>
          <h3>Bad events</h3>
        </header>
        <Empty reason="none" title="No service is named">
          <p>With a service, its failed spans stand here.</p>
        </Empty>
      </section>
    );
  }
  return (
    <section className={styles.section} aria-label="Bad events">
      <header>
        <h3>
          {bad.exact ? "The newest bad events" : bad.signal === "traces" ? "The newest traces of that kind" : "Logs"}
        </h3>
        {!bad.exact && (
          <span className="faint ellipsis" title={`Metrics keep no records; these match ${q}`}>
            {q}
          </span>
        )}
        <span className="grow" />
        <Link to={`/${bad.signal}`} search={{ ...absoluteRange(range), q }} className="button quiet small">
          All
        </Link>
      </header>
      <QueryState
        result={result}
        queryKey={queryKey}
        rows={5}
        query={q}
        isEmpty={(rows) => rows.length === 0}
        empty={<Empty reason="none" title="No record of that kind is kept" />}
      >
        {(rows) => (
          <table className="table">
            <tbody>
              {rows.map((row) => (
                <tr key={row.id}>
                  <td className="muted">{formatInstant(row.unixMilli, zone)}</td>
                  <td className={styles.value} title={row.text}>
                    {bad.signal === "traces" ? (
                      <Link to="/traces/$traceId" params={{ traceId: row.id }} search={aroundSearch(row.unixMilli)}>
                        {row.text}
                      </Link>
                    ) : (
                      <Link to="/logs" search={{ ...absoluteRange(range), q, peek: `log:${row.id}` }}>
                        {row.text}
                      </Link>
                    )}
                  </td>
                  <td className="number">{row.note}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </QueryState>
    </section>
  );
}

async function newest(
  { signal: kind }: BadFilter,
  q: string,
  range: { fromMilli: number; toMilli: number },
  signal: AbortSignal,
): Promise<BadRecord[]> {
  if (kind === "logs") {
    const { value } = await fetchLogs({ range, q, limit: SHOWN }, signal);
    return value.logs.map((log) => ({
      id: log.id,
      unixMilli: nanosToMilli(parseNanos(log.time_unix_nano)),
      text: bodyLine(log.body),
      note: log.service,
    }));
  }
  const { value } = await fetchTraces({ range, q, limit: SHOWN }, signal);
  return value.traces.map((trace) => ({
    id: trace.trace_id,
    unixMilli: nanosToMilli(parseNanos(trace.start_unix_nano)),
    text: `${trace.root_service} ${trace.root_name}`.trim() || trace.trace_id,
    note: formatDuration(trace.duration_nanos),
  }));
}
