// A new objective, or an edited one: by a form or as a file; what it would say now stands beside it while it is typed.
import { keepPreviousData, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { fetchSlo, importSlos, previewSlos, type SloFinding } from "../../api/slos.ts";
import { ErrorBox, Skeleton } from "../../components/States.tsx";
import { Tabs } from "../../components/Tabs.tsx";
import { useView } from "../../lib/view.ts";
import { type Draft, draftOf, EMPTY, isComplete, writeDraft } from "./draft.ts";
import { FileForm } from "./FileForm.tsx";
import { Findings } from "./Findings.tsx";
import { Preview } from "./Preview.tsx";
import { SloForm } from "./SloForm.tsx";
import styles from "./Slos.module.css";

const SETTLED_MS = 500;

export function NewSloPage() {
  const { search, patch } = useView();
  const edited = useQuery({
    queryKey: ["slo", search.source],
    queryFn: ({ signal }) => fetchSlo(search.source ?? "", signal),
    enabled: search.source !== undefined,
  });
  if (edited.error) return <ErrorBox error={edited.error} onRetry={() => void edited.refetch()} />;
  if (search.source !== undefined && !edited.data) return <Skeleton rows={8} />;
  const start = edited.data ? draftOf(edited.data) : { ...EMPTY, part: search.select ?? "", total: search.q ?? "" };
  return (
    <Editor
      key={search.source ?? ""}
      start={start}
      edits={edited.data?.title ?? null}
      tab={search.tab === "file" ? "file" : "form"}
      onTab={(tab) => patch({ tab: tab === "file" ? "file" : undefined }, { replace: true })}
    />
  );
}

interface EditorProps {
  start: Draft;
  /** Title of the objective that is changed; null for a new one. */
  edits: string | null;
  tab: "form" | "file";
  onTab: (tab: "form" | "file") => void;
}

function Editor({ start, edits, tab, onTab }: EditorProps) {
  const [draft, setDraft] = useState(start);
  const [file, setFile] = useState("");
  const [refused, setRefused] = useState<readonly SloFinding[]>([]);
  const [error, setError] = useState<Error | null>(null);
  const [busy, setBusy] = useState(false);
  const navigate = useNavigate();
  const client = useQueryClient();
  const text = tab === "file" ? file : isComplete(draft) ? writeDraft(draft) : "";
  const settled = useSettled(text);
  const preview = useQuery({
    queryKey: ["slo-preview", settled],
    queryFn: ({ signal }) => previewSlos(settled, signal),
    enabled: settled.trim() !== "",
    placeholderData: keepPreviousData,
    retry: false,
  });
  const wrong = preview.data?.findings.some((finding) => finding.severity === "error") ?? false;
  const save = async () => {
    setBusy(true);
    setError(null);
    try {
      const { accepted, findings } = await importSlos(text);
      if (accepted.length === 0) {
        setRefused(findings);
        return;
      }
      await client.invalidateQueries({ queryKey: ["slos"] });
      await client.invalidateQueries({ queryKey: ["slo"] });
      const [only] = accepted;
      if (accepted.length === 1 && only) void navigate({ to: "/slos/$id", params: { id: only }, search: {} });
      else void navigate({ to: "/slos", search: {} });
    } catch (cause) {
      setError(cause instanceof Error ? cause : new Error(String(cause)));
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      {edits === null && (
        <Tabs
          label="How it is made"
          tabs={[
            { id: "form", title: "Form" },
            { id: "file", title: "File" },
          ]}
          current={tab}
          onChange={onTab}
        />
      )}
      <div className={styles.new}>
        <div className={styles.form}>
          {edits !== null && <h2>Edit {edits}</h2>}
          {tab === "file" ? (
            <FileForm text={file} onChange={setFile} />
          ) : (
            <SloForm draft={draft} idFixed={edits !== null} onChange={setDraft} />
          )}
          <Findings findings={refused} />
          {error && <ErrorBox error={error} />}
          <div className={styles.save}>
            <button
              type="button"
              className="button primary"
              disabled={busy || text.trim() === "" || wrong}
              onClick={() => void save()}
            >
              {edits !== null ? "Save" : tab === "file" ? "Take these objectives" : "Make the objective"}
            </button>
          </div>
        </div>
        <section className={styles.preview} aria-label="Preview">
          <Preview text={text} tab={tab} result={preview} />
        </section>
      </div>
    </>
  );
}

/** A text once it has not changed for a while. */
function useSettled(text: string): string {
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), SETTLED_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return settled;
}
