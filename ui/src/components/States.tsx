// The states every panel can be in besides "here is the data": loading, nothing yet, nothing found, error, partial.
import { AlertTriangle, CircleSlash, Inbox, SearchX } from "lucide-react";
import { type ReactNode, useEffect, useState } from "react";
import { ApiError } from "../api/client.ts";
import { CopyButton } from "./CopyButton.tsx";
import styles from "./States.module.css";

/** Rows of the right height; invisible for the first 150 ms, so quick answers do not flash. */
export function Skeleton({ rows = 12, rowHeight = 28 }: { rows?: number; rowHeight?: number }) {
  const [visible, setVisible] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setVisible(true), 150);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div className={styles.skeleton} role="status" aria-label="Loading" data-visible={visible}>
      {Array.from({ length: rows }, (_, index) => (
        <div
          key={index}
          className={styles.bone}
          style={{ height: rowHeight - 10, width: `${92 - ((index * 37) % 40)}%` }}
        />
      ))}
    </div>
  );
}

export type EmptyReason = "never-received" | "filtered" | "out-of-range" | "none";

export interface EmptyProps {
  reason: EmptyReason;
  title: string;
  children?: ReactNode;
}

const EMPTY_ICONS = { "never-received": Inbox, filtered: SearchX, "out-of-range": CircleSlash, none: CircleSlash };

export function Empty({ reason, title, children }: EmptyProps) {
  const Icon = EMPTY_ICONS[reason];
  return (
    <div className={styles.empty} data-reason={reason}>
      <Icon size={28} strokeWidth={1.5} aria-hidden className={styles.emptyIcon} />
      <h2>{title}</h2>
      {children && <div className={styles.emptyBody}>{children}</div>}
    </div>
  );
}

/** Kinds of the native API, of the Prometheus API, and the two made in the browser. */
const KIND_TITLES: Record<string, string> = {
  invalid_input: "The query is not valid",
  bad_data: "The query is not valid",
  bad_request: "The query is not valid",
  execution: "The query could not be evaluated",
  not_found: "Not found",
  too_large: "Too large",
  limit_exceeded: "A limit was reached",
  timeout: "The query took too long",
  canceled: "The query was cancelled",
  unsupported: "Not supported",
  unavailable: "The server is not ready",
  internal: "The server failed",
  server: "The server failed",
  offline: "The server does not answer",
  unexpected: "The answer was not understood",
};

export function ErrorBox({ error, query, onRetry, onApply }: ErrorBoxProps) {
  const api = error instanceof ApiError ? error : new ApiError("internal", error.message);
  const { position, suggestion, requestId } = api.facts;
  const details = JSON.stringify({ kind: api.kind, message: api.message, ...api.facts, query }, null, 2);
  return (
    <div className={styles.error} role="alert">
      <AlertTriangle size={16} aria-hidden className={styles.errorIcon} />
      <div className={styles.errorText}>
        <strong>{KIND_TITLES[api.kind] ?? "The query failed"}</strong>
        <p>{api.message}</p>
        {query && position && <Underlined query={query} {...position} />}
        {suggestion && (
          <p className="muted">
            Did you mean:{" "}
            {onApply ? (
              <ApplyButton text={suggestion} onApply={() => onApply(corrected(query ?? "", suggestion, position))} />
            ) : (
              <code>{suggestion}</code>
            )}
          </p>
        )}
        {requestId && <p className="faint">request {requestId}</p>}
      </div>
      {onRetry && (
        <button type="button" className="button small" onClick={onRetry}>
          Retry
        </button>
      )}
      <CopyButton text={details} label="Copy details" />
    </div>
  );
}

export interface ErrorBoxProps {
  error: Error;
  /** The text `position` refers to. */
  query?: string;
  onRetry?: () => void;
  /** Gets the corrected query. */
  onApply?: (query: string) => void;
}

function ApplyButton({ text, onApply }: { text: string; onApply: () => void }) {
  return (
    <button type="button" className={styles.apply} onClick={onApply}>
      <code>{text}</code>
    </button>
  );
}

/** The query with the part at `position` replaced; without a position the suggestion is the whole query. */
export function corrected(query: string, suggestion: string, position?: { offset: number; length: number }): string {
  if (!position) return suggestion;
  const [start, end] = byteRange(query, position.offset, position.length);
  return query.slice(0, start) + suggestion + query.slice(end);
}

/** The part of a query an error is about. Positions are byte offsets; `byteRange` turns them into characters. */
function Underlined({ query, offset, length }: { query: string; offset: number; length: number }) {
  const [start, end] = byteRange(query, offset, length);
  return (
    <pre className={styles.underlined}>
      {query.slice(0, start)}
      <span className={styles.wave}>{query.slice(start, end) || "\u00a0"}</span>
      {query.slice(end)}
    </pre>
  );
}

/** UTF-16 indices of a range given in UTF-8 bytes. */
export function byteRange(text: string, offset: number, length: number): [number, number] {
  let bytes = 0;
  let start = text.length;
  let end = text.length;
  let index = 0;
  for (const char of text) {
    if (bytes >= offset && start === text.length) start = index;
    if (bytes >= offset + length) {
      end = index;
      break;
    }
    const code = char.codePointAt(0) ?? 0;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    index += char.length;
  }
  return [Math.min(start, end), end];
}

export function PartialStrip({ reason, onRetry }: { reason: string; onRetry?: () => void }) {
  return (
    <div className={styles.partial} role="status">
      <AlertTriangle size={14} aria-hidden />
      <span className="grow">Incomplete answer: {reason}</span>
      {onRetry && (
        <button type="button" className="button small" onClick={onRetry}>
          Retry
        </button>
      )}
    </div>
  );
}
