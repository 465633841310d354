// The states a panel can be in besides "here is the data". `QueryState` chooses between them; these are their looks.
import { AlertTriangle, CircleSlash, Hourglass, Inbox, SearchX, Tags } from "lucide-react";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { ApiError } from "../api/client.ts";
import { CopyButton } from "./CopyButton.tsx";
import styles from "./States.module.css";

export type Shape = "rows" | "chart" | "stat" | "tiles";

export interface SkeletonProps {
  rows?: number;
  rowHeight?: number;
  shape?: Shape;
}

const TILES = 5;

/** The outline of what will come; invisible for the first 150 ms, so quick answers do not flash. */
export function Skeleton({ rows = 12, rowHeight = 28, shape = "rows" }: SkeletonProps) {
  const [visible, setVisible] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setVisible(true), 150);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div className={styles.skeleton} role="status" aria-label="Loading" data-visible={visible} data-shape={shape}>
      {shape === "rows" ? (
        Array.from({ length: rows }, (_, index) => (
          <div
            key={index}
            className={styles.bone}
            style={{ height: rowHeight - 10, width: `${92 - ((index * 37) % 40)}%` }}
          />
        ))
      ) : shape === "tiles" ? (
        Array.from({ length: TILES }, (_, index) => <div key={index} className={styles.bone} />)
      ) : (
        <div className={styles.bone} />
      )}
    </div>
  );
}

export type EmptyReason = "never-received" | "filtered" | "out-of-range" | "mismatch" | "waiting" | "none";

export interface EmptyProps {
  reason: EmptyReason;
  title: string;
  children?: ReactNode;
}

const EMPTY_ICONS = {
  "never-received": Inbox,
  filtered: SearchX,
  "out-of-range": CircleSlash,
  mismatch: Tags,
  waiting: Hourglass,
  none: CircleSlash,
};

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
  forbidden: "You may not do this",
  unauthenticated: "Log in again",
  read_only: "This cannot be changed here",
  conflict: "Somebody else changed it",
};

/** What to do about it, where that does not stand in the message. */
const KIND_REMEDIES: Record<string, string> = {
  timeout: "A shorter range or a narrower filter looks at less.",
  limit_exceeded: "A shorter range, a larger step or a narrower filter stays below it.",
  too_large: "A shorter range or a narrower filter stays below it.",
  unavailable: "It is starting, or has too much to do; this page asks again by itself.",
  offline: "What stood here before stays; this page asks again by itself.",
};

const RETRY_FIRST_MS = 2000;
const RETRY_MAX_MS = 30_000;

/** Asks again after 2, 4, 8 .. 30 seconds when the server was not there; other errors would only repeat. */
function useRetries(kind: string, onRetry: (() => void) | undefined): void {
  const attempt = useRef(0);
  const retry = useRef(onRetry);
  retry.current = onRetry;
  const again = (kind === "offline" || kind === "unavailable") && onRetry !== undefined;
  useEffect(() => {
    if (!again) return;
    let timer: ReturnType<typeof setTimeout>;
    const wait = () => {
      timer = setTimeout(
        () => {
          attempt.current++;
          if (!document.hidden) retry.current?.();
          wait();
        },
        Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** attempt.current),
      );
    };
    wait();
    return () => clearTimeout(timer);
  }, [again]);
}

export function ErrorBox({ error, query, onRetry, onApply }: ErrorBoxProps) {
  const api = error instanceof ApiError ? error : new ApiError("internal", error.message);
  const { position, suggestion, requestId } = api.facts;
  const details = JSON.stringify({ kind: api.kind, message: api.message, ...api.facts, query }, null, 2);
  useRetries(api.kind, onRetry);
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
        {KIND_REMEDIES[api.kind] && <p className="muted">{KIND_REMEDIES[api.kind]}</p>}
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

const SLOW_MS = 2000;

/** Two pixels that move while an answer is fetched over data that stays; after two seconds with the time and a way to stop. */
export function RefreshBar({ busy, onCancel }: { busy: boolean; onCancel?: (() => void) | undefined }) {
  const [seconds, setSeconds] = useState(0);
  useEffect(() => {
    if (!busy) return;
    const started = performance.now();
    const timer = setInterval(() => setSeconds(Math.floor((performance.now() - started) / 1000)), 500);
    return () => {
      clearInterval(timer);
      setSeconds(0);
    };
  }, [busy]);
  if (!busy) return null;
  return (
    <div className={styles.refresh} role="progressbar" aria-label="Refreshing">
      <i />
      {seconds * 1000 >= SLOW_MS && (
        <span className={styles.slow}>
          {seconds} s
          {onCancel && (
            <button type="button" className="button small" onClick={onCancel}>
              Cancel
            </button>
          )}
        </span>
      )}
    </div>
  );
}

/** What was left out, as a small badge: "top 20 of 412 series", "sampled 1:10", "M4 1.0 M to 6.4 k". */
export function LimitBadge({ children, title }: { children: ReactNode; title?: string }) {
  return (
    <span className="badge warn" title={title}>
      {children}
    </span>
  );
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
