// A panel without data says why, in the room it has: which metric or label is not there, and what is like it.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { CircleSlash } from "lucide-react";
import { fetchWhyEmpty, type WhyEmpty } from "../../api/why-empty.ts";
import { formatRelative } from "../../lib/time/format.ts";
import type { Range } from "../../lib/time/range.ts";
import { useTime, useTimeSearch } from "../../lib/view.ts";
import styles from "./Panel.module.css";

const BEFORE_MILLI = 1_800_000;
const AFTER_MILLI = 60_000;

export interface EmptyPanelProps {
  exprs: readonly string[];
  range: Range;
  onFix?: ((before: string, after: string) => void) | undefined;
}

export function EmptyPanel({ exprs, range, onFix }: EmptyPanelProps) {
  const timeSearch = useTimeSearch();
  const expr = exprs[0] ?? "";
  const why = useQuery({
    queryKey: ["why-empty", "metrics", expr, range],
    queryFn: ({ signal }) => fetchWhyEmpty("metrics", expr, range, signal),
    retry: false,
  });
  const mismatch = why.data?.mismatches[0];
  return (
    <div className={styles.empty}>
      <CircleSlash size={18} aria-hidden />
      <p>{why.data ? sentence(why.data) : "No series match in this range"}</p>
      {why.data && <Newest why={why.data} range={range} />}
      {mismatch && mismatch.similar.length > 0 && (
        <p className="faint">
          similar: <code>{mismatch.similar.slice(0, 3).join(", ")}</code>
        </p>
      )}
      <div className={styles.emptyActions}>
        {onFix && mismatch?.fixed_query && (
          <button type="button" className="button small" onClick={() => onFix(expr, mismatch.fixed_query ?? expr)}>
            Repair the query
          </button>
        )}
        <Link to="/metrics" search={{ ...timeSearch, q: mismatch?.fixed_query ?? expr }} className="button quiet small">
          Open in Metrics
        </Link>
      </div>
    </div>
  );
}

function sentence(why: WhyEmpty): string {
  const mismatch = why.mismatches[0];
  if (mismatch?.message) return mismatch.message;
  if (why.reason === "never_received") return "No metrics have ever arrived";
  if (why.reason === "waiting" && why.waiting) {
    return `${why.waiting.samples} of ${why.waiting.samples_needed} samples so far`;
  }
  return why.sentence || "No series match in this range";
}

function Newest({ why, range }: { why: WhyEmpty; range: Range }) {
  const { asOfMilli, setRange } = useTime();
  const newest = why.newest_unix_milli;
  if (newest === null || (newest >= range.fromMilli && newest <= range.toMilli)) return null;
  return (
    <p className="faint">
      the newest is from {formatRelative(newest, asOfMilli)}{" "}
      <button
        type="button"
        className="button quiet small"
        onClick={() => setRange({ fromMilli: newest - BEFORE_MILLI, toMilli: newest + AFTER_MILLI })}
      >
        Jump there
      </button>
    </p>
  );
}
