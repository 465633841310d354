// Somebody takes care of alerts: they are not repeated any more; what is new and their end are still told.
import { useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { acknowledge, takeBack } from "../../api/alerts.ts";
import { Dialog } from "../../components/Dialog.tsx";
import { ErrorBox } from "../../components/States.tsx";
import { plural } from "../../lib/number.ts";
import { formatInstant } from "../../lib/time/format.ts";
import { useTime } from "../../lib/view.ts";
import styles from "./Alerts.module.css";
import { person } from "./person.ts";
import type { TriageRow } from "./triage.ts";

export type AcknowledgeTarget = Pick<TriageRow, "fingerprint" | "name" | "managed">;

export interface AcknowledgeDialogProps {
  rows: readonly AcknowledgeTarget[];
  onClose: () => void;
  onDone: (words: string) => void;
}

const UNTIL = [
  { title: "until it ends", value: "" },
  { title: "1 h", value: "now+1h" },
  { title: "4 h", value: "now+4h" },
  { title: "8 h", value: "now+8h" },
] as const;

export function AcknowledgeDialog({ rows, onClose, onDone }: AcknowledgeDialogProps) {
  const { zone } = useTime();
  const client = useQueryClient();
  const [by, setBy] = useState(person.get);
  const [comment, setComment] = useState("");
  const [until, setUntil] = useState<string>("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Error | null>(null);
  const old = rows.length === 1 ? (rows[0]?.managed?.acknowledged ?? null) : null;
  const run = async (each: (fingerprint: string) => Promise<unknown>, words: string) => {
    setBusy(true);
    setError(null);
    try {
      await Promise.all(rows.flatMap((row) => (row.fingerprint ? [each(row.fingerprint)] : [])));
      for (const key of [["managed"], ["why"]]) void client.invalidateQueries({ queryKey: key });
      onDone(words);
    } catch (failure) {
      setError(failure instanceof Error ? failure : new Error(String(failure)));
      setBusy(false);
    }
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (by.trim() === "" || busy) return;
    person.set(by.trim());
    const care = { by: by.trim(), comment: comment.trim(), ...(until === "" ? {} : { until }) };
    void run((fingerprint) => acknowledge(fingerprint, care), `Acknowledged ${plural(rows.length, "alert")}`);
  };
  const title = rows.length === 1 ? `Acknowledge ${rows[0]?.name ?? ""}` : `Acknowledge ${rows.length} alerts`;
  return (
    <Dialog
      title={title}
      onClose={onClose}
      footer={
        <>
          {old && (
            <button
              type="button"
              className="button"
              disabled={busy}
              onClick={() => void run(takeBack, "Nobody takes care of it any more")}
            >
              Take back
            </button>
          )}
          <span className="grow" />
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" form="acknowledge" className="button primary" disabled={busy || by.trim() === ""}>
            Acknowledge
          </button>
        </>
      }
    >
      <form id="acknowledge" className={styles.form} onSubmit={submit}>
        {old && (
          <p className="muted">
            {old.by} takes care of it since {formatInstant(old.at_ms, zone, false)}
            {old.comment && `: ${old.comment}`}
          </p>
        )}
        <p className={styles.hint}>It is not repeated any more. New alerts of its group and its end are still told.</p>
        <label className={styles.field}>
          Who takes care
          <input
            className="input"
            value={by}
            data-first-focus
            placeholder="Your name"
            onChange={(event) => setBy(event.target.value)}
          />
        </label>
        <label className={styles.field}>
          Comment
          <input
            className="input"
            value={comment}
            placeholder="Looking at it"
            onChange={(event) => setComment(event.target.value)}
          />
        </label>
        <fieldset className={styles.fieldset}>
          <legend>For how long</legend>
          <div className={styles.chips}>
            {UNTIL.map((each) => (
              <button
                key={each.title}
                type="button"
                className="button small"
                aria-pressed={until === each.value}
                onClick={() => setUntil(each.value)}
              >
                {each.title}
              </button>
            ))}
          </div>
        </fieldset>
        {error && <ErrorBox error={error} />}
      </form>
    </Dialog>
  );
}
