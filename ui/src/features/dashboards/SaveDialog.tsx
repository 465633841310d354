// Saving: what changed, and why. When somebody else saved meanwhile, both changes are shown, and neither is lost.
import { useState } from "react";
import { conflicting, type DashboardDocument, saveDashboard } from "../../api/dashboards.ts";
import { Dialog } from "../../components/Dialog.tsx";
import { DiffView } from "../../components/DiffView.tsx";
import { ErrorBox } from "../../components/States.tsx";
import styles from "./Dashboard.module.css";

export interface SaveDialogProps {
  stored: DashboardDocument;
  text: string;
  version: number;
  onClose: () => void;
  onSaved: (version: number) => void;
  onDiscard: () => void;
}

export function SaveDialog({ stored, text, version, onClose, onSaved, onDiscard }: SaveDialogProps) {
  const [message, setMessage] = useState("");
  const [error, setError] = useState<Error | null>(null);
  const [theirs, setTheirs] = useState<DashboardDocument | null>(null);
  const [busy, setBusy] = useState(false);
  const save = async (based: number) => {
    setBusy(true);
    setError(null);
    try {
      onSaved((await saveDashboard(stored.uid, { document: text, version: based, message })).version);
    } catch (cause) {
      const current = conflicting(cause);
      if (current) setTheirs(current);
      else setError(cause instanceof Error ? cause : new Error(String(cause)));
    }
    setBusy(false);
  };
  return (
    <Dialog
      title={theirs ? "Somebody else saved it meanwhile" : `Save ${stored.title}`}
      wide
      onClose={onClose}
      footer={
        theirs ? (
          <>
            <button type="button" className="button" onClick={onDiscard}>
              Take theirs, drop mine
            </button>
            <button type="button" className="button primary" disabled={busy} onClick={() => void save(theirs.version)}>
              Save mine over version {theirs.version}
            </button>
          </>
        ) : (
          <>
            <button type="button" className="button" onClick={onClose}>
              Cancel
            </button>
            <button type="button" className="button primary" disabled={busy} onClick={() => void save(version)}>
              Save
            </button>
          </>
        )
      }
    >
      <div className={styles.inspect}>
        {error && <ErrorBox error={error} />}
        {theirs ? (
          <>
            <h3>
              Theirs: version {theirs.version}
              {theirs.updated_by && ` by ${theirs.updated_by}`}
              {theirs.message && `, “${theirs.message}”`}
            </h3>
            <DiffView before={stored.document} after={theirs.document} label="Their changes" />
            <h3>Mine</h3>
            <DiffView before={stored.document} after={text} label="My changes" />
          </>
        ) : (
          <>
            <label className={styles.field}>
              <span>Why, in a few words</span>
              <input
                autoFocus
                className="input"
                value={message}
                maxLength={200}
                placeholder="optional"
                onChange={(event) => setMessage(event.target.value)}
                onKeyDown={(event) => event.key === "Enter" && void save(version)}
              />
            </label>
            <DiffView before={stored.document} after={text} label="Changes" />
          </>
        )}
      </div>
    </Dialog>
  );
}
