// Messages with what became of them: receiver, attempts, the answer with its code, body and latency, and what was sent.

import { useState } from "react";
import type { Attempt, Notification, Step } from "../../api/notifications.ts";
import { Pre } from "../../components/Pre.tsx";
import { WideTable } from "../../components/WideTable.tsx";
import { plural } from "../../lib/number.ts";
import { formatDuration, formatInstant, formatRelative } from "../../lib/time/format.ts";
import type { Zone } from "../../lib/time/zone.ts";
import styles from "./DeliveryList.module.css";

export interface DeliveryListProps {
  notifications: readonly Notification[];
  nowMilli: number;
  zone: Zone;
}

export function DeliveryList({ notifications, nowMilli, zone }: DeliveryListProps) {
  return (
    <WideTable label="Table of messages">
      <table className={`table ${styles.table}`}>
        <thead>
          <tr>
            <th>Time</th>
            <th>Outcome</th>
            <th>Receiver</th>
            <th>Channel</th>
            <th>Why</th>
            <th className="number">Alerts</th>
            <th className="number">Attempts</th>
            <th>Answer</th>
            <th className="number">Latency</th>
          </tr>
        </thead>
        {notifications.map((message) => (
          <Message key={message.id} message={message} nowMilli={nowMilli} zone={zone} />
        ))}
      </table>
    </WideTable>
  );
}

export function OutcomeTag({ outcome }: { outcome: string }) {
  const tone = outcome === "delivered" ? "ok" : outcome === "suppressed" ? "" : outcome === "retry" ? "warn" : "error";
  return <span className={`badge ${tone}`}>{outcome}</span>;
}

function Message({ message, nowMilli, zone }: { message: Notification; nowMilli: number; zone: Zone }) {
  const [open, setOpen] = useState(false);
  const last = message.attempts.at(-1);
  const answered = last?.steps.findLast((step) => step.code !== null);
  return (
    <tbody>
      <tr>
        <td title={formatInstant(message.time_ms, zone)}>
          <button
            type="button"
            className={styles.toggle}
            aria-expanded={open}
            onClick={() => setOpen(!open)}
            aria-label={`Attempts of ${message.receiver} at ${formatInstant(message.time_ms, zone)}`}
          >
            <span aria-hidden>{open ? "▾" : "▸"}</span> {formatInstant(message.time_ms, zone, false)}
          </button>{" "}
          <span className="faint">{formatRelative(message.time_ms, nowMilli)}</span>
        </td>
        <td>
          <OutcomeTag outcome={message.outcome} />
        </td>
        <td className="clip" title={message.receiver}>
          {message.receiver}
        </td>
        <td className="clip" title={message.target}>
          {message.channel} <span className="faint">{message.target}</span>
        </td>
        <td className="muted">{message.notification_reason}</td>
        <td className="number">
          {message.firing}{" "}
          <span className="faint">{message.resolved > 0 ? `+ ${message.resolved} ended` : "firing"}</span>
        </td>
        <td className="number">{message.attempt_count}</td>
        <td className={styles.answer} title={message.reason || answered?.body}>
          {answered ? (
            <>
              <strong>{answered.code}</strong> <span className="muted">{answered.body}</span>
            </>
          ) : (
            <span className={message.outcome === "delivered" ? "muted" : styles.bad}>{message.reason || "–"}</span>
          )}
        </td>
        <td className="number">{formatDuration(message.latency_ms * 1e6)}</td>
      </tr>
      {open && (
        <tr className={styles.detail}>
          <td colSpan={9}>
            <p className="muted">
              Group <code>{message.group_key}</code>
              {message.reason && (
                <>
                  {" "}
                  · <span className={styles.bad}>{message.reason}</span>
                </>
              )}
            </p>
            {message.attempts.length === 0 && <p className="faint">No attempt was made.</p>}
            {message.attempts.map((attempt) => (
              <AttemptView key={attempt.number} attempt={attempt} />
            ))}
            {message.attempt_count > message.attempts.length && message.attempts.length > 0 && (
              <p className="faint">
                {plural(message.attempt_count - message.attempts.length, "attempt")} between are not kept.
              </p>
            )}
          </td>
        </tr>
      )}
    </tbody>
  );
}

function AttemptView({ attempt }: { attempt: Attempt }) {
  return (
    <section className={styles.attempt} aria-label={`Attempt ${attempt.number}`}>
      <p>
        <strong>Attempt {attempt.number}</strong> <OutcomeTag outcome={attempt.outcome} />{" "}
        <span className="faint">{formatDuration(attempt.latency_ms * 1e6)}</span>
      </p>
      <StepList steps={attempt.steps} />
    </section>
  );
}

const STEP_TITLES: Record<string, string> = {
  begin: "Begin",
  render: "Write the message",
  resolve: "Find the address",
  connect: "Connect",
  tls: "Encrypt",
  auth: "Log in",
  answer: "Answer",
};

export function StepList({ steps }: { steps: readonly Step[] }) {
  return (
    <ol className={styles.steps}>
      {steps.map((step, at) => (
        <li key={at} data-ok={step.ok}>
          <span className={styles.mark} aria-hidden>
            {step.ok ? "✓" : "✗"}
          </span>
          <span>{STEP_TITLES[step.step] ?? step.step}</span>
          <span className={step.ok ? "muted" : styles.bad}>
            {step.code !== null && <strong>{step.code} </strong>}
            {step.summary}
            {!step.ok && <span className="sr-only"> failed</span>}
          </span>
          <span className="faint">{step.latency_ms === null ? "" : formatDuration(step.latency_ms * 1e6)}</span>
          {step.body !== "" && (
            <Pre className={styles.payload} title={step.step === "render" ? "What was sent" : "What was answered"}>
              {step.body}
            </Pre>
          )}
        </li>
      ))}
    </ol>
  );
}
