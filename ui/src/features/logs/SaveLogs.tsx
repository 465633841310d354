// Records that match as a file of the browser.
import { useEffect, useRef, useState } from "react";
import { fetchLogs } from "../../api/logs.ts";
import { download } from "../../lib/download.ts";
import { formatCount, plural } from "../../lib/number.ts";
import type { Range } from "../../lib/time/range.ts";
import type { Zone } from "../../lib/time/zone.ts";
import styles from "./SaveLogs.module.css";
import { type FileFormat, SAVED_MAX, type Saved, saveLogs } from "./save.ts";

const FORMATS: readonly { format: FileFormat; label: string; type: string }[] = [
  { format: "csv", label: "CSV", type: "text/csv" },
  { format: "jsonl", label: "JSON lines", type: "application/x-ndjson" },
];

export interface SaveLogsProps {
  range: Range;
  q: string;
  order: "asc" | "desc";
  columns: readonly string[];
  zone: Zone;
}

export function SaveLogs({ range, q, order, columns, zone }: SaveLogsProps) {
  const [said, setSaid] = useState<string | null>(null);
  const [running, setRunning] = useState<AbortController | null>(null);
  const latest = useRef<AbortController | null>(null);
  useEffect(() => () => latest.current?.abort(), []);
  const save = async (format: FileFormat, type: string) => {
    const abort = new AbortController();
    latest.current = abort;
    setRunning(abort);
    setSaid("0 records");
    try {
      const saved = await saveLogs({
        query: { range, q, order },
        format,
        columns,
        zone,
        fetchPage: async (query) => (await fetchLogs(query, abort.signal)).value,
        onRows: (rows) => setSaid(plural(rows, "record")),
      });
      if (saved.rows > 0) download(fileName(range, format), saved.parts, type);
      setSaid(inWords(saved, order));
    } catch (error) {
      setSaid(
        abort.signal.aborted ? "stopped, nothing was saved" : error instanceof Error ? error.message : String(error),
      );
    } finally {
      setRunning(null);
    }
  };
  return (
    <div className={styles.line}>
      <span>Up to {formatCount(SAVED_MAX)} records as</span>
      {FORMATS.map(({ format, label, type }) => (
        <button
          key={format}
          type="button"
          className="button small"
          disabled={running !== null}
          onClick={() => void save(format, type)}
        >
          {label}
        </button>
      ))}
      {running && (
        <button type="button" className="button quiet small" onClick={() => running.abort()}>
          Stop
        </button>
      )}
      <span role="status" className={`faint ${styles.said}`}>
        {said}
      </span>
    </div>
  );
}

function fileName({ fromMilli }: Range, format: FileFormat): string {
  return `logs-${new Date(fromMilli).toISOString().slice(0, 19).replaceAll(":", "")}.${format}`;
}

function inWords({ rows, more, partial }: Saved, order: "asc" | "desc"): string {
  if (rows === 0) return `no record matches, nothing was saved${partial ? `; not whole: ${partial}` : ""}`;
  const which = more ? `, the ${order === "desc" ? "newest" : "oldest"}; there are more` : "";
  return `${plural(rows, "record")} saved${which}${partial ? `; not whole: ${partial}` : ""}`;
}
