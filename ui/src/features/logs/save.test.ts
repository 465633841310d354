import { expect, test } from "vitest";
import type { LogPage, LogQuery } from "../../api/logs.ts";
import { saveLogs } from "./save.ts";

const range = { fromMilli: 0, toMilli: 1000 };

/** So many records, in pages of what is asked for. */
function server(records: number) {
  const asked: LogQuery[] = [];
  const fetchPage = async (query: LogQuery): Promise<LogPage> => {
    asked.push(query);
    const from = Number(query.cursor ?? 0);
    const to = Math.min(records, from + (query.limit ?? 0));
    const logs = Array.from({ length: to - from }, (_, at) => ({
      id: String(from + at),
      time_unix_nano: String((from + at + 1) * 1_000_000),
      observed_time_unix_nano: "0",
      severity_number: 9,
      severity_text: "",
      level: "INFO",
      service: "api",
      body: { stringValue: `=line ${from + at}` },
      event_name: "",
      trace_id: "",
      span_id: "",
      flags: 0,
      attributes: [{ key: "user.id", value: { stringValue: "u, 1" } }],
      dropped_attributes_count: 0,
      resource: { attributes: [], dropped_attributes_count: 0, schema_url: "" },
      scope: { name: "", version: "", attributes: [], dropped_attributes_count: 0, schema_url: "" },
    }));
    return { logs, next_cursor: to < records ? String(to) : null, prev_cursor: null } as unknown as LogPage;
  };
  return { asked, fetchPage };
}

const saving = { query: { range, q: "" }, columns: ["user.id"], zone: "utc" } as const;

test("all pages are one file, with one head", async () => {
  const { asked, fetchPage } = server(12_000);
  const counts: number[] = [];
  const saved = await saveLogs({ ...saving, format: "csv", fetchPage, onRows: (rows) => counts.push(rows) });
  const lines = saved.parts.join("").split("\r\n");
  expect(lines[0]).toBe("time,level,service,user.id,body");
  expect(lines.filter((line) => line.startsWith("time,"))).toHaveLength(1);
  expect(lines[12_000]).toMatch(/,INFO,api,"u, 1",'=line 11999$/);
  expect(lines.slice(12_001)).toEqual([""]);
  expect([saved.rows, saved.more, counts, asked.length]).toEqual([12_000, false, [5_000, 10_000, 12_000], 3]);
});

test("a limit is kept, and that there is more is known", async () => {
  const { fetchPage } = server(9_000);
  const saved = await saveLogs({ ...saving, format: "jsonl", fetchPage, max: 7_000 });
  expect([saved.rows, saved.more]).toEqual([7_000, true]);
  const lines = saved.parts.join("").trimEnd().split("\n");
  expect(lines).toHaveLength(7_000);
  expect(JSON.parse(lines[6_999] ?? "").attributes[0].value).toEqual({ stringValue: "u, 1" });
});

test("nothing is an empty file", async () => {
  const saved = await saveLogs({ ...saving, format: "jsonl", fetchPage: server(0).fetchPage });
  expect(saved).toEqual({ parts: [""], rows: 0, more: false, partial: null });
});

test("pages without records leave no trace in a file", async () => {
  const { fetchPage } = server(12_000);
  // The first page and every second one are empty, but lead on.
  let asked = 0;
  const halting = async (query: LogQuery): Promise<LogPage> =>
    asked++ % 2 === 0
      ? { ...(await fetchPage({ ...query, limit: 0 })), next_cursor: query.cursor ?? "0" }
      : fetchPage(query);
  const saved = await saveLogs({ ...saving, format: "csv", fetchPage: halting });
  const whole = await saveLogs({ ...saving, format: "csv", fetchPage });
  expect([saved.rows, asked]).toEqual([12_000, 6]);
  expect(saved.parts.join("")).toBe(whole.parts.join(""));
});
