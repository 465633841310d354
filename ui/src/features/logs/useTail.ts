// The live tail: records as they arrive, over server-sent events. What the server or the buffer leaves out is counted.
import { useCallback, useEffect, useRef, useState } from "react";
import { apiUrl } from "../../api/client.ts";
import { tailed } from "../../api/logs.ts";
import { type LogRow, toRow } from "./rows.ts";

/** Records that are kept; older ones are let go. */
export const BUFFER_ROWS = 20_000;
const RATE_WINDOW_MS = 5000;

export interface Tail {
  /** The newest first. */
  rows: readonly LogRow[];
  /** Rows put in above by the last event. */
  shift: number;
  /** Arrived while paused. */
  waiting: number;
  paused: boolean;
  pause: (on: boolean) => void;
  state: "connecting" | "open" | "lost";
  /** Per second over the last five seconds: shown, and matching in all. */
  shownRate: number;
  matchedRate: number;
  /** Matching records that were left out since the tail began. */
  dropped: number;
  /** How often the connection was lost; what arrived meanwhile is not here. */
  gaps: number;
}

interface Buffer {
  rows: readonly LogRow[];
  shift: number;
}

const EMPTY: Buffer = { rows: [], shift: 0 };

export function useTail(q: string, on: boolean): Tail {
  const [buffer, setBuffer] = useState<Buffer>(EMPTY);
  const [paused, setPaused] = useState(false);
  const [waiting, setWaiting] = useState(0);
  const [state, setState] = useState<Tail["state"]>("connecting");
  const [rates, setRates] = useState({ shown: 0, matched: 0 });
  const [dropped, setDropped] = useState(0);
  const [gaps, setGaps] = useState(0);
  const held = useRef<LogRow[]>([]);
  const isPaused = useRef(false);
  const recent = useRef<{ at: number; shown: number; matched: number }[]>([]);

  const release = useCallback((fresh: readonly LogRow[]) => {
    if (fresh.length === 0) return;
    setBuffer(({ rows }) => ({ rows: fresh.concat(rows).slice(0, BUFFER_ROWS), shift: fresh.length }));
  }, []);
  const pause = useCallback(
    (next: boolean) => {
      isPaused.current = next;
      setPaused(next);
      if (next) return;
      release(held.current);
      held.current = [];
      setWaiting(0);
    },
    [release],
  );

  useEffect(() => {
    if (!on) return;
    setBuffer(EMPTY);
    setWaiting(0);
    setDropped(0);
    setGaps(0);
    setState("connecting");
    held.current = [];
    recent.current = [];
    isPaused.current = false;
    setPaused(false);
    const source = new EventSource(apiUrl("api/v1/logs/tail", { q }));
    let wasOpen = false;
    source.onopen = () => {
      if (wasOpen) setGaps((n) => n + 1);
      wasOpen = true;
      setState("open");
    };
    source.onerror = () => setState("lost");
    source.addEventListener("logs", (event) => {
      const { logs, matched, dropped: left } = tailed(JSON.parse(String(event.data)));
      const fresh = logs.map(toRow).sort((a, b) => (a.nanos < b.nanos ? 1 : a.nanos > b.nanos ? -1 : 0));
      recent.current.push({ at: performance.now(), shown: fresh.length, matched });
      setDropped((n) => n + left);
      if (isPaused.current) {
        held.current = fresh.concat(held.current).slice(0, BUFFER_ROWS);
        setWaiting((n) => n + fresh.length);
      } else release(fresh);
    });
    const timer = setInterval(() => {
      const since = performance.now() - RATE_WINDOW_MS;
      recent.current = recent.current.filter((each) => each.at >= since);
      const sum = (of: "shown" | "matched") => recent.current.reduce((all, each) => all + each[of], 0);
      setRates({ shown: sum("shown") / (RATE_WINDOW_MS / 1000), matched: sum("matched") / (RATE_WINDOW_MS / 1000) });
    }, 1000);
    return () => {
      clearInterval(timer);
      source.close();
    };
  }, [q, on, release]);
  return {
    ...buffer,
    waiting,
    paused,
    pause,
    state,
    shownRate: rates.shown,
    matchedRate: rates.matched,
    dropped,
    gaps,
  };
}
