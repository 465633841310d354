// The file that was dropped last onto a page that shows traces. It lives as long as the page: it is shown, not stored.
import { createStore } from "./store.ts";

export interface TraceFile {
  /** Counts up, so that the same file dropped again is read again. */
  id: number;
  name: string;
  bytes: ArrayBuffer;
}

export const traceFile = createStore<TraceFile | null>(null);

export const FILE_BYTES_MAX = 256 * 1024 * 1024;

let files = 0;

/** Throws when the file is too large. */
export async function openTraceFile(file: File): Promise<void> {
  if (file.size > FILE_BYTES_MAX) throw new Error(`${file.name} is larger than 256 MiB`);
  traceFile.set({ id: ++files, name: file.name, bytes: await file.arrayBuffer() });
}
