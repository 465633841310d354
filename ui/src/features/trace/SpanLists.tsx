// The lists of the span panel: events, links, and the logs of the span and its trace.
import { Link } from "@tanstack/react-router";
import { GitFork } from "lucide-react";
import type { LogRecord } from "../../api/logs.ts";
import type { Span } from "../../api/traces.ts";
import { Attributes } from "../../components/Attributes.tsx";
import { LevelTag } from "../../components/LevelTag.tsx";
import { aroundSearch } from "../../lib/around.ts";
import { term } from "../../lib/filter.ts";
import { bodyLine } from "../../lib/log-body.ts";
import { plural } from "../../lib/number.ts";
import { formatDuration } from "../../lib/time/format.ts";
import { nanosBetween, nanosToMilli, parseNanos } from "../../lib/time/nanos.ts";
import styles from "./SpanLists.module.css";
import { Stack } from "./Stack.tsx";
import { traceRange } from "./source.ts";
import { serviceOf, type TraceTree } from "./tree.ts";

export function SpanEvents({ tree, span }: { tree: TraceTree; span: Span }) {
  const { events, dropped_events_count: dropped } = span;
  return (
    <div className={styles.list}>
      {events.length === 0 && <p className={styles.none}>No events</p>}
      {events.map((event, index) => (
        <section key={`${event.time_unix_nano} ${index}`} className={styles.item}>
          <header className={styles.head}>
            <strong>{event.name}</strong>
            <span className="faint">
              at {formatDuration(nanosBetween(tree.startNanos, parseNanos(event.time_unix_nano)))}
            </span>
          </header>
          {event.name === "exception" ? (
            <div className={styles.inset}>
              <Stack attributes={event.attributes} />
            </div>
          ) : (
            <Attributes
              groups={[{ title: "Attributes", attributes: event.attributes, dropped: event.dropped_attributes_count }]}
            />
          )}
        </section>
      ))}
      {dropped > 0 && <p className={styles.none}>{plural(dropped, "more event")} dropped by the sender's limits</p>}
    </div>
  );
}

export function SpanLinks({ span }: { span: Span }) {
  return (
    <div className={styles.list}>
      {span.links.length === 0 && <p className={styles.none}>No links</p>}
      {span.links.map((link) => (
        <section key={link.trace_id + link.span_id} className={styles.item}>
          <header className={styles.head}>
            <Link
              to="/traces/$traceId"
              params={{ traceId: link.trace_id }}
              search={{ span: link.span_id, ...aroundSearch(nanosToMilli(parseNanos(span.start_unix_nano))) }}
              className="button small"
            >
              <GitFork size={13} aria-hidden /> <code>{link.trace_id}</code>
            </Link>
          </header>
          <Attributes
            groups={[
              { title: `Span ${link.span_id}`, attributes: link.attributes, dropped: link.dropped_attributes_count },
            ]}
          />
        </section>
      ))}
    </div>
  );
}

export interface SpanLogsProps {
  tree: TraceTree;
  index: number;
  records: readonly LogRecord[] | null;
  live: boolean;
}

/** Records of this span first, then of the rest of the trace, labelled which is which. */
export function SpanLogs({ tree, index, records, live }: SpanLogsProps) {
  if (!live) return <p className={styles.none}>A file has spans only</p>;
  if (!records) return <p className={styles.none}>Loading</p>;
  const id = tree.spanIds[index];
  const own = records.filter((log) => log.span_id === id);
  const others = records.filter((log) => log.span_id !== id);
  const startMilli = Number(tree.startNanos / 1_000_000n) + (tree.start[index] ?? 0) / 1e6;
  const endMilli = Number(tree.startNanos / 1_000_000n) + (tree.end[index] ?? 0) / 1e6;
  const range = traceRange(tree);
  return (
    <div className={styles.list}>
      {records.length === 0 && <p className={styles.none}>No log carries this trace id</p>}
      <LogLines title="Of this span" tree={tree} logs={own} />
      <LogLines title="Of the rest of the trace" tree={tree} logs={others} />
      <div className={styles.all}>
        {records.length > 0 && (
          <Link
            to="/logs"
            search={{ q: `trace_id:${tree.traceId}`, from: String(range.fromMilli), to: String(range.toMilli) }}
            className="button small"
          >
            Open in Logs
          </Link>
        )}
        <Link
          to="/logs"
          search={{
            q: term("service", serviceOf(tree, index)),
            from: String(Math.floor(startMilli - 1000)),
            to: String(Math.ceil(endMilli + 1000)),
          }}
          className="button small"
        >
          All of {serviceOf(tree, index)} in this second
        </Link>
      </div>
    </div>
  );
}

function LogLines({ title, tree, logs }: { title: string; tree: TraceTree; logs: readonly LogRecord[] }) {
  if (logs.length === 0) return null;
  return (
    <section className={styles.item}>
      <h3 className={styles.title}>{title}</h3>
      <ul>
        {logs.map((log) => (
          <li key={log.id} className={styles.log}>
            <span className="faint">
              {formatDuration(nanosBetween(tree.startNanos, parseNanos(log.time_unix_nano)))}
            </span>
            <LevelTag level={log.level} />
            <span className={styles.service}>{log.service}</span>
            <span className={styles.body}>{bodyLine(log.body)}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}
