// Import of dashboards: paste or drop the JSON, read what will be shown otherwise, keep the document as it is.
import { useState } from "react";
import { createDashboard } from "../../api/dashboards.ts";
import { Dialog } from "../../components/Dialog.tsx";
import { ErrorBox } from "../../components/States.tsx";
import { plural } from "../../lib/number.ts";
import styles from "./Dashboard.module.css";
import { readDocument } from "./read.ts";

export interface ImportDialogProps {
  onClose: () => void;
  onImported: (uid: string) => void;
}

export function ImportDialog({ onClose, onImported }: ImportDialogProps) {
  const [text, setText] = useState("");
  const [error, setError] = useState<Error | null>(null);
  const [busy, setBusy] = useState(false);
  const preview = text.trim() === "" ? null : tryRead(text);
  const read = async (file: File | undefined) => {
    if (file) setText(await file.text());
  };
  const create = async () => {
    setBusy(true);
    setError(null);
    try {
      onImported((await createDashboard({ document: text, message: "imported" })).uid);
    } catch (cause) {
      setError(cause instanceof Error ? cause : new Error(String(cause)));
    }
    setBusy(false);
  };
  return (
    <Dialog
      title="Import a dashboard"
      wide
      onClose={onClose}
      footer={
        <>
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button
            type="button"
            className="button primary"
            disabled={busy || preview === null || typeof preview === "string"}
            onClick={() => void create()}
          >
            Import
          </button>
        </>
      }
    >
      {/* biome-ignore lint/a11y/noStaticElementInteractions: dropping a file is a shortcut for the field and the button */}
      <div
        className={styles.inspect}
        onDragOver={(event) => event.preventDefault()}
        onDrop={(event) => {
          event.preventDefault();
          void read(event.dataTransfer.files[0]);
        }}
      >
        <p className="muted">
          The plain form (<code>{'{"dashboard": {"title", "panels"}}'}</code>) or the JSON of Grafana. The document is
          stored as it is; an export gives the same bytes.
        </p>
        <label className={styles.field}>
          <span>A file</span>
          <input type="file" accept=".json,application/json" onChange={(event) => void read(event.target.files?.[0])} />
        </label>
        <label className={styles.field}>
          <span>Or its text</span>
          <textarea
            className={styles.area}
            rows={10}
            spellCheck={false}
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
        </label>
        {error && <ErrorBox error={error} />}
        {typeof preview === "string" && (
          <p role="alert" className={styles.problem}>
            {preview}
          </p>
        )}
        {preview !== null && typeof preview !== "string" && (
          <section role="status">
            <h3>
              {preview.dashboard.title}: {plural(preview.dashboard.panels.length, "panel")},{" "}
              {plural(preview.dashboard.variables.length, "variable")}
            </h3>
            {preview.findings.length === 0 ? (
              <p className="muted">Everything in it is shown.</p>
            ) : (
              <ul className={styles.findings}>
                {preview.findings.map((finding, index) => (
                  <li key={index}>
                    {finding.panel && <strong>{finding.panel}: </strong>}
                    {finding.what}
                  </li>
                ))}
              </ul>
            )}
          </section>
        )}
      </div>
    </Dialog>
  );
}

function tryRead(text: string): ReturnType<typeof readDocument> | string {
  try {
    return readDocument(text);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
