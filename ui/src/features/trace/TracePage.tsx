// One trace: header, minimap, toolbar, waterfall or statistics, and the selected span at the right.
import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { useMemo } from "react";
import { ApiError, serverNow } from "../../api/client.ts";
import { fetchLogs, type LogRecord } from "../../api/logs.ts";
import { fetchTrace, type Trace } from "../../api/traces.ts";
import { Empty, ErrorBox, PartialStrip, Skeleton } from "../../components/States.tsx";
import { EMPTY_REPORT, useReport } from "../../lib/report.ts";
import { nanosToMilli, parseNanos } from "../../lib/time/nanos.ts";
import { buildTree, type Tree } from "./model.ts";
import { TraceView } from "./TraceView.tsx";

const POLL_MS = 3000;
const ARRIVING_MILLI = 30_000;
const LOG_LIMIT = 1000;
/** Clocks of the log and span senders may differ a little. */
const LOG_MARGIN_MILLI = 60_000;

export function TracePage() {
  const { traceId = "" } = useParams({ strict: false });
  const id = traceId.toLowerCase();
  const trace = useQuery({
    queryKey: ["trace", id],
    queryFn: ({ signal }) => fetchTrace(id, signal),
    refetchInterval: (query) => (query.state.data && isArriving(query.state.data.value) ? POLL_MS : false),
  });
  const data = trace.data?.value;
  const tree = useMemo(() => (data && data.spans.length > 0 ? buildTree(data.spans) : null), [data]);
  const logs = useTraceLogs(id, tree);
  useReport({
    ...EMPTY_REPORT,
    asOfMilli: trace.dataUpdatedAt || null,
    elapsedMs: trace.data?.elapsedMs ?? null,
    rowsScanned: data?.stats?.rows_scanned ?? null,
    partial: data?.partial?.reason ?? null,
    busy: trace.isFetching,
  });
  if (trace.isPending) return <Skeleton rows={26} rowHeight={24} />;
  if (trace.error) {
    const missing = trace.error instanceof ApiError && trace.error.facts.status === 404;
    return missing ? <NotFound id={id} /> : <ErrorBox error={trace.error} onRetry={() => void trace.refetch()} />;
  }
  if (!tree) return <NotFound id={id} />;
  return (
    <>
      {data?.partial && <PartialStrip reason={data.partial.reason} onRetry={() => void trace.refetch()} />}
      <TraceView key={id} trace={data as Trace} tree={tree} logs={logs} arriving={isArriving(data as Trace)} />
    </>
  );
}

/** Spans of a young trace may still be on their way. */
function isArriving(trace: Trace): boolean {
  const newest = trace.spans.reduce(
    (latest, span) => Math.max(latest, nanosToMilli(parseNanos(span.end_unix_nano))),
    0,
  );
  return serverNow() - newest < ARRIVING_MILLI;
}

function NotFound({ id }: { id: string }) {
  const valid = /^[0-9a-f]{32}$/.test(id);
  return (
    <Empty reason="none" title={valid ? "No spans with this trace id" : "This is not a trace id"}>
      <code>{id}</code>
      <p>
        {valid
          ? "The trace may have been dropped by sampling, may be older than the retention, or has not arrived yet."
          : "A trace id is 32 hexadecimal digits."}
      </p>
    </Empty>
  );
}

/** The log records that carry this trace id; null while they are loading. */
function useTraceLogs(id: string, tree: Tree | null): LogRecord[] | null {
  const logs = useQuery({
    queryKey: ["trace-logs", id],
    enabled: tree !== null,
    queryFn: ({ signal }) => {
      const startMilli = tree ? nanosToMilli(tree.startNanos) : 0;
      const endMilli = startMilli + (tree?.duration ?? 0) / 1e6;
      const range = { fromMilli: startMilli - LOG_MARGIN_MILLI, toMilli: endMilli + LOG_MARGIN_MILLI };
      return fetchLogs({ range, q: `trace_id:${id}`, order: "asc", limit: LOG_LIMIT }, signal);
    },
  });
  return logs.data?.value.logs ?? null;
}
