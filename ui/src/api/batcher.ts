// Collects the queries that the panels of a page ask within a moment, and sends them as one batch.
import { type BatchAnswer, type BatchQuery, runBatch } from "./batch.ts";
import { ApiError } from "./client.ts";

const COLLECT_MS = 15;
const BATCH_MAX = 100;

interface Waiting {
  query: BatchQuery;
  signal: AbortSignal;
  resolve: (answer: BatchAnswer) => void;
  reject: (error: Error) => void;
}

let waiting: Waiting[] = [];
let collecting = false;

export function ask(query: BatchQuery, signal: AbortSignal): Promise<BatchAnswer> {
  return new Promise((resolve, reject) => {
    waiting.push({ query, signal, resolve, reject });
    if (!collecting) setTimeout(flush, COLLECT_MS);
    collecting = true;
  });
}

function flush(): void {
  collecting = false;
  const wanted = waiting.filter((each) => !each.signal.aborted);
  waiting = [];
  for (let at = 0; at < wanted.length; at += BATCH_MAX) void send(wanted.slice(at, at + BATCH_MAX));
}

async function send(batch: readonly Waiting[]): Promise<void> {
  const byId = new Map(batch.map((each, index) => [String(index), each]));
  const control = new AbortController();
  let left = batch.length;
  // The connection is given up when nobody waits for any of its answers.
  for (const each of batch) {
    each.signal.addEventListener("abort", () => {
      each.reject(new DOMException("aborted", "AbortError"));
      if (--left === 0) control.abort();
    });
  }
  const settle = (id: string, result: BatchAnswer | ApiError) => {
    const each = byId.get(id);
    if (!each) return;
    if (result instanceof ApiError) each.reject(result);
    else each.resolve(result);
  };
  await runBatch(new Map([...byId].map(([id, each]) => [id, each.query])), settle, control.signal).catch(() => {});
}
