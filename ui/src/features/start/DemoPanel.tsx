// Two ways to see something at once: a test that follows its own trace, log and metric through the server, and the demo.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Check, FlaskConical, Play, Square, Trash2, X } from "lucide-react";
import { useState } from "react";
import { ApiError } from "../../api/client.ts";
import {
  fetchStart,
  removeDemo,
  START_KEY,
  sendTest,
  switchDemo,
  type TestEnd,
  type TestStep,
} from "../../api/start.ts";
import { ErrorBox } from "../../components/States.tsx";
import { formatDuration } from "../../lib/time/format.ts";
import styles from "./DemoPanel.module.css";

const POLL_MS = 4000;

export function DemoPanel() {
  const client = useQueryClient();
  const start = useQuery({
    queryKey: START_KEY,
    queryFn: ({ signal }) => fetchStart(signal),
    refetchInterval: (query) => (query.state.error ? false : POLL_MS),
    retry: false,
    staleTime: 0,
  });
  const [steps, setSteps] = useState<TestStep[]>([]);
  const [end, setEnd] = useState<TestEnd | null>(null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Error | null>(null);
  const [removing, setRemoving] = useState(false);
  // A server without these functions answers 404; then there is nothing to offer.
  if (!start.data) return null;
  const { demo } = start.data;
  const act = async (run: () => Promise<unknown>) => {
    setBusy(true);
    setError(null);
    try {
      await run();
    } catch (cause) {
      setError(cause instanceof Error ? cause : new ApiError("internal", String(cause)));
    } finally {
      setBusy(false);
      void client.invalidateQueries({ queryKey: START_KEY });
      void client.invalidateQueries({ queryKey: ["status"] });
    }
  };
  const test = () =>
    act(async () => {
      setSteps([]);
      setEnd(null);
      setEnd(await sendTest((step) => setSteps((old) => [...old, step]), new AbortController().signal));
    });
  return (
    <section className={styles.panel} aria-label="Try it">
      <div className={styles.buttons}>
        <button type="button" className="button" disabled={busy} onClick={() => void test()}>
          <FlaskConical size={14} aria-hidden /> Send a test
        </button>
        {demo.switchable && (
          <button
            type="button"
            className="button"
            disabled={busy}
            onClick={() => void act(() => switchDemo(!demo.running))}
          >
            {demo.running ? <Square size={13} aria-hidden /> : <Play size={14} aria-hidden />}
            {demo.running ? "Stop the demo" : "Load demo data"}
          </button>
        )}
        {demo.removable && !removing && (
          <button type="button" className="button quiet" disabled={busy} onClick={() => setRemoving(true)}>
            <Trash2 size={14} aria-hidden /> Remove demo data
          </button>
        )}
      </div>
      {removing && (
        <div className={styles.confirm} role="alertdialog" aria-label="Remove demo data">
          <p>All traces, logs and metrics of the demo are deleted. Your own data stays.</p>
          <button
            type="button"
            className="button primary small"
            onClick={() => {
              setRemoving(false);
              void act(removeDemo);
            }}
          >
            Delete it
          </button>
          <button type="button" className="button small" onClick={() => setRemoving(false)}>
            Keep it
          </button>
        </div>
      )}
      {demo.running && !demo.removable && (
        <p className="faint">
          What the demo sends stays until its retention is over: the services meetsmatch-*, nginx, postgresql and redis
          with <code>deployment.environment.name=demo</code>. To be rid of it at once, start with another data folder.
        </p>
      )}
      {error && <ErrorBox error={error} />}
      {(steps.length > 0 || end) && (
        <ol className={styles.steps} role="status">
          {bySignal(steps).map(([signal, own]) => (
            <TestRow key={signal} signal={signal} steps={own} />
          ))}
          {end && (
            <li data-ok={end.ok} className={styles.end}>
              {end.ok ? "Everything arrived." : "Not everything arrived."}
              {end.trace_id && (
                <Link to="/traces/$traceId" params={{ traceId: end.trace_id }} search={{}}>
                  Open the trace
                </Link>
              )}
              {end.log_id && (
                <Link to="/logs" search={{ peek: `log:${end.log_id}` }}>
                  the record
                </Link>
              )}
              {end.metric && (
                <Link to="/metrics" search={{ q: end.metric }}>
                  the metric
                </Link>
              )}
            </li>
          )}
        </ol>
      )}
    </section>
  );
}

function bySignal(steps: readonly TestStep[]): [string, TestStep[]][] {
  const groups = new Map<string, TestStep[]>();
  for (const step of steps) groups.set(step.signal, [...(groups.get(step.signal) ?? []), step]);
  return [...groups];
}

const DONE: Record<string, string> = { send: "sent", receive: "received", store: "stored", query: "found" };

/** One signal on its way: a mark for each station, the time of the whole way, and what went wrong. */
function TestRow({ signal, steps }: { signal: string; steps: TestStep[] }) {
  const failed = steps.find((step) => !step.ok);
  const total = steps.reduce((sum, step) => sum + (step.step === "receive" ? 0 : step.elapsed_ms), 0);
  return (
    <li data-ok={!failed} className={styles.row}>
      <strong>{signal}</strong>
      {steps.map((step) => (
        <span key={step.step} data-ok={step.ok} title={formatDuration(step.elapsed_ms * 1e6)}>
          {step.ok ? <Check size={12} aria-hidden /> : <X size={12} aria-hidden />}
          {step.ok ? (DONE[step.step] ?? step.step) : `not ${DONE[step.step] ?? step.step}`}
        </span>
      ))}
      <span className="grow" />
      <span className="faint">{formatDuration(total * 1e6)}</span>
      {failed?.message && <p>{failed.message}</p>}
    </li>
  );
}
