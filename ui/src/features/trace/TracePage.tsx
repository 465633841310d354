// One trace: from the server by its id, or from a file that was dropped onto the page.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { ApiError, serverNow } from "../../api/client.ts";
import { fetchLogs, type LogRecord } from "../../api/logs.ts";
import { fetchColumns } from "../../api/trace-columns.ts";
import { DropTraceFile } from "../../components/DropTraceFile.tsx";
import { Empty, ErrorBox, PartialStrip, Skeleton } from "../../components/States.tsx";
import { aroundIn } from "../../lib/around.ts";
import { EMPTY_REPORT, useReport } from "../../lib/report.ts";
import { useStore } from "../../lib/store.ts";
import { traceFile } from "../../lib/trace-file.ts";
import { useView } from "../../lib/view.ts";
import { fileSource, serverSource, traceRange } from "./source.ts";
import styles from "./TraceView.module.css";
import { TraceView } from "./TraceView.tsx";
import type { TraceTree } from "./tree.ts";
import { readAnswer, readFile } from "./worker.ts";

const POLL_MS = 3000;
const ARRIVING_MILLI = 30_000;
const LOG_LIMIT = 1000;

export function TracePage() {
  const { traceId = "" } = useParams({ strict: false });
  return (
    <DropTraceFile>
      {traceId === "file" ? <FileTracePage /> : <StoredTracePage id={traceId.toLowerCase()} />}
    </DropTraceFile>
  );
}

function StoredTracePage({ id }: { id: string }) {
  const around = aroundIn(useView().search);
  const trace = useQuery({
    queryKey: ["trace", id],
    queryFn: async ({ signal }) => {
      const { value, elapsedMs } = await fetchColumns(id, around, signal);
      return { ...(await readAnswer(value)), elapsedMs };
    },
    // Typed arrays of a hundred thousand spans are replaced, not compared.
    structuralSharing: false,
    refetchInterval: (query) => (query.state.data && isArriving(query.state.data.tree) ? POLL_MS : false),
  });
  const data = trace.data;
  const tree = data && data.tree.count > 0 ? data.tree : null;
  const records = useTraceLogs(id, tree);
  const source = useMemo(() => (tree ? serverSource(tree) : null), [tree]);
  useReport({
    ...EMPTY_REPORT,
    asOfMilli: trace.dataUpdatedAt || null,
    elapsedMs: data?.elapsedMs ?? null,
    rowsScanned: data?.stats?.rows_scanned ?? null,
    partial: data?.partial?.reason ?? null,
    busy: trace.isFetching,
  });
  if (trace.isPending) return <Skeleton rows={26} rowHeight={24} />;
  if (trace.error) {
    const missing = trace.error instanceof ApiError && trace.error.facts.status === 404;
    return missing ? <NotFound id={id} /> : <ErrorBox error={trace.error} onRetry={() => void trace.refetch()} />;
  }
  if (!tree || !source || !data) return <NotFound id={id} />;
  return (
    <>
      {data.partial && <PartialStrip reason={data.partial.reason} onRetry={() => void trace.refetch()} />}
      <TraceView
        key={id}
        sent={tree}
        sentPath={data.path}
        source={source}
        records={records}
        arriving={isArriving(tree)}
      />
    </>
  );
}

function FileTracePage() {
  const file = useStore(traceFile);
  const [shown, setShown] = useState(0);
  const read = useQuery({
    queryKey: ["trace-file", file?.id],
    enabled: file !== null,
    retry: false,
    structuralSharing: false,
    // The bytes are handed to the worker; the file keeps its own.
    queryFn: () => readFile((file?.bytes ?? new ArrayBuffer(0)).slice(0)),
  });
  const traces = read.data ?? [];
  const trace = traces[Math.min(shown, traces.length - 1)];
  const source = useMemo(() => (trace ? fileSource(trace.tree, trace.spans) : null), [trace]);
  useReport({ ...EMPTY_REPORT, notes: file ? [`from ${file.name}, not stored`] : [] });
  if (!file) {
    return (
      <Empty reason="none" title="The file is no longer open">
        <p>Traces of files are shown, not stored. Drop the file here again: JSON of Jaeger, or OTLP/JSON.</p>
      </Empty>
    );
  }
  if (read.error) return <ErrorBox error={read.error} />;
  if (!trace || !source) return <Skeleton rows={26} rowHeight={24} />;
  return (
    <>
      {traces.length > 1 && (
        <label className={styles.file}>
          {file.name} has {traces.length} traces
          <select className="input" value={shown} onChange={(event) => setShown(Number(event.target.value))}>
            {traces.map(({ tree }, at) => (
              <option key={tree.traceId} value={at}>
                {tree.traceId} ({tree.count} spans)
              </option>
            ))}
          </select>
        </label>
      )}
      <TraceView
        key={source.key}
        sent={trace.tree}
        sentPath={trace.path}
        source={source}
        records={NO_RECORDS}
        arriving={false}
      />
    </>
  );
}

const NO_RECORDS: LogRecord[] = [];

/** Spans of a young trace may still be on their way. */
function isArriving(tree: TraceTree): boolean {
  return serverNow() - (Number(tree.startNanos / 1_000_000n) + tree.duration / 1e6) < ARRIVING_MILLI;
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
function useTraceLogs(id: string, tree: TraceTree | null): LogRecord[] | null {
  const logs = useQuery({
    queryKey: ["trace-logs", id, tree?.count],
    enabled: tree !== null,
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) => {
      const range = tree ? traceRange(tree) : { fromMilli: 0, toMilli: 0 };
      return fetchLogs({ range, q: `trace_id:${id}`, order: "asc", limit: LOG_LIMIT }, signal);
    },
  });
  return logs.data?.value.logs ?? null;
}
