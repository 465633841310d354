// Accepts a trace file on the whole page: Jaeger's JSON or OTLP/JSON.
import { useNavigate } from "@tanstack/react-router";
import { type DragEvent, type ReactNode, useState } from "react";
import { ErrorBox } from "../../components/States.tsx";
import styles from "./DropFile.module.css";
import { droppedTraces } from "./dropped.ts";
import { readFile } from "./worker.ts";

export const FILE_BYTES_MAX = 256 * 1024 * 1024;

export async function openTraceFile(file: File): Promise<void> {
  if (file.size > FILE_BYTES_MAX) throw new Error(`${file.name} is larger than 256 MiB`);
  const traces = await readFile(await file.arrayBuffer());
  droppedTraces.set({ name: file.name, traces, shown: 0 });
}

export function DropFile({ children }: { children: ReactNode }) {
  const navigate = useNavigate();
  const [over, setOver] = useState(false);
  const [problem, setProblem] = useState<Error | null>(null);
  const onDrop = async (event: DragEvent) => {
    const file = event.dataTransfer.files[0];
    if (!file) return;
    event.preventDefault();
    setOver(false);
    try {
      await openTraceFile(file);
      setProblem(null);
      await navigate({ to: "/traces/$traceId", params: { traceId: "file" }, search: {} });
    } catch (error) {
      setProblem(error instanceof Error ? error : new Error(String(error)));
    }
  };
  const hasFile = (event: DragEvent) => event.dataTransfer.types.includes("Files");
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the same is done with the button "Open a file" of the search
    <div
      className={styles.root}
      onDragOver={(event) => {
        if (!hasFile(event)) return;
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={(event) => {
        if (!event.currentTarget.contains(event.relatedTarget as Node | null)) setOver(false);
      }}
      onDrop={(event) => void onDrop(event)}
    >
      {problem && <ErrorBox error={problem} onRetry={() => setProblem(null)} />}
      {children}
      {over && <div className={styles.over}>Drop a trace of Jaeger or OTLP (JSON) to look at it</div>}
    </div>
  );
}
