// How the server is: what it accepts and refuses, what it derives, its limits, and where it listens.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { fetchStart, START_KEY } from "../../api/start.ts";
import { fetchStatus, SIGNALS } from "../../api/status.ts";
import { fetchStorage } from "../../api/storage.ts";
import { QueryState } from "../../components/QueryState.tsx";
import { Tile } from "../../components/Tile.tsx";
import { formatCount } from "../../lib/number.ts";
import { formatRelative } from "../../lib/time/format.ts";
import { formatBytes } from "../../lib/units.ts";
import { Inside } from "./Inside.tsx";
import styles from "./Settings.module.css";

const REFRESH_MS = 5000;

export function Health() {
  const status = useQuery({
    queryKey: ["status"],
    queryFn: ({ signal }) => fetchStatus(signal),
    refetchInterval: REFRESH_MS,
  });
  const start = useQuery({
    queryKey: START_KEY,
    queryFn: ({ signal }) => fetchStart(signal),
    refetchInterval: REFRESH_MS,
    retry: false,
  });
  const storage = useQuery({ queryKey: ["storage"], queryFn: ({ signal }) => fetchStorage(signal), retry: false });
  const low = storage.data?.free_bytes != null && storage.data.free_bytes < 2 * storage.data.min_free_bytes;
  return (
    <QueryState result={status} rows={5}>
      {(data) => (
        <div className={styles.stack}>
          <div className={styles.tiles}>
            <Tile name="Server" value="running" tone="good" note={data.version} />
            <Tile name="Up" value={formatRelative(data.started_unix_milli, data.now_unix_milli).replace(" ago", "")} />
            <Tile
              name="Free disk"
              value={storage.data?.free_bytes != null ? formatBytes(storage.data.free_bytes) : "–"}
              tone={low ? "bad" : "plain"}
            />
            <Tile
              name="Refused in the last minutes"
              value={formatCount((start.data?.refusals ?? []).reduce((sum, each) => sum + each.count, 0))}
              tone={(start.data?.refusals.length ?? 0) > 0 ? "warn" : "plain"}
            />
          </div>
          <table className="table">
            <thead>
              <tr>
                <th>Signal</th>
                <th className="number">Accepted</th>
                <th className="number">Refused</th>
                <th className="number">Last received</th>
                <th>Services</th>
              </tr>
            </thead>
            <tbody>
              {SIGNALS.map((signal) => {
                const facts = data.signals[signal];
                return (
                  <tr key={signal}>
                    <td>{signal}</td>
                    <td className="number">{formatCount(facts.accepted)}</td>
                    <td className="number">{formatCount(facts.refused)}</td>
                    <td className="number">
                      {facts.last_received_unix_milli === null
                        ? "never"
                        : formatRelative(facts.last_received_unix_milli, data.now_unix_milli)}
                    </td>
                    <td className={styles.name} title={facts.services.join(", ")}>
                      {facts.services.join(", ")}
                    </td>
                  </tr>
                );
              })}
            </tbody>
          </table>
          <h3>Inside</h3>
          <Inside />
          <h3>Where it listens</h3>
          <table className="table">
            <tbody>
              {Object.entries(data.endpoints)
                .filter(([, address]) => address !== "")
                .map(([name, address]) => (
                  <tr key={name}>
                    <td>{NAMES[name] ?? name}</td>
                    <td>
                      <code>{address}</code>
                    </td>
                  </tr>
                ))}
            </tbody>
          </table>
          <p className="muted">
            What senders got wrong, with its fix, stands in <Link to="/start">Add data</Link>. All that the server
            measures of itself is at <code>/metrics</code> of its metrics port, and at{" "}
            <a href="api/v1/self-metrics">/api/v1/self-metrics</a> here.
          </p>
        </div>
      )}
    </QueryState>
  );
}

const NAMES: Readonly<Record<string, string>> = {
  otlp_grpc: "OTLP/gRPC",
  otlp_http: "OTLP/HTTP",
  api: "API",
  ui: "Web UI",
};
