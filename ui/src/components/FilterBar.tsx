// The query bar of the explore pages: filter language, Run, and the keyboard shortcut `/`.
import { Play, Search, X } from "lucide-react";
import { type ReactNode, useEffect, useMemo, useRef, useState } from "react";
import type { FieldSignal } from "../api/fields.ts";
import { useKeys } from "../lib/keys.ts";
import type { Range } from "../lib/time/range.ts";
import styles from "./FilterBar.module.css";
import { filterCompleter, highlightFilter } from "./filter-language.ts";
import { QueryInput, type QueryInputHandle } from "./QueryInput.tsx";

export interface FilterBarProps {
  signal: FieldSignal;
  /** The query that is shown in the results. */
  value: string;
  range: Range;
  placeholder: string;
  errorAt?: { offset: number; length: number } | undefined;
  onRun: (query: string) => void;
  children?: ReactNode;
}

export function FilterBar({ signal, value, range, placeholder, errorAt, onRun, children }: FilterBarProps) {
  const [draft, setDraft] = useState(value);
  const input = useRef<QueryInputHandle>(null);
  useEffect(() => setDraft(value), [value]);
  useKeys("page", "Query", [{ keys: "/", label: "Focus the query", run: () => input.current?.focus() }]);
  const complete = useMemo(() => filterCompleter(signal, range), [signal, range]);
  const run = (text: string) => onRun(text.trim());
  return (
    <search className={styles.bar}>
      <QueryInput
        ref={input}
        value={draft}
        onChange={setDraft}
        onRun={run}
        label={`Filter ${signal}`}
        placeholder={placeholder}
        highlight={highlightFilter}
        complete={complete}
        errorAt={draft === value ? errorAt : undefined}
        leading={<Search size={14} aria-hidden className={styles.lens} />}
      />
      {draft !== "" && (
        <button
          type="button"
          className="button quiet icon"
          aria-label="Clear the query"
          title="Clear the query"
          onClick={() => {
            setDraft("");
            run("");
          }}
        >
          <X size={14} aria-hidden />
        </button>
      )}
      <button type="button" className="button primary" onClick={() => run(draft)}>
        <Play size={13} aria-hidden /> Run
      </button>
      {children}
    </search>
  );
}
