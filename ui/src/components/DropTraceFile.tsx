// Accepts a trace file on the whole page: Jaeger's JSON or OTLP/JSON.
import { useNavigate } from "@tanstack/react-router";
import { type DragEvent, type ReactNode, useState } from "react";
import { openTraceFile } from "../lib/trace-file.ts";
import styles from "./DropTraceFile.module.css";
import { ErrorBox } from "./States.tsx";

export function DropTraceFile({ children }: { children: ReactNode }) {
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
