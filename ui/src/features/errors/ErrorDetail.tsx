// What is known about one group: how often, since when, the stack, where it happens, and sample traces.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { FileText, GitFork, Split } from "lucide-react";
import { type ErrorGroup, fetchErrorGroup } from "../../api/errors.ts";
import { StackedBars } from "../../charts/StackedBars.tsx";
import { inRange, isNew, isRegressed, RegressedBadge, usersOf } from "../../components/ErrorTable.tsx";
import { QueryState } from "../../components/QueryState.tsx";
import { ServiceName } from "../../components/ServiceName.tsx";
import { Empty } from "../../components/States.tsx";
import { Tile } from "../../components/Tile.tsx";
import { aroundSearch } from "../../lib/around.ts";
import { term } from "../../lib/filter.ts";
import { formatCount, formatShort } from "../../lib/number.ts";
import { formatInstant, formatRelative } from "../../lib/time/format.ts";
import { useTime, useTimeSearch } from "../../lib/view.ts";
import { Distribution } from "./Distribution.tsx";
import styles from "./Errors.module.css";
import { Stack } from "./Stack.tsx";

export interface ErrorDetailProps {
  id: string;
  /** Beside a list, where there is less room. */
  compact?: boolean;
}

export function ErrorDetail({ id, compact = false }: ErrorDetailProps) {
  const { range } = useTime();
  const queryKey = ["error", id, range];
  const result = useQuery({ queryKey, queryFn: ({ signal }) => fetchErrorGroup(id, range, signal) });
  if (result.error && "kind" in result.error && result.error.kind === "not_found") {
    return (
      <Empty reason="none" title="There is no such error group">
        <p>Groups go when their exceptions are older than the retention of traces.</p>
        <Link to="/errors" className="button">
          All errors
        </Link>
      </Empty>
    );
  }
  return (
    <QueryState result={result} queryKey={queryKey} shape="tiles">
      {(data) => <Detail group={data.value} compact={compact} />}
    </QueryState>
  );
}

function Detail({ group, compact }: { group: ErrorGroup; compact: boolean }) {
  const { range, zone, asOfMilli, setRange } = useTime();
  const timeSearch = useTimeSearch();
  const filter = `${term("service", group.service)} ${term("name", group.span_name)} status:error`;
  return (
    <div className={`${styles.page} ${compact ? styles.compact : ""}`}>
      <header className={styles.head}>
        <h2 className={styles.type}>
          <span className="ellipsis">{group.exception_type || "error"}</span>
          {isNew(group, range) && <span className="badge error">new</span>}
          {isRegressed(group, range) && <RegressedBadge />}
        </h2>
        <p className={styles.message}>{group.message}</p>
        <div className={styles.facts}>
          <Tile
            name="Service"
            value={
              <Link to="/services/$name" params={{ name: group.service }} search={timeSearch}>
                <ServiceName name={group.service} />
              </Link>
            }
          />
          <Tile name="In this range" value={formatCount(inRange(group))} />
          <Tile name="Total" value={formatShort(group.count)} />
          {group.users !== null && (
            <Tile
              name="Users"
              value={usersOf(group)}
              note={group.users_estimated ? "estimated, within about 9 %" : "by user.id of the spans"}
            />
          )}
          <Tile
            name="First seen"
            value={formatRelative(group.first_seen_unix_milli, asOfMilli)}
            note={[
              formatInstant(group.first_seen_unix_milli, zone, false),
              group.first_version && `in version ${group.first_version}`,
            ]
              .filter(Boolean)
              .join(", ")}
          />
          {group.regressed_unix_milli !== null && (
            <Tile
              name="Came back"
              value={formatRelative(group.regressed_unix_milli, asOfMilli)}
              note={formatInstant(group.regressed_unix_milli, zone, false)}
            />
          )}
          <Tile
            name="Last seen"
            value={formatRelative(group.last_seen_unix_milli, asOfMilli)}
            note={formatInstant(group.last_seen_unix_milli, zone, false)}
          />
          <div className={styles.links}>
            <Link to="/traces" search={{ ...timeSearch, q: filter }} className="button">
              <GitFork size={14} aria-hidden /> Traces
            </Link>
            <Link
              to="/logs"
              search={{ ...timeSearch, q: `${term("service", group.service)} level>=error` }}
              className="button"
            >
              <FileText size={14} aria-hidden /> Logs
            </Link>
            <Link
              to="/explain"
              search={{
                ...timeSearch,
                q: term("service", group.service),
                select: `${term("name", group.span_name)} status:error`,
              }}
              className="button"
            >
              <Split size={14} aria-hidden /> Explain
            </Link>
          </div>
        </div>
      </header>
      {group.buckets.length > 0 && (
        <section className={styles.section} aria-label="Occurrences">
          <header>
            <h2>Occurrences</h2>
          </header>
          <div className={styles.chart}>
            <StackedBars label="Occurrences" {...bars(group)} range={range} zone={zone} onSelect={setRange} />
          </div>
        </section>
      )}
      <Stack group={group} />
      <div className={styles.columns}>
        <Distribution group={group} range={range} />
        <Samples group={group} />
      </div>
    </div>
  );
}

/** Buckets that were left out had nothing in them. */
function bars(group: ErrorGroup) {
  const times = group.buckets.map((bucket) => bucket.from_unix_milli);
  const start = Math.min(...times);
  const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0));
  const stepMilli = gaps.length > 0 ? Math.min(...gaps) : 60_000;
  const counts = new Array<number>(Math.round((Math.max(...times) - start) / stepMilli) + 1).fill(0);
  for (const bucket of group.buckets)
    counts[Math.round((bucket.from_unix_milli - start) / stepMilli)] = Math.round(bucket.count);
  return { stacks: [{ name: "errors", colour: "--error", counts }], startMilli: start, stepMilli };
}

function Samples({ group }: { group: ErrorGroup }) {
  return (
    <section className={styles.section}>
      <header>
        <h2>Sample traces</h2>
        <span className="faint">the newest {group.trace_ids.length}</span>
      </header>
      <table className="table">
        <tbody>
          {group.trace_ids.map((id) => (
            <tr key={id}>
              <td>
                <Link
                  to="/traces/$traceId"
                  params={{ traceId: id.padStart(32, "0") }}
                  search={aroundSearch(group.last_seen_unix_milli)}
                >
                  <code>{id.padStart(32, "0")}</code>
                </Link>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
