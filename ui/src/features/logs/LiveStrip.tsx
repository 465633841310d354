// What the live tail shows of what arrives: rates, what was left out, gaps of the connection, and pause.
import { Pause, Play, Square } from "lucide-react";
import { useEffect, useState } from "react";
import { formatCount, formatShort, plural } from "../../lib/number.ts";
import styles from "./LiveStrip.module.css";
import { BUFFER_ROWS, type Tail } from "./useTail.ts";

export interface LiveStripProps {
  tail: Tail;
  onPause: () => void;
  onResume: () => void;
  onStop: () => void;
}

const ANNOUNCE_MS = 5000;

export function LiveStrip({ tail, onPause, onResume, onStop }: LiveStripProps) {
  const { state, paused, waiting, shownRate, matchedRate, dropped, gaps, rows } = tail;
  const rate = `showing ${formatShort(shownRate)}/s of ${formatShort(matchedRate)}/s`;
  return (
    <div className={styles.strip} data-state={state} data-paused={paused}>
      <i className={styles.dot} />
      <b>
        {state === "open"
          ? paused
            ? "Paused"
            : "Live"
          : state === "lost"
            ? "Connection lost, trying again"
            : "Connecting"}
      </b>
      <span className="muted">{rate}</span>
      {dropped > 0 && (
        <span
          className="badge warn"
          title="More matching records arrived than can be shown; the search has all of them"
        >
          {formatCount(dropped)} left out
        </span>
      )}
      {gaps > 0 && (
        <span className="badge warn" title="What arrived while the connection was lost is only in the search">
          {plural(gaps, "gap")}
        </span>
      )}
      {rows.length >= BUFFER_ROWS && <span className="badge">the newest {formatCount(BUFFER_ROWS)} are kept</span>}
      <span className="grow" />
      {paused && waiting > 0 && (
        <button type="button" className="button small" onClick={onResume}>
          {formatCount(waiting)} new
        </button>
      )}
      <button
        type="button"
        className="button small"
        onClick={paused ? onResume : onPause}
        title={paused ? "Go on (Space)" : "Pause (Space)"}
      >
        {paused ? <Play size={13} aria-hidden /> : <Pause size={13} aria-hidden />} {paused ? "Go on" : "Pause"}
      </button>
      <button type="button" className="button small" onClick={onStop} title="Back to the search (l)">
        <Square size={12} aria-hidden /> Stop
      </button>
      <Counter text={`${formatCount(rows.length)} rows, ${rate}`} />
    </div>
  );
}

/** Spoken at most every five seconds; the rows themselves are not announced. */
function Counter({ text }: { text: string }) {
  const [spoken, setSpoken] = useState("");
  useEffect(() => {
    const timer = setTimeout(() => setSpoken(text), ANNOUNCE_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <span className="sr-only" aria-live="polite">
      {spoken}
    </span>
  );
}
