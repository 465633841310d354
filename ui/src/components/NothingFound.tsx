// An empty answer, explained by the server: nothing ever arrived, nothing in this range, nothing that matches, a label
// that does not exist, or a window that needs more samples. Each with the one click that leads out.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { fetchStatus, type SignalStatus } from "../api/status.ts";
import { type EmptySignal, fetchWhyEmpty, type Mismatch, type WhyEmpty } from "../api/why-empty.ts";
import { removeTerm, splitTerms } from "../lib/filter.ts";
import { formatCount, formatShort } from "../lib/number.ts";
import { formatDuration, formatInstant, formatRelative } from "../lib/time/format.ts";
import type { Range } from "../lib/time/range.ts";
import { useTime } from "../lib/view.ts";
import { CodeText } from "./CodeText.tsx";
import styles from "./NothingFound.module.css";
import { Empty, Skeleton } from "./States.tsx";

export interface NothingFoundProps {
  signal: EmptySignal;
  query: string;
  onQuery: (query: string) => void;
  /** What is said when there is data and nothing in the query takes it away. */
  otherwise?: ReactNode;
}

const MAX_TERMS = 6;
const BEFORE_MILLI = 1_800_000;
const AFTER_MILLI = 60_000;

export function NothingFound({ signal, query, onQuery, otherwise }: NothingFoundProps) {
  const time = useTime();
  const why = useQuery({
    queryKey: ["why-empty", signal, query, time.range],
    queryFn: ({ signal: abort }) => fetchWhyEmpty(signal, query, time.range, abort),
    retry: false,
  });
  const status = useQuery({
    queryKey: ["status"],
    queryFn: ({ signal: abort }) => fetchStatus(abort),
    enabled: why.isError,
  });
  if (why.isPending || (why.isError && status.isPending)) return <Skeleton rows={3} />;
  const answer = why.data ?? guess(status.data?.signals[signal], query, time.range, signal);
  if (otherwise !== undefined && (answer.reason === "present" || answer.reason === "unknown")) return otherwise;
  return <Explained signal={signal} query={query} onQuery={onQuery} why={answer} />;
}

/** What can be said without the server's reasons: from what arrived and from the terms of the query. */
export function guess(facts: SignalStatus | undefined, query: string, range: Range, signal: EmptySignal): WhyEmpty {
  const newest = facts?.last_received_unix_milli ?? null;
  const terms = signal === "metrics" ? [] : splitTerms(query).filter((part) => !/^(AND|OR|NOT)$/.test(part));
  const never = facts !== undefined && facts.accepted === 0 && newest === null;
  const old = newest !== null && newest < range.fromMilli;
  return {
    reason: never ? "never_received" : old ? "out_of_range" : terms.length > 0 ? "filtered" : "unknown",
    sentence: "",
    accepted: facts?.accepted ?? 0,
    refused: facts?.refused ?? 0,
    oldest_unix_milli: null,
    newest_unix_milli: newest,
    retention_seconds: null,
    terms: terms.map((text) => ({ text, without: -1 })),
    mismatches: [],
    waiting: null,
  };
}

