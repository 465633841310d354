// Reads a trace off the main thread: the answer of the server, or a file that was dropped, to the tree and its path.
import { readColumns } from "../../api/trace-columns.ts";
import { criticalPath } from "./critical.ts";
import { readTraceFile } from "./files/read.ts";
import { buildTree } from "./tree.ts";
import type { WorkerAnswer, WorkerJob } from "./worker.ts";

function run(job: WorkerJob): WorkerAnswer {
  const json: unknown = JSON.parse(new TextDecoder().decode(job.bytes));
  if (job.kind === "file") {
    const traces = readTraceFile(json).map(({ columns, spans }) => {
      const tree = buildTree(columns);
      return { tree, path: criticalPath(tree), spans };
    });
    return { kind: "file", id: job.id, traces };
  }
  const { columns, partial, stats } = readColumns(json);
  const tree = buildTree(columns);
  return { kind: "answer", id: job.id, tree, path: criticalPath(tree), partial, stats };
}

self.onmessage = ({ data }: MessageEvent<WorkerJob>) => {
  try {
    const answer = run(data);
    self.postMessage(answer, { transfer: answer.kind === "answer" ? buffers(answer) : [] });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    self.postMessage({ kind: "failed", id: data.id, message } satisfies WorkerAnswer);
  }
};

/** The memory of typed arrays is handed over instead of copied. */
function buffers(answer: Extract<WorkerAnswer, { kind: "answer" }>): ArrayBuffer[] {
  const found = new Set<ArrayBuffer>();
  for (const value of [...Object.values(answer.tree), ...Object.values(answer.path)]) {
    if (ArrayBuffer.isView(value) && value.buffer instanceof ArrayBuffer) found.add(value.buffer);
  }
  return [...found];
}
