// An empty answer, explained: nothing ever arrived, nothing in this range, or nothing that matches the query.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { FieldSignal } from "../api/fields.ts";
import { fetchStatus } from "../api/status.ts";
import { removeTerm, splitTerms } from "../lib/filter.ts";
import { formatRelative } from "../lib/time/format.ts";
import { useTime } from "../lib/view.ts";
import styles from "./NothingFound.module.css";
import { Empty } from "./States.tsx";

export interface NothingFoundProps {
  signal: FieldSignal | "metrics";
  query: string;
  onQuery: (query: string) => void;
}

const MAX_TERMS = 6;

export function NothingFound({ signal, query, onQuery }: NothingFoundProps) {
  const time = useTime();
  const status = useQuery({ queryKey: ["status"], queryFn: ({ signal: abort }) => fetchStatus(abort) });
  const facts = status.data?.signals[signal];
  if (facts && facts.accepted === 0 && facts.last_received_unix_milli === null) {
    return (
      <Empty reason="never-received" title={`No ${signal} have ever arrived`}>
        <p>{facts.refused > 0 ? `${facts.refused} were refused. ` : ""}Set up a sender, and watch its data arrive.</p>
        <Link to="/start" className="button primary">
          Add data
        </Link>
      </Empty>
    );
  }
  const terms = splitTerms(query).filter((part) => !/^(AND|OR|NOT)$/.test(part));
  const newest = facts?.last_received_unix_milli ?? null;
  const widen = (
    <button type="button" className="button" onClick={() => time.setText({ from: "now-24h", to: "now" })}>
      Look at the last 24 h
    </button>
  );
  if (terms.length > 0 && signal !== "metrics") {
    return (
      <Empty reason="filtered" title={`No ${signal} match this query in this range`}>
        <p>Take away a term:</p>
        <ul className={styles.terms}>
          {terms.slice(0, MAX_TERMS).map((part) => (
            <li key={part}>
              <button type="button" className="button small" onClick={() => onQuery(removeTerm(query, part))}>
                without <code>{part}</code>
              </button>
            </li>
          ))}
        </ul>
        {widen}
      </Empty>
    );
  }
  return (
    <Empty reason="out-of-range" title={`No ${signal} in this range`}>
      {newest !== null && <p>The newest arrived {formatRelative(newest, time.asOfMilli)}.</p>}
      {newest !== null && newest < time.range.fromMilli ? (
        <button
          type="button"
          className="button primary"
          onClick={() => time.setRange({ fromMilli: newest - 1_800_000, toMilli: newest + 60_000 })}
        >
          Jump there
        </button>
      ) : (
        widen
      )}
    </Empty>
  );
}
