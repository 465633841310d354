// Opens a trace from a file, for those who do not drag.
import { useNavigate } from "@tanstack/react-router";
import { FolderOpen } from "lucide-react";
import { useRef, useState } from "react";
import { openTraceFile } from "../../lib/trace-file.ts";

export function OpenFileButton() {
  const navigate = useNavigate();
  const input = useRef<HTMLInputElement>(null);
  const [problem, setProblem] = useState<string | null>(null);
  return (
    <>
      <input
        ref={input}
        type="file"
        accept=".json,application/json"
        className="sr-only"
        tabIndex={-1}
        aria-label="A trace file: Jaeger or OTLP JSON"
        onChange={async (event) => {
          const file = event.target.files?.[0];
          event.target.value = "";
          if (!file) return;
          try {
            await openTraceFile(file);
            setProblem(null);
            await navigate({ to: "/traces/$traceId", params: { traceId: "file" }, search: {} });
          } catch (error) {
            setProblem(error instanceof Error ? error.message : String(error));
          }
        }}
      />
      <button
        type="button"
        className="button icon"
        aria-label="Open a trace file"
        title="Open a trace of Jaeger or OTLP (JSON), or drop it onto the page"
        onClick={() => input.current?.click()}
      >
        <FolderOpen size={14} aria-hidden />
      </button>
      {problem && (
        <span className="badge error" role="alert">
          {problem}
        </span>
      )}
    </>
  );
}
