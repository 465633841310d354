// The panel at the left of the explore pages: fields, and for an opened field its most frequent values in the current
// results, each with include and exclude.
import { useQuery } from "@tanstack/react-query";
import { ChevronDown, ChevronRight, Columns3, Minus, Plus } from "lucide-react";
import { type ReactNode, useState } from "react";
import { type Facet, type Field, type FieldSignal, fetchFacets, fetchFields } from "../api/fields.ts";
import { addTerm, hasTerm, removeTerm, term } from "../lib/filter.ts";
import { formatShort, plural } from "../lib/number.ts";
import type { Range } from "../lib/time/range.ts";
import styles from "./FieldsPanel.module.css";

export interface FieldsPanelProps {
  signal: FieldSignal;
  range: Range;
  query: string;
  /** Fields that are opened at first, shown at the top. */
  pinned: readonly string[];
  onQuery: (query: string) => void;
  /** Shown above the fields. */
  top?: ReactNode;
  /** Names of the extra columns of the table, when it can show any. */
  columns?: readonly string[];
  onToggleColumn?: (field: string) => void;
}

const MAX_VALUES = 8;

export function FieldsPanel(props: FieldsPanelProps) {
  const { signal, range, pinned } = props;
  const [text, setText] = useState("");
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set(pinned.slice(0, 2)));
  const fields = useQuery({
    queryKey: ["fields", signal, range],
    queryFn: ({ signal: abort }) => fetchFields(signal, range, abort),
    placeholderData: (old) => old,
  });
  const known = fields.data?.value.fields ?? [];
  const names = [...new Set([...pinned, ...ordered(known)])].filter((name) =>
    name.toLowerCase().includes(text.toLowerCase()),
  );
  const opened = names.filter((name) => open.has(name));
  const facets = useQuery({
    queryKey: ["facets", signal, range, props.query, opened],
    enabled: opened.length > 0,
    queryFn: ({ signal: abort }) =>
      fetchFacets({ signal, range, q: props.query, fields: opened, limit: MAX_VALUES }, abort),
    placeholderData: (old) => old,
    retry: false,
  });
  const toggle = (name: string) => {
    const next = new Set(open);
    if (!next.delete(name)) next.add(name);
    setOpen(next);
  };
  return (
    <aside className={styles.panel} aria-label="Fields">
      <div className={styles.top}>
        <input
          className={`input ${styles.search}`}
          placeholder="Find a field"
          aria-label="Find a field"
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
      </div>
      {props.top}
      <ul className={styles.fields}>
        {names.map((name) => {
          const isOpen = open.has(name);
          const Chevron = isOpen ? ChevronDown : ChevronRight;
          const isColumn = props.columns?.includes(name) ?? false;
          return (
            <li key={name}>
              <div className={styles.field}>
                <button
                  type="button"
                  className={styles.name}
                  aria-expanded={isOpen}
                  onClick={() => toggle(name)}
                  title={name}
                >
                  <Chevron size={13} aria-hidden className="faint" />
                  <span className="ellipsis">{name}</span>
                </button>
                {props.onToggleColumn && !pinned.includes(name) && (
                  <button
                    type="button"
                    className={`button quiet small icon ${styles.column}`}
                    aria-pressed={isColumn}
                    title={isColumn ? "Remove the column" : "Show as a column"}
                    aria-label={`${name} as a column`}
                    onClick={() => props.onToggleColumn?.(name)}
                  >
                    <Columns3 size={13} aria-hidden />
                  </button>
                )}
              </div>
              {isOpen && (
                <Values
                  query={props.query}
                  onQuery={props.onQuery}
                  field={name}
                  failed={facets.isError}
                  facet={facets.data?.value.facets.find((facet) => facet.field === name) ?? null}
                />
              )}
            </li>
          );
        })}
      </ul>
    </aside>
  );
}

/** Fields whose values say nothing as a list. */
const UNLISTED = new Set(["body", "duration", "service.name"]);

/** Attributes by how many records have them, then the other built-in fields; identifiers are left out. */
function ordered(fields: readonly Field[]): string[] {
  const listed = fields.filter((field) => field.type !== "id" && !UNLISTED.has(field.name));
  const rank = (field: Field) => Number(field.scope === "builtin");
  return [...listed].sort((a, b) => rank(a) - rank(b) || b.count - a.count).map((field) => field.name);
}

interface ValuesProps {
  field: string;
  query: string;
  onQuery: (query: string) => void;
  /** Null while its values are loading. */
  facet: Facet | null;
  failed: boolean;
}

function Values({ field, query, onQuery, facet, failed }: ValuesProps) {
  if (failed) return <div className={styles.note}>not available for this query</div>;
  if (!facet) return <div className={styles.note}>…</div>;
  const entries = facet.values;
  const max = Math.max(1, ...entries.map((entry) => entry.count));
  if (entries.length === 0) return <div className={styles.note}>no values in these results</div>;
  return (
    <ul className={styles.values}>
      {entries.map(({ value, count }) => {
        const wanted = term(field, value);
        const active = hasTerm(query, wanted);
        return (
          <li key={value} className={styles.value}>
            <i className={styles.bar} style={{ width: `${(count / max) * 100}%` }} />
            <button
              type="button"
              className={styles.pick}
              aria-pressed={active}
              title={`${active ? "Remove" : "Only"} ${wanted}`}
              onClick={(event) =>
                onQuery(active ? removeTerm(query, wanted) : addTerm(query, field, value, event.altKey))
              }
            >
              <span className="ellipsis">{value === "" ? "(empty)" : value}</span>
            </button>
            <span className={styles.count}>{formatShort(count)}</span>
            <span className={styles.actions}>
              <button
                type="button"
                className="button quiet small icon"
                aria-label={`Only ${wanted}`}
                title={`Only ${wanted}`}
                onClick={() => onQuery(addTerm(query, field, value))}
              >
                <Plus size={12} aria-hidden />
              </button>
              <button
                type="button"
                className="button quiet small icon"
                aria-label={`Without ${wanted}`}
                title={`Without ${wanted} (Alt+click)`}
                onClick={() => onQuery(addTerm(query, field, value, true))}
              >
                <Minus size={12} aria-hidden />
              </button>
            </span>
          </li>
        );
      })}
      {facet.distinct > entries.length && (
        <li className={styles.note}>{plural(facet.distinct - entries.length, "more value")}</li>
      )}
    </ul>
  );
}
