// What each signal takes on the disk, how long it is kept, and what it will take; the columns that take the most.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { fetchConfigText, fetchStorage, type InMemory, type SignalStorage, type Storage } from "../../api/storage.ts";
import { QueryState } from "../../components/QueryState.tsx";
import { formatCount, formatPercent } from "../../lib/number.ts";
import { formatInstant, formatRelative } from "../../lib/time/format.ts";
import { formatBytes } from "../../lib/units.ts";
import { useTime } from "../../lib/view.ts";
import { RetentionForm } from "./RetentionForm.tsx";
import { type Kept, outlook, readPolicy, readRetention } from "./retention.ts";
import styles from "./Settings.module.css";

const REFRESH_MS = 15_000;
const COLUMNS_SHOWN = 15;

export function StorageSection() {
  const storage = useQuery({
    queryKey: ["storage"],
    queryFn: ({ signal }) => fetchStorage(signal),
    refetchInterval: REFRESH_MS,
  });
  const config = useQuery({
    queryKey: ["config-text"],
    queryFn: ({ signal }) => fetchConfigText(signal),
    retry: false,
  });
  const kept = readRetention(config.data ?? "");
  return (
    <QueryState result={storage} rows={4}>
      {(data) => (
        <div className={styles.stack}>
          <Disk storage={data} policy={readPolicy(config.data ?? "")} />
          <table className="table">
            <thead>
              <tr>
                <th>Signal</th>
                <th className="number">Kept for</th>
                <th className="number">At most</th>
                <th className="number">Records</th>
                <th className="number">On disk</th>
                <th className="number">In memory</th>
                <th className="number">Per record</th>
                <th className="number">A day</th>
                <th className="number">In the end</th>
                <th className="number">Oldest</th>
              </tr>
            </thead>
            <tbody>
              {data.signals.map((each) => (
                <SignalRow
                  key={each.signal}
                  storage={each}
                  memory={data.memory.find(({ signal }) => signal === each.signal)}
                  kept={kept.get(each.signal)}
                />
              ))}
            </tbody>
          </table>
          <p className="muted">
            Retention is part of the configuration: <code>storage.logs</code>, <code>storage.traces</code> and{" "}
            <code>storage.metrics</code> take <code>retention</code> and <code>size_max</code>, and hold from the next
            start on. Data goes by whole days.
          </p>
          <RetentionForm kept={kept} />
          {data.removals.length > 0 && (
            <div>
              <h3>What retention removes next</h3>
              <ul>
                {data.removals.map((each) => (
                  <li key={`${each.signal} ${each.name}`}>
                    {each.signal} {each.name}: {formatBytes(each.bytes)} <span className="muted">{each.reason}</span>
                  </li>
                ))}
              </ul>
            </div>
          )}
          <Columns signals={data.signals} />
        </div>
      )}
    </QueryState>
  );
}

function Disk({ storage, policy }: { storage: Storage; policy: string }) {
  const used = storage.signals.reduce((sum, each) => sum + each.bytes, 0);
  const { free_bytes: free, min_free_bytes: least } = storage;
  const low = free !== null && free < 2 * least;
  const share = free === null ? 0 : used / (used + free);
  return (
    <div className={styles.disk}>
      <div className={styles.track} role="img" aria-label={`${formatPercent(share)} of the room is used by Bellrock`}>
        {storage.signals.map((each, index) => (
          <i
            key={each.signal}
            title={`${each.signal}: ${formatBytes(each.bytes)}`}
            style={{
              width: `${free === null ? 0 : (each.bytes / (used + free)) * 100}%`,
              background: `var(--series-${index})`,
            }}
          />
        ))}
      </div>
      <p>
        {formatBytes(used)} used{free !== null && <>, {formatBytes(free)} free</>}.{" "}
        <span className={low ? styles.low : "muted"}>
          Below {formatBytes(least)} senders are told to come back
          {policy === "remove_oldest" ? "; below twice that the oldest partitions go first." : "."}
        </span>
      </p>
    </div>
  );
}

interface SignalRowProps {
  storage: SignalStorage;
  memory: InMemory | undefined;
  kept: Kept | undefined;
}

function SignalRow({ storage, memory, kept }: SignalRowProps) {
  const { zone, asOfMilli } = useTime();
  const { oldestMilli, bytesPerDay, steadyBytes } = outlook(storage, kept?.retention ?? "");
  const dash = <span className="faint">–</span>;
  return (
    <tr>
      <td>{storage.signal}</td>
      <td className="number">{kept?.retention ?? dash}</td>
      <td className="number">
        {kept && !/^0+B?$/.test(kept.sizeMax) ? kept.sizeMax : <span className="faint">no limit</span>}
      </td>
      <td className="number">{formatCount(storage.records + (memory?.records ?? 0))}</td>
      <td className="number">{formatBytes(storage.bytes)}</td>
      <td
        className="number"
        title={
          memory && `${formatCount(memory.records)} records that are safe in the log and in no file of their own yet`
        }
      >
        {memory ? formatBytes(memory.bytes) : dash}
      </td>
      <td className="number">{storage.records > 0 ? formatBytes(storage.bytes_per_record) : dash}</td>
      <td className="number">{bytesPerDay === null ? dash : formatBytes(bytesPerDay)}</td>
      <td className="number" title="Once the oldest is as old as it may be, at the rate so far">
        {steadyBytes === null ? dash : formatBytes(steadyBytes)}
      </td>
      <td className="number" title={oldestMilli === null ? undefined : formatInstant(oldestMilli, zone)}>
        {oldestMilli === null ? dash : formatRelative(oldestMilli, asOfMilli)}
      </td>
    </tr>
  );
}

/** Which attributes take the room: the first place to look when it is too much. */
function Columns({ signals }: { signals: readonly SignalStorage[] }) {
  const [signal, setSignal] = useState("traces");
  const shown = signals.find((each) => each.signal === signal) ?? signals[0];
  if (!shown || signals.every((each) => each.columns.length === 0)) return null;
  const columns = [...shown.columns].sort((a, b) => b.bytes - a.bytes);
  return (
    <div>
      <div className={styles.line}>
        <h3>What takes the room</h3>
        <select
          className="input"
          aria-label="Signal"
          value={shown.signal}
          onChange={(event) => setSignal(event.target.value)}
        >
          {signals
            .filter((each) => each.columns.length > 0)
            .map((each) => (
              <option key={each.signal} value={each.signal}>
                {each.signal}
              </option>
            ))}
        </select>
      </div>
      <table className="table">
        <thead>
          <tr>
            <th>Column</th>
            <th>Type</th>
            <th className="number">Values</th>
            <th className="number">Bytes</th>
            <th className="number">Share</th>
          </tr>
        </thead>
        <tbody>
          {columns.slice(0, COLUMNS_SHOWN).map((each) => (
            <tr key={`${each.column} ${each.key} ${each.value_type}`}>
              <td className={styles.name} title={each.key || each.column}>
                {each.key ? (
                  <>
                    <span className="faint">{each.column}</span> {each.key}
                  </>
                ) : (
                  each.column
                )}
              </td>
              <td className="muted">{each.value_type}</td>
              <td className="number">{formatCount(each.values)}</td>
              <td className="number">{formatBytes(each.bytes)}</td>
              <td className="number">{formatPercent(shown.bytes > 0 ? each.bytes / shown.bytes : 0)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {columns.length > COLUMNS_SHOWN && (
        <p className="faint">
          {COLUMNS_SHOWN} of {formatCount(columns.length)} columns
        </p>
      )}
    </div>
  );
}
