// The other end of the trace worker: bytes in, tree out. One worker for the life of the page.
import { ApiError } from "../../api/client.ts";
import type { Partial, QueryStats } from "../../api/otlp.ts";
import type { Span } from "../../api/traces.ts";
import type { CriticalPath } from "./critical.ts";
import type { TraceTree } from "./tree.ts";

export interface WorkerJob {
  kind: "answer" | "file";
  id: number;
  bytes: ArrayBuffer;
}

export interface LoadedTrace {
  tree: TraceTree;
  path: CriticalPath;
}

/** A trace of a file: its spans are here, nobody can be asked for them. */
export interface FileTrace extends LoadedTrace {
  spans: Span[];
}

export type WorkerAnswer =
  | ({ kind: "answer"; id: number; partial: Partial | null; stats: QueryStats | null } & LoadedTrace)
  | { kind: "file"; id: number; traces: FileTrace[] }
  | { kind: "failed"; id: number; message: string };

let worker: Worker | null = null;
let lastId = 0;
const waiting = new Map<number, (answer: WorkerAnswer) => void>();

function start(): Worker {
  if (worker) return worker;
  worker = new Worker(new URL("./trace.worker.ts", import.meta.url), { type: "module" });
  worker.onmessage = ({ data }: MessageEvent<WorkerAnswer>) => {
    waiting.get(data.id)?.(data);
    waiting.delete(data.id);
  };
  worker.onerror = () => {
    for (const [id, done] of waiting) done({ kind: "failed", id, message: "the trace could not be read" });
    waiting.clear();
    worker = null;
  };
  return worker;
}

async function ask(kind: WorkerJob["kind"], bytes: ArrayBuffer): Promise<WorkerAnswer> {
  const id = ++lastId;
  const answer = await new Promise<WorkerAnswer>((resolve) => {
    waiting.set(id, resolve);
    start().postMessage({ kind, id, bytes } satisfies WorkerJob, [bytes]);
  });
  if (answer.kind === "failed") throw new ApiError("unexpected", answer.message);
  return answer;
}

export async function readAnswer(bytes: ArrayBuffer): Promise<Extract<WorkerAnswer, { kind: "answer" }>> {
  const answer = await ask("answer", bytes);
  if (answer.kind !== "answer") throw new ApiError("unexpected", "the trace could not be read");
  return answer;
}

export async function readFile(bytes: ArrayBuffer): Promise<FileTrace[]> {
  const answer = await ask("file", bytes);
  return answer.kind === "file" ? answer.traces : [];
}
