// Rows as text, for the clipboard.
import { formatNanos } from "../../lib/time/format.ts";
import type { Zone } from "../../lib/time/zone.ts";
import { fieldOf, type LogRow } from "./rows.ts";

export const FORMATS = ["text", "JSON", "CSV", "Markdown"] as const;
export type Format = (typeof FORMATS)[number];

export function rowsAs(format: Format, rows: readonly LogRow[], columns: readonly string[], zone: Zone): string {
  const head = ["time", "level", "service", ...columns, "body"];
  const cells = (row: LogRow) => [
    formatNanos(row.nanos, zone),
    row.level,
    row.service,
    ...columns.map((column) => fieldOf(row, column)),
    row.line,
  ];
  switch (format) {
    case "text":
      return rows.map((row) => cells(row).join("  ")).join("\n");
    case "JSON":
      return rows.map((row) => JSON.stringify(asObject(row))).join("\n");
    case "CSV":
      return [head, ...rows.map(cells)].map((line) => line.map(csvCell).join(",")).join("\r\n");
    case "Markdown":
      return [head, head.map(() => "---"), ...rows.map(cells)]
        .map((line) => `| ${line.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`)
        .join("\n");
  }
}

/** RFC 4180; a cell that a spreadsheet would run as a formula is written as text. */
export function csvCell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function asObject(row: LogRow): Record<string, unknown> {
  const pairs = (list: readonly string[]) =>
    Object.fromEntries(
      Array.from({ length: list.length / 2 }, (_, at) => [list[at * 2] ?? "", list[at * 2 + 1] ?? ""]),
    );
  return {
    id: row.id,
    time_unix_nano: String(row.nanos),
    level: row.level,
    service: row.service,
    body: row.line,
    ...(row.traceId ? { trace_id: row.traceId } : {}),
    ...(row.spanId ? { span_id: row.spanId } : {}),
    attributes: pairs(row.attributes),
    resource: pairs(row.resource),
  };
}
