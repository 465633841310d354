// The traces of the file that was dropped last. They live as long as the page: a file is shown, not stored.
import { createStore } from "../../lib/store.ts";
import type { FileTrace } from "./worker.ts";

export interface Dropped {
  name: string;
  traces: FileTrace[];
  shown: number;
}

export const droppedTraces = createStore<Dropped | null>(null);
