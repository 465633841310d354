// The matching spans themselves, the newest first.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { fetchAnalysis } from "../../api/analyse.ts";
import { findAttribute } from "../../api/otlp.ts";
import { NothingFound } from "../../components/NothingFound.tsx";
import { ServiceName } from "../../components/ServiceName.tsx";
import { ErrorBox, PartialStrip, Skeleton } from "../../components/States.tsx";
import { VirtualRows } from "../../components/VirtualRows.tsx";
import { aroundSearch } from "../../lib/around.ts";
import { formatClock, formatDuration, formatInstant, formatNanos } from "../../lib/time/format.ts";
import { nanosToMilli, parseNanos } from "../../lib/time/nanos.ts";
import type { Range } from "../../lib/time/range.ts";
import type { Zone } from "../../lib/time/zone.ts";
import styles from "./Modes.module.css";

const LIMIT = 1000;
const ROW_PX = 28;
const HINTS = ["http.route", "url.path", "db.query.text", "db.statement", "messaging.destination.name", "rpc.method"];

export interface SpansViewProps {
  range: Range;
  q: string;
  zone: Zone;
  withDay: boolean;
  onQuery: (query: string) => void;
}

export function SpansView({ range, q, zone, withDay, onQuery }: SpansViewProps) {
  const found = useQuery({
    queryKey: ["spans", range, q],
    queryFn: ({ signal }) =>
      fetchAnalysis({ signal: "traces", range, q: `${q} | sort -time | limit ${LIMIT}`.trim() }, signal),
    placeholderData: keepPreviousData,
    retry: false,
  });
  const spans = found.data?.value.spans ?? [];
  if (found.error)
    return <ErrorBox error={found.error} query={q} onRetry={() => void found.refetch()} onApply={onQuery} />;
  if (!found.data) return <Skeleton rows={20} rowHeight={ROW_PX} />;
  if (spans.length === 0) return <NothingFound signal="traces" query={q} onQuery={onQuery} />;
  return (
    <>
      {found.data.value.partial && <PartialStrip reason={found.data.value.partial.reason} />}
      <VirtualRows
        role="grid"
        label="Spans"
        count={spans.length}
        rowHeight={ROW_PX}
        headerHeight={26}
        header={
          <div className={styles.spanHead} role="row">
            {["Start", "Service", "Operation", "Kind", "Duration", "Status", "Detail"].map((title) => (
              <div key={title} role="columnheader" className={title === "Duration" ? "number" : ""}>
                {title}
              </div>
            ))}
          </div>
        }
        footer={
          <div className={styles.end}>
            {spans.length >= LIMIT
              ? `the newest ${LIMIT} spans; narrow the query or the range for older ones`
              : "start of the range"}
          </div>
        }
        renderRow={(index) => {
          const span = spans[index];
          if (!span) return null;
          const start = parseNanos(span.start_unix_nano);
          const milli = nanosToMilli(start);
          const hint = HINTS.map((key) => findAttribute(span.attributes, key)).find(Boolean) ?? "";
          return (
            <Link
              key={span.trace_id + span.span_id + index}
              to="/traces/$traceId"
              params={{ traceId: span.trace_id }}
              search={{ span: span.span_id, ...aroundSearch(milli) }}
              role="row"
              tabIndex={-1}
              aria-rowindex={index + 1}
              className={styles.spanRow ?? ""}
            >
              <div role="gridcell" className={styles.time} title={formatNanos(start, zone)}>
                {withDay ? formatInstant(milli, zone) : formatClock(milli, zone, true)}
              </div>
              <div role="gridcell" className="ellipsis">
                <ServiceName name={span.service} />
              </div>
              <div role="gridcell" className="ellipsis" title={span.name}>
                {span.name}
              </div>
              <div role="gridcell" className="muted">
                {span.kind.toLowerCase()}
              </div>
              <div role="gridcell" className="number">
                {formatDuration(span.duration_nanos)}
              </div>
              <div role="gridcell">
                {span.status.code === "ERROR" ? (
                  <span className="badge error">error</span>
                ) : (
                  <span className="muted">{span.status.code.toLowerCase()}</span>
                )}
              </div>
              <div role="gridcell" className="ellipsis muted" title={span.status.message || hint}>
                {span.status.message || hint}
              </div>
            </Link>
          );
        }}
      />
    </>
  );
}
