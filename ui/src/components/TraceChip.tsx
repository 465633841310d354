// A link to a trace that shows it small while the pointer rests on it: root, duration, and where this span stands.
import { useQuery } from "@tanstack/react-query";
import { GitFork } from "lucide-react";
import { useRef, useState } from "react";
import { ApiError } from "../api/client.ts";
import { fetchColumns, readColumns, type SpanColumns } from "../api/trace-columns.ts";
import { aroundSearch } from "../lib/around.ts";
import { serviceColour } from "../lib/colour.ts";
import { plural } from "../lib/number.ts";
import { PlainLink } from "../lib/PlainLink.tsx";
import { formatDuration } from "../lib/time/format.ts";
import styles from "./TraceChip.module.css";

export interface TraceChipProps {
  traceId: string;
  spanId: string;
  /** When the record was that names the trace, in Unix milliseconds. */
  aroundMilli: number;
  /** With the first digits of the id beside the icon. */
  withId?: boolean;
}

const REST_MS = 250;
const BARS_MAX = 24;

export function TraceChip({ traceId, spanId, aroundMilli, withId = false }: TraceChipProps) {
  const [place, setPlace] = useState<{ of: string; x: number; y: number; up: boolean } | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const show = (element: HTMLElement) => {
    const rect = element.getBoundingClientRect();
    const up = rect.bottom > window.innerHeight - 220;
    timer.current = setTimeout(
      () => setPlace({ of: traceId, x: rect.right, y: up ? rect.top : rect.bottom, up }),
      REST_MS,
    );
  };
  const hide = () => {
    clearTimeout(timer.current);
    setPlace(null);
  };
  return (
    <>
      <PlainLink
        path={`traces/${traceId}`}
        search={{ ...(spanId && { span: spanId }), ...aroundSearch(aroundMilli) }}
        className={styles.chip}
        aria-label={`Open the trace ${traceId.slice(0, 8)}`}
        tabIndex={-1}
        onPointerEnter={(event) => show(event.currentTarget)}
        onPointerLeave={hide}
        onFocus={(event) => show(event.currentTarget)}
        onBlur={hide}
        onDoubleClick={(event) => event.stopPropagation()}
      >
        <GitFork size={13} aria-hidden />
        {withId && <code>{traceId.slice(0, 6)}</code>}
      </PlainLink>
      {place?.of === traceId && <Card {...{ traceId, spanId, aroundMilli }} x={place.x} y={place.y} up={place.up} />}
    </>
  );
}

interface CardProps extends Pick<TraceChipProps, "traceId" | "spanId" | "aroundMilli"> {
  x: number;
  y: number;
  up: boolean;
}

function Card({ traceId, spanId, aroundMilli, x, y, up }: CardProps) {
  const trace = useQuery({
    queryKey: ["trace-card", traceId],
    retry: false,
    staleTime: 60_000,
    queryFn: async ({ signal }) => {
      const { value } = await fetchColumns(traceId, aroundMilli || undefined, signal);
      return readColumns(JSON.parse(new TextDecoder().decode(value))).columns;
    },
  });
  const missing = trace.error instanceof ApiError && trace.error.facts.status === 404;
  return (
    <div className={styles.card} data-up={up} style={{ left: x, top: y }} role="status">
      {trace.isPending && <span className="faint">Loading the trace</span>}
      {trace.error && (
        <span className="muted">
          {missing ? "This trace is not stored: not sampled, or older than the retention" : trace.error.message}
        </span>
      )}
      {trace.data && <Small columns={trace.data} spanId={spanId} />}
    </div>
  );
}

function Small({ columns, spanId }: { columns: SpanColumns; spanId: string }) {
  const { start, end, spanIds } = columns;
  const duration = end.reduce((most, at) => Math.max(most, at), 1);
  const own = spanIds.indexOf(spanId);
  const name = (at: number) => columns.names[columns.name[at] ?? 0] ?? "";
  const service = (at: number) => columns.services[columns.service[at] ?? 0] ?? "";
  const root = Math.max(0, columns.parent.indexOf(-1));
  const first = Math.max(0, Math.min(own - BARS_MAX / 2, spanIds.length - BARS_MAX));
  const shown = Array.from({ length: Math.min(BARS_MAX, spanIds.length) }, (_, i) => first + i);
  return (
    <>
      <div className={styles.title}>
        <strong>{service(root)}</strong> <span className="ellipsis">{name(root)}</span>
      </div>
      <div className="muted">
        {formatDuration(duration)}, {plural(spanIds.length, "span")}, {plural(columns.services.length, "service")}
      </div>
      <div className={styles.bars}>
        {shown.map((at) => (
          <i
            key={at}
            data-own={at === own}
            style={{
              left: `${((start[at] ?? 0) / duration) * 100}%`,
              width: `${Math.max(0.8, (((end[at] ?? 0) - (start[at] ?? 0)) / duration) * 100)}%`,
              background: columns.status[at] === 2 ? "var(--error)" : serviceColour(service(at)),
            }}
          />
        ))}
      </div>
      {own >= 0 && (
        <div className="muted">
          in <strong>{name(own)}</strong>, at {formatDuration(start[own] ?? 0)}
        </div>
      )}
    </>
  );
}
