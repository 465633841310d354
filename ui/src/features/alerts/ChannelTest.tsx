// A test message, step by step as it happens: written, address found, connected, encrypted, answered.
import { useEffect, useRef, useState } from "react";
import { type TestLine, testChannel } from "../../api/channels.ts";
import type { Step } from "../../api/notifications.ts";
import { ErrorBox } from "../../components/States.tsx";
import { formatDuration } from "../../lib/time/format.ts";
import styles from "./Alerts.module.css";
import { OutcomeTag, StepList } from "./DeliveryList.tsx";

export interface ChannelTestProps {
  receiver: string;
  /** As `slack[0]`; all channels of the receiver when null. */
  channel: string | null;
  /** The alert that the message is about; a made up one when null. */
  alert: { labels: Record<string, string>; annotations: Record<string, string> } | null;
  onDone?: () => void;
}

interface Progress {
  channel: string;
  steps: Step[];
  end: TestLine | null;
  ownAlert: boolean;
}

export function withLine(progress: readonly Progress[], line: TestLine): Progress[] {
  const old = progress.find((each) => each.channel === line.channel) ?? {
    channel: line.channel,
    steps: [],
    end: null,
    ownAlert: false,
  };
  const next: Progress = {
    ...old,
    steps: line.step && line.step.step !== "begin" ? [...old.steps, line.step] : old.steps,
    end: line.step ? old.end : line,
    ownAlert: old.ownAlert || line.ownAlert,
  };
  return progress.some((each) => each.channel === line.channel)
    ? progress.map((each) => (each.channel === line.channel ? next : each))
    : [...progress, next];
}

export function ChannelTest({ receiver, channel, alert, onDone }: ChannelTestProps) {
  const [progress, setProgress] = useState<Progress[]>([]);
  const [elapsed, setElapsed] = useState<number | null>(null);
  const [running, setRunning] = useState(false);
  const [error, setError] = useState<Error | null>(null);
  const controller = useRef<AbortController | null>(null);
  useEffect(() => () => controller.current?.abort(), []);
  useEffect(() => {
    if (!running) return;
    const began = performance.now();
    const timer = setInterval(() => setElapsed(performance.now() - began), 100);
    return () => {
      clearInterval(timer);
      setElapsed(performance.now() - began);
    };
  }, [running]);
  const run = async () => {
    controller.current?.abort();
    const own = new AbortController();
    controller.current = own;
    setProgress([]);
    setError(null);
    setRunning(true);
    try {
      await testChannel(receiver, channel, alert, (line) => setProgress((old) => withLine(old, line)), own.signal);
    } catch (failure) {
      if (!own.signal.aborted) setError(failure instanceof Error ? failure : new Error(String(failure)));
    } finally {
      if (!own.signal.aborted) {
        setRunning(false);
        onDone?.();
      }
    }
  };
  const generic = alert !== null && progress.some((each) => each.end !== null && !each.ownAlert);
  return (
    <div className={styles.form}>
      <div className={styles.actions}>
        <button type="button" className="button primary" disabled={running} onClick={() => void run()}>
          {running ? "Sending" : progress.length > 0 ? "Send again" : "Send a test"}
        </button>
        {elapsed !== null && (
          <span className="muted" role="timer">
            {formatDuration(elapsed * 1e6)}
          </span>
        )}
      </div>
      {error && <ErrorBox error={error} />}
      <div aria-live="polite">
        {progress.map((each) => (
          <section key={each.channel} className={styles.tested} aria-label={`Test of ${each.channel}`}>
            <p>
              <strong>{each.channel}</strong>{" "}
              {each.end ? <OutcomeTag outcome={each.end.outcome} /> : <span className="badge">on its way</span>}{" "}
              {each.end?.latency_ms !== null && each.end !== null && (
                <span className="faint">{formatDuration(each.end.latency_ms * 1e6)}</span>
              )}
            </p>
            <StepList steps={each.steps} />
            {each.end?.reason && (
              <p className={each.end.outcome === "delivered" ? "muted" : styles.problem}>{each.end.reason}</p>
            )}
          </section>
        ))}
      </div>
      {generic && <p className={styles.hint}>This server sends its own test alert, not the one of the rule.</p>}
    </div>
  );
}
