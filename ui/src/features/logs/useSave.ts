// One save at a time. The page owns it, so that it goes on while the menu is closed.
import { useEffect, useRef, useState } from "react";
import { fetchLogs } from "../../api/logs.ts";
import { download } from "../../lib/download.ts";
import { plural } from "../../lib/number.ts";
import type { Range } from "../../lib/time/range.ts";
import type { Zone } from "../../lib/time/zone.ts";
import { type FileFormat, type Saved, saveLogs } from "./save.ts";

export interface Save {
  /** Of the save that runs or ran last. */
  format: FileFormat | null;
  running: boolean;
  /** How far it is, or how it ended. */
  said: string | null;
  start: (format: FileFormat) => void;
  stop: () => void;
}

export interface SaveOptions {
  range: Range;
  q: string;
  order: "asc" | "desc";
  columns: readonly string[];
  zone: Zone;
}

const TYPES: Record<FileFormat, string> = { csv: "text/csv", jsonl: "application/x-ndjson" };

export function useSave({ range, q, order, columns, zone }: SaveOptions): Save {
  const [last, setLast] = useState<{ format: FileFormat; q: string } | null>(null);
  const [said, setSaid] = useState<string | null>(null);
  const [running, setRunning] = useState(false);
  const latest = useRef<AbortController | null>(null);
  useEffect(() => () => latest.current?.abort(), []);
  const save = async (format: FileFormat) => {
    const abort = new AbortController();
    latest.current = abort;
    setLast({ format, q });
    setRunning(true);
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
      if (saved.rows > 0) download(fileName(range, format), saved.parts, TYPES[format]);
      setSaid(inWords(saved, order));
    } catch (error) {
      setSaid(
        abort.signal.aborted ? "stopped, nothing was saved" : error instanceof Error ? error.message : String(error),
      );
    } finally {
      setRunning(false);
    }
  };
  return {
    format: last?.format ?? null,
    running,
    // How the save of another query ended would be read as of this one.
    said: running || last?.q === q ? said : null,
    start: (format) => {
      if (!running) void save(format);
    },
    stop: () => latest.current?.abort(),
  };
}

function fileName({ fromMilli }: Range, format: FileFormat): string {
  return `logs-${new Date(fromMilli).toISOString().slice(0, 19).replaceAll(":", "")}.${format}`;
}

function inWords({ rows, more, partial }: Saved, order: "asc" | "desc"): string {
  if (rows === 0) return `no record matches, nothing was saved${partial ? `; not whole: ${partial}` : ""}`;
  const which = more ? `, the ${order === "desc" ? "newest" : "oldest"}; there are more` : "";
  return `${plural(rows, "record")} saved${which}${partial ? `; not whole: ${partial}` : ""}`;
}
