// Find in the rows that are loaded: the browser's own search cannot see rows that are not mounted.
import { ArrowDown, ArrowUp, X } from "lucide-react";
import { useEffect, useMemo, useRef, useState } from "react";
import { formatCount } from "../../lib/number.ts";
import styles from "./FindBar.module.css";
import type { LogRow } from "./rows.ts";

export interface FindBarProps {
  rows: readonly LogRow[];
  text: string;
  onText: (text: string) => void;
  onGo: (index: number) => void;
  onClose: () => void;
}

export function findRows(rows: readonly LogRow[], text: string): number[] {
  const wanted = text.toLowerCase();
  if (wanted === "") return [];
  const out: number[] = [];
  rows.forEach((row, at) => {
    if (row.line.toLowerCase().includes(wanted)) out.push(at);
  });
  return out;
}

export function FindBar({ rows, text, onText, onGo, onClose }: FindBarProps) {
  const [at, setAt] = useState(0);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => input.current?.focus(), []);
  const hits = useMemo(() => findRows(rows, text), [rows, text]);
  const go = (step: number) => {
    if (hits.length === 0) return;
    const next = (at + step + hits.length) % hits.length;
    setAt(next);
    onGo(hits[next] ?? 0);
  };
  return (
    <search className={styles.bar}>
      <input
        ref={input}
        className="input"
        value={text}
        placeholder="Find in the loaded rows"
        aria-label="Find in the loaded rows"
        onChange={(event) => {
          onText(event.target.value);
          setAt(-1);
        }}
        onKeyDown={(event) => {
          if (event.key === "Enter") go(event.shiftKey ? -1 : 1);
          // A second press is for the search of the browser.
          if (event.key === "Escape" || ((event.ctrlKey || event.metaKey) && event.key === "f")) onClose();
          event.stopPropagation();
        }}
      />
      <span className="faint" role="status">
        {text === ""
          ? ""
          : hits.length === 0
            ? "none"
            : `${formatCount(Math.max(0, at) + 1)} of ${formatCount(hits.length)}`}
      </span>
      <button type="button" className="button quiet small icon" aria-label="Previous" onClick={() => go(-1)}>
        <ArrowUp size={13} aria-hidden />
      </button>
      <button type="button" className="button quiet small icon" aria-label="Next" onClick={() => go(1)}>
        <ArrowDown size={13} aria-hidden />
      </button>
      <button type="button" className="button quiet small icon" aria-label="Close" onClick={onClose}>
        <X size={13} aria-hidden />
      </button>
    </search>
  );
}
