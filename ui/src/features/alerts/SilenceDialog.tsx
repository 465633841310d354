// Makes or changes a silence: which alerts, until when, why, and what it would hide, before it does.
import { keepPreviousData, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useMemo, useState } from "react";
import { previewSilence } from "../../api/alerts.ts";
import { serverNow } from "../../api/client.ts";
import { matcherText, type Silence, type SilenceMatcher, saveSilence } from "../../api/silences.ts";
import { Dialog } from "../../components/Dialog.tsx";
import { ErrorBox } from "../../components/States.tsx";
import { plural } from "../../lib/number.ts";
import { formatInstant, formatRelative } from "../../lib/time/format.ts";
import { useTime } from "../../lib/view.ts";
import styles from "./Alerts.module.css";
import { CHIPS } from "./durations.ts";
import { LabelList } from "./LabelList.tsx";
import { MatcherRows } from "./MatcherRows.tsx";
import { person } from "./person.ts";
import { SeverityTag } from "./Tags.tsx";

export interface SilenceDialogProps {
  matchers: readonly SilenceMatcher[];
  /** The one that is changed. */
  silence?: Silence;
  onClose: () => void;
  /** Told what was made, in words, and its id. */
  onDone: (words: string, id: string) => void;
}

const PREVIEW_ROWS = 8;
const DEFAULT_CHIP = 2;

/** One matcher for each label, as a silence of exactly this alert has them. */
export function matchersOf(labels: Readonly<Record<string, string>>): SilenceMatcher[] {
  return Object.entries(labels).map(([name, value]) => ({ name, value, isEqual: true, isRegex: false }));
}

export function SilenceDialog({ matchers: initial, silence, onClose, onDone }: SilenceDialogProps) {
  const { zone } = useTime();
  const client = useQueryClient();
  const [now] = useState(serverNow);
  const [matchers, setMatchers] = useState<SilenceMatcher[]>([...initial]);
  const [end, setEnd] = useState(() =>
    silence ? Date.parse(silence.endsAt) : (CHIPS[DEFAULT_CHIP]?.end(now, zone) ?? now),
  );
  const [comment, setComment] = useState(silence?.comment ?? "");
  const [by, setBy] = useState(() => silence?.createdBy || person.get());
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Error | null>(null);
  const texts = useMemo(() => matchers.filter((each) => each.name !== "").map(matcherText), [matchers]);
  const preview = useQuery({
    queryKey: ["silence-preview", texts.join(",")],
    queryFn: ({ signal }) => previewSilence(texts, signal),
    enabled: texts.length > 0,
    placeholderData: keepPreviousData,
    retry: false,
  });
  const problem =
    texts.length === 0
      ? "Say which alerts: at least one matcher."
      : end <= now
        ? "It must end later than now."
        : by.trim() === ""
          ? "Say who you are, so that others can ask."
          : null;
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (problem !== null || busy) return;
    setBusy(true);
    setError(null);
    person.set(by.trim());
    try {
      const startsAt = silence ? silence.startsAt : new Date(now).toISOString();
      const id = await saveSilence({
        ...(silence ? { id: silence.id } : {}),
        matchers: matchers.filter((each) => each.name !== ""),
        startsAt,
        endsAt: new Date(end).toISOString(),
        createdBy: by.trim(),
        comment: comment.trim(),
      });
      for (const key of [["managed"], ["silences"], ["why"], ["rules"]])
        void client.invalidateQueries({ queryKey: key });
      onDone(`Silenced until ${formatInstant(end, zone, false)}`, id);
    } catch (failure) {
      setError(failure instanceof Error ? failure : new Error(String(failure)));
      setBusy(false);
    }
  };
  return (
    <Dialog
      title={silence ? "Change the silence" : "Silence"}
      onClose={onClose}
      footer={
        <>
          {problem && <span className={`${styles.hint} grow`}>{problem}</span>}
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" form="silence" className="button primary" disabled={problem !== null || busy}>
            {silence
              ? "Save"
              : preview.data && preview.data.count > 0
                ? `Silence ${plural(preview.data.count, "alert")}`
                : "Silence"}
          </button>
        </>
      }
    >
      <form id="silence" className={styles.form} onSubmit={(event) => void submit(event)}>
        <fieldset className={styles.fieldset}>
          <legend>For how long</legend>
          <div className={styles.chips}>
            {CHIPS.map((chip) => {
              const at = chip.end(now, zone);
              return (
                <button
                  key={chip.title}
                  type="button"
                  className="button small"
                  aria-pressed={at === end}
                  onClick={() => setEnd(at)}
                >
                  {chip.title}
                </button>
              );
            })}
          </div>
          <label className={styles.inline}>
            Ends
            <input
              type="datetime-local"
              className="input"
              value={localValue(end)}
              onChange={(event) => {
                const chosen = new Date(event.target.value).getTime();
                if (!Number.isNaN(chosen)) setEnd(chosen);
              }}
            />
            <span className="faint">{formatRelative(end, now)}</span>
          </label>
        </fieldset>
        <fieldset className={styles.fieldset}>
          <legend>Which alerts</legend>
          <MatcherRows matchers={matchers} onChange={setMatchers} />
        </fieldset>
        <label className={styles.field}>
          Why
          <input
            className="input"
            value={comment}
            data-first-focus
            placeholder="The disk is being replaced, ticket 4711"
            onChange={(event) => setComment(event.target.value)}
          />
        </label>
        <label className={styles.field}>
          Who
          <input
            className="input"
            value={by}
            placeholder="Your name"
            autoComplete="name"
            onChange={(event) => setBy(event.target.value)}
          />
        </label>
        {error && <ErrorBox error={error} />}
        <section aria-label="What it hides" aria-live="polite">
          {preview.error && <ErrorBox error={preview.error} />}
          {preview.data && !preview.error && texts.length > 0 && (
            <>
              <p className={styles.hint}>
                {preview.data.count === 0
                  ? "Nothing that fires now fits; what comes later and fits stays quiet."
                  : `Hides ${plural(preview.data.count, "alert")} that ${preview.data.count === 1 ? "fires" : "fire"} now${preview.data.quiet_already > 0 ? `, ${preview.data.quiet_already} of them quiet already` : ""}:`}
              </p>
              <ul className={styles.preview}>
                {preview.data.alerts.slice(0, PREVIEW_ROWS).map((alert) => (
                  <li key={alert.fingerprint}>
                    <SeverityTag severity={alert.labels.severity ?? ""} />
                    <strong className="ellipsis">{alert.labels.alertname}</strong>
                    <LabelList
                      labels={Object.entries(alert.labels).filter(
                        ([name]) => name !== "alertname" && name !== "severity",
                      )}
                      max={3}
                    />
                  </li>
                ))}
              </ul>
              {preview.data.count > PREVIEW_ROWS && (
                <p className="faint">and {preview.data.count - PREVIEW_ROWS} more</p>
              )}
              {preview.data.warnings
                .filter((warning) => !warning.startsWith("nothing that fires"))
                .map((warning) => (
                  <p key={warning} className={styles.problem}>
                    {warning}
                  </p>
                ))}
            </>
          )}
        </section>
      </form>
    </Dialog>
  );
}

/** What a field for local time takes. */
function localValue(unixMilli: number): string {
  const at = new Date(unixMilli);
  const two = (value: number) => String(value).padStart(2, "0");
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${two(at.getHours())}:${two(at.getMinutes())}`;
}