function Explained({ signal, query, onQuery, why }: NothingFoundProps & { why: WhyEmpty }) {
  const time = useTime();
  const said = why.sentence && (
    <p>
      <CodeText>{opened(why.sentence)}</CodeText>
    </p>
  );
  switch (why.reason) {
    case "never_received":
      return (
        <Empty reason="never-received" title={`No ${signal} have ever arrived`}>
          <p>
            {why.refused > 0
              ? `${formatCount(why.refused)} were refused: Add data says why.`
              : "Nothing was refused either."}
          </p>
          <Link to="/start" className="button primary">
            Add data
          </Link>
        </Empty>
      );
    case "filtered":
      return (
        <Empty reason="filtered" title={`No ${signal} match this query in this range`}>
          {said || <p>Take away a term:</p>}
          <Terms query={query} terms={why.terms} onQuery={onQuery} />
          <Widen />
        </Empty>
      );
    case "label_mismatch":
      return (
        <Empty reason="mismatch" title="No series match">
          {why.mismatches.map((mismatch) => (
            <div key={mismatch.message} className={styles.mismatch}>
              <p>
                <CodeText>{opened(mismatch.message)}</CodeText>
              </p>
              {mismatch.similar.length > 0 && (
                <>
                  <p className="muted">There is:</p>
                  <ul className={styles.terms}>
                    {mismatch.similar.slice(0, MAX_TERMS).map((name) => (
                      <li key={name}>
                        <button
                          type="button"
                          className="button small"
                          title={repaired(query, mismatch, name)}
                          onClick={() => onQuery(repaired(query, mismatch, name))}
                        >
                          <code>{name}</code>
                        </button>
                      </li>
                    ))}
                  </ul>
                </>
              )}
              {mismatch.similar.length === 0 && (
                <button type="button" className="button" onClick={() => onQuery("")}>
                  All metrics
                </button>
              )}
            </div>
          ))}
        </Empty>
      );
    case "waiting":
      return (
        <Empty
          reason="waiting"
          title={`${why.waiting?.samples ?? 0} of ${why.waiting?.samples_needed ?? 2} samples so far`}
        >
          {said}
          {why.waiting?.next_unix_milli && (
            <p>The next one is expected {formatRelative(why.waiting.next_unix_milli, time.asOfMilli)}.</p>
          )}
        </Empty>
      );
    default:
      return (
        <Empty
          reason="out-of-range"
          title={why.reason === "present" ? "The data is there; the query takes it away" : `No ${signal} in this range`}
        >
          {said}
          <Extent why={why} />
        </Empty>
      );
  }
}

function Terms({ query, terms, onQuery }: { query: string; terms: WhyEmpty["terms"]; onQuery: (q: string) => void }) {
  return (
    <ul className={styles.terms}>
      {terms.slice(0, MAX_TERMS).map((part) => (
        <li key={part.text}>
          <button
            type="button"
            className="button small"
            disabled={part.without === 0}
            onClick={() => onQuery(removeTerm(query, part.text))}
          >
            without <code>{part.text}</code>
            {part.without >= 0 && <span className="faint">{formatShort(part.without)} match</span>}
          </button>
        </li>
      ))}
    </ul>
  );
}

/** The query with what does not exist replaced by what does. */
export function repaired(query: string, mismatch: Mismatch, by: string): string {
  if (mismatch.value !== null) return query.replaceAll(`"${mismatch.value}"`, `"${by}"`);
  const wrong = mismatch.label ?? mismatch.metric;
  const escaped = wrong.replaceAll(/[^\w]/g, "\\$&");
  return query.replaceAll(new RegExp(`(?<![\\w:.])${escaped}(?![\\w:.])`, "g"), by);
}

/** A sentence of the server with a capital letter, unless it begins with a name. */
function opened(sentence: string): string {
  return sentence.charAt(0).toUpperCase() + sentence.slice(1);
}

function ago(unixMilli: number, nowMilli: number): string {
  const text = formatRelative(unixMilli, nowMilli);
  return text === "now" ? "a moment ago" : text;
}

/** Where the data is that this range misses. */
function Extent({ why }: { why: WhyEmpty }) {
  const time = useTime();
  const { newest_unix_milli: newest, oldest_unix_milli: oldest, retention_seconds: retention } = why;
  const outside = newest !== null && (newest < time.range.fromMilli || newest > time.range.toMilli);
  return (
    <>
      {newest !== null && <p title={formatInstant(newest, time.zone)}>The newest: {ago(newest, time.asOfMilli)}.</p>}
      {oldest !== null && (
        <p className="faint">
          The oldest is from {formatInstant(oldest, time.zone, false)}
          {retention !== null && `; data is kept for ${formatDuration(retention * 1e9)}`}.
        </p>
      )}
      {outside ? (
        <button
          type="button"
          className="button primary"
          onClick={() => time.setRange({ fromMilli: newest - BEFORE_MILLI, toMilli: newest + AFTER_MILLI })}
        >
          Jump there
        </button>
      ) : (
        <Widen />
      )}
    </>
  );
}

const DAY_MILLI = 86_400_000;

function Widen() {
  const { range, setText } = useTime();
  if (range.toMilli - range.fromMilli >= DAY_MILLI) return null;
  return (
    <button type="button" className="button" onClick={() => setText({ from: "now-24h", to: "now" })}>
      Look at the last 24 h
    </button>
  );
}
