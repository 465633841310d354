// The tools of the waterfall: find marks and jumps, filter hides, and what is drawn.
import {
  ArrowDown,
  ArrowUp,
  ChevronsDownUp,
  ChevronsUpDown,
  ListFilter,
  Route,
  ScanSearch,
  Search,
  X,
} from "lucide-react";
import { type Ref, useEffect, useState } from "react";
import { formatCount } from "../../lib/number.ts";
import { COLOUR_BY, type ColourBy } from "./colours.ts";
import styles from "./Toolbar.module.css";
import type { Matches } from "./useMatches.ts";

export type LogMode = "off" | "ticks" | "rows";

export interface ToolbarProps {
  find: string;
  found: Matches;
  onFind: (text: string) => void;
  onJump: (step: 1 | -1) => void;
  findRef: Ref<HTMLInputElement>;
  filter: string;
  kept: Matches;
  onFilter: (text: string) => void;
  filterRef: Ref<HTMLInputElement>;
  colourBy: ColourBy;
  onColourBy: (by: ColourBy) => void;
  critical: boolean;
  onCritical: (on: boolean) => void;
  logs: LogMode;
  onLogs: (mode: LogMode) => void;
  onExpandAll: () => void;
  onCollapseAll: () => void;
  onWhole: () => void;
}

const TYPING_MS = 160;

export function Toolbar(props: ToolbarProps) {
  return (
    <div className={styles.bar} role="toolbar" aria-label="Waterfall">
      <Field
        ref={props.findRef}
        icon="find"
        label="Find in the trace"
        placeholder="Find: SELECT, self>10ms  ( / )"
        value={props.find}
        matches={props.found}
        onChange={props.onFind}
        onEnter={props.onJump}
      />
      {props.found.count > 0 && (
        <>
          <button
            type="button"
            className="button quiet small icon"
            aria-label="Previous match"
            title="Previous match (Shift+N)"
            onClick={() => props.onJump(-1)}
          >
            <ArrowUp size={13} aria-hidden />
          </button>
          <button
            type="button"
            className="button quiet small icon"
            aria-label="Next match"
            title="Next match (n)"
            onClick={() => props.onJump(1)}
          >
            <ArrowDown size={13} aria-hidden />
          </button>
        </>
      )}
      <Field
        ref={props.filterRef}
        icon="filter"
        label="Show only spans that match"
        placeholder="Filter: status:error  ( v )"
        value={props.filter}
        matches={props.kept}
        onChange={props.onFilter}
      />
      <span className="grow" />
      <label className={styles.choice}>
        <span className="sr-only">Colour by</span>
        <select
          className="input"
          value={props.colourBy}
          onChange={(event) => props.onColourBy(event.target.value as ColourBy)}
        >
          {COLOUR_BY.map((by) => (
            <option key={by} value={by}>
              colour: {by}
            </option>
          ))}
        </select>
      </label>
      <label className={styles.choice}>
        <span className="sr-only">Logs</span>
        <select className="input" value={props.logs} onChange={(event) => props.onLogs(event.target.value as LogMode)}>
          <option value="off">logs: off</option>
          <option value="ticks">logs: ticks</option>
          <option value="rows">logs: rows</option>
        </select>
      </label>
      <button
        type="button"
        className="button small"
        aria-pressed={props.critical}
        title="Mark the critical path"
        onClick={() => props.onCritical(!props.critical)}
      >
        <Route size={13} aria-hidden /> <span className={styles.word}>Critical</span>
      </button>
      <button
        type="button"
        className="button small icon"
        aria-label="Expand all"
        title="Expand all ([)"
        onClick={props.onExpandAll}
      >
        <ChevronsUpDown size={13} aria-hidden />
      </button>
      <button
        type="button"
        className="button small icon"
        aria-label="Collapse all"
        title="Collapse all (])"
        onClick={props.onCollapseAll}
      >
        <ChevronsDownUp size={13} aria-hidden />
      </button>
      <button
        type="button"
        className="button small icon"
        aria-label="Show the whole trace"
        title="Show the whole trace (Shift+Z)"
        onClick={props.onWhole}
      >
        <ScanSearch size={13} aria-hidden />
      </button>
    </div>
  );
}

interface FieldProps {
  icon: "find" | "filter";
  label: string;
  placeholder: string;
  value: string;
  matches: Matches;
  onChange: (text: string) => void;
  onEnter?: (step: 1 | -1) => void;
  ref: Ref<HTMLInputElement>;
}

/** Typing is told after a short rest: each text is a new state of the URL and may ask the server. */
function Field({ icon, label, placeholder, value, matches, onChange, onEnter, ref }: FieldProps) {
  const [draft, setDraft] = useState(value);
  useEffect(() => setDraft(value), [value]);
  useEffect(() => {
    if (draft === value) return;
    const timer = setTimeout(() => onChange(draft), TYPING_MS);
    return () => clearTimeout(timer);
  }, [draft, value, onChange]);
  const Icon = icon === "find" ? Search : ListFilter;
  const problem = draft === value ? matches.problem : null;
  return (
    <span className={styles.field} data-problem={problem !== null} title={problem ?? undefined}>
      <Icon size={13} aria-hidden />
      <input
        ref={ref}
        value={draft}
        placeholder={placeholder}
        aria-label={label}
        aria-invalid={problem !== null}
        spellCheck={false}
        onChange={(event) => setDraft(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter") {
            if (draft !== value) onChange(draft);
            onEnter?.(event.shiftKey ? -1 : 1);
          }
          if (event.key === "Escape") event.currentTarget.blur();
        }}
      />
      {problem ? (
        <span className={styles.problem} role="alert">
          {problem}
        </span>
      ) : (
        value !== "" && (
          <span className="faint" role="status">
            {formatCount(matches.count)}
            {matches.pending && "+"}
          </span>
        )
      )}
      {value !== "" && (
        <button type="button" className={styles.clear} aria-label={`Clear: ${label}`} onClick={() => onChange("")}>
          <X size={12} aria-hidden />
        </button>
      )}
    </span>
  );
}
