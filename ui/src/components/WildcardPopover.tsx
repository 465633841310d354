// A wildcard of a pattern: opened, it shows its values in the newest records, each of which narrows the query.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { fetchLogs } from "../api/logs.ts";
import { quote } from "../lib/filter.ts";
import { bodyLine } from "../lib/log-body.ts";
import { formatCount, formatPercent, plural } from "../lib/number.ts";
import { useTime } from "../lib/view.ts";
import styles from "./PatternsView.module.css";
import { Popover } from "./Popover.tsx";
import { patternFilter, WILDCARD } from "./pattern.ts";
import { QueryState } from "./QueryState.tsx";
import { Empty } from "./States.tsx";
import { valuesOf } from "./wildcards.ts";

const RECORDS = 1000;
const SHOWN = 12;

export interface WildcardPopoverProps {
  template: string;
  /** Which wildcard, from 0. */
  at: number;
  q: string;
  onQuery: (query: string) => void;
}

export function WildcardPopover({ template, at, q, onQuery }: WildcardPopoverProps) {
  const [open, setOpen] = useState(false);
  const { range } = useTime();
  const query = [q, patternFilter(template, false)].filter(Boolean).join(" ");
  const result = useQuery({
    queryKey: ["wildcard", template, at, query, range],
    enabled: open,
    queryFn: async ({ signal }) => {
      const { value } = await fetchLogs({ range, q: query, limit: RECORDS }, signal);
      const bodies = value.logs.map(({ body }) => bodyLine(body));
      return { ...valuesOf(template, at, bodies), looked: bodies.length };
    },
  });
  return (
    <Popover
      open={open}
      onOpenChange={setOpen}
      align="right"
      title={`Values of the ${at + 1}. wildcard`}
      button={WILDCARD}
      buttonLabel={`Values of the ${at + 1}. wildcard`}
      buttonClass={styles.wild ?? ""}
    >
      <div className={styles.values}>
        <QueryState
          result={result}
          rows={4}
          query={query}
          isEmpty={({ values }) => values.length === 0}
          empty={<Empty reason="none" title="None of the newest records has this form" />}
        >
          {({ values, matched, looked }) => (
            <>
              <ul>
                {values.slice(0, SHOWN).map(({ value, count }) => (
                  <li key={value}>
                    <button
                      type="button"
                      className={styles.valueButton}
                      title={`Only records like this with ${value}`}
                      disabled={value.trim() === ""}
                      onClick={() => {
                        setOpen(false);
                        onQuery(`${query} ${quote(value)}`);
                      }}
                    >
                      <code className="ellipsis">{value || "(empty)"}</code>
                      <span className="faint">{formatPercent(count / matched)}</span>
                    </button>
                  </li>
                ))}
              </ul>
              <p className="faint">
                {plural(values.length, "value")} in {formatCount(matched)} of the newest {formatCount(looked)} records
              </p>
            </>
          )}
        </QueryState>
      </div>
    </Popover>
  );
}
