// The command that takes everything that matches out of a running server.
import type { Range } from "./time/range.ts";

export interface Exported {
  /** Where the server is, as this page was reached. */
  server: string;
  signal: "logs" | "traces";
  range: Range;
  q: string;
}

/** For a POSIX shell: one argument per line where it is long. */
export function exportCommand({ server, signal, range, q }: Exported): string {
  const time = (milli: number) => new Date(milli).toISOString();
  return [
    `bellrock export --api ${quoted(server.replace(/\/+$/, ""))} --signal ${signal}`,
    `--from ${time(range.fromMilli)} --to ${time(range.toMilli)}`,
    // With `=`: a filter may begin with `-`, as flags do.
    ...(q.trim() ? [`--filter=${quoted(q)}`] : []),
    `--out ${signal}.parquet`,
  ].join(" \\\n  ");
}

function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
