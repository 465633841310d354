// Maintenance windows: times, once or again and again, at which matching alerts are not told.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { serverNow } from "../../api/client.ts";
import {
  fetchWindows,
  type MaintenanceWindow,
  matcherText,
  removeWindow,
  type SilenceMatcher,
  saveWindow,
} from "../../api/silences.ts";
import { Dialog } from "../../components/Dialog.tsx";
import { ErrorBox } from "../../components/States.tsx";
import { WideTable } from "../../components/WideTable.tsx";
import { formatInstant } from "../../lib/time/format.ts";
import { useTime } from "../../lib/view.ts";
import styles from "./Alerts.module.css";
import { MatcherRows } from "./MatcherRows.tsx";

export function Maintenance() {
  const { zone } = useTime();
  const client = useQueryClient();
  const [open, setOpen] = useState(false);
  const windows = useQuery({ queryKey: ["maintenance"], queryFn: ({ signal }) => fetchWindows(signal), retry: false });
  const refresh = () => void client.invalidateQueries({ queryKey: ["maintenance"] });
  return (
    <section className={styles.block} aria-label="Maintenance windows">
      <header className={styles.blockHead}>
        <h2>Maintenance windows</h2>
        <span className="faint grow">planned, once or every week</span>
        <button type="button" className="button small" onClick={() => setOpen(true)}>
          New window
        </button>
      </header>
      {windows.error && <ErrorBox error={windows.error} />}
      {windows.data?.length === 0 && <p className="faint">There are none.</p>}
      {windows.data && windows.data.length > 0 && (
        <WideTable label="Table of windows">
          <table className="table">
            <thead>
              <tr>
                <th>Name</th>
                <th>Alerts</th>
                <th>When</th>
                <th>Why</th>
                <th>From</th>
                <th>
                  <span className="sr-only">Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {windows.data.map((window) => (
                <tr key={window.name}>
                  <td>
                    {window.name} {window.open && <span className="badge ok">open now</span>}
                  </td>
                  <td className={styles.cell}>
                    <code>{window.matchers.join(", ")}</code>
                  </td>
                  <td className={styles.cell}>{whenText(window, zone)}</td>
                  <td className={styles.cell}>{window.comment}</td>
                  <td className="muted">{window.origin}</td>
                  <td className="number">
                    {window.origin !== "file" && (
                      <button
                        type="button"
                        className="button small"
                        aria-label={`Remove ${window.name}`}
                        onClick={() => void removeWindow(window.name).then(refresh)}
                      >
                        Remove
                      </button>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </WideTable>
      )}
      {open && (
        <WindowDialog
          onClose={() => setOpen(false)}
          onDone={() => {
            setOpen(false);
            refresh();
          }}
        />
      )}
    </section>
  );
}

function whenText(window: MaintenanceWindow, zone: string): string {
  const bounds = [window.starts_at, window.ends_at].map((text) =>
    text ? formatInstant(Date.parse(text), zone, false) : "…",
  );
  const once = window.starts_at || window.ends_at ? bounds.join(" – ") : "";
  const times = Array.isArray(window.times) && window.times.length > 0 ? window.times.map(timesText).join("; ") : "";
  return [once, times].filter(Boolean).join(", ") || "always";
}

/** One entry in the form of Alertmanager's time intervals. */
function timesText(entry: unknown): string {
  if (typeof entry !== "object" || entry === null) return String(entry);
  const { weekdays, times, location } = entry as {
    weekdays?: unknown[];
    times?: { start_time?: string; end_time?: string }[];
    location?: string;
  };
  const days = Array.isArray(weekdays) ? weekdays.map(String).join(", ") : "every day";
  const hours = Array.isArray(times)
    ? times.map((each) => `${each.start_time ?? ""}–${each.end_time ?? ""}`).join(", ")
    : "";
  return [days, hours, location].filter(Boolean).join(" ");
}

const DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] as const;

function WindowDialog({ onClose, onDone }: { onClose: () => void; onDone: () => void }) {
  const [name, setName] = useState("");
  const [comment, setComment] = useState("");
  const [matchers, setMatchers] = useState<SilenceMatcher[]>([
    { name: "service", value: "", isEqual: true, isRegex: false },
  ]);
  const [weekly, setWeekly] = useState(true);
  const [days, setDays] = useState<ReadonlySet<string>>(new Set(["sunday"]));
  const [start, setStart] = useState("02:00");
  const [end, setEnd] = useState("04:00");
  const [from, setFrom] = useState(() => localText(serverNow()));
  const [to, setTo] = useState(() => localText(serverNow() + 7_200_000));
  const [error, setError] = useState<Error | null>(null);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setError(null);
    const named = matchers.filter((each) => each.name !== "").map(matcherText);
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    const when = weekly
      ? { times: [{ weekdays: [...days], times: [{ start_time: start, end_time: end }], location: zone }] }
      : { starts_at: new Date(from).toISOString(), ends_at: new Date(to).toISOString() };
    try {
      await saveWindow({ name, comment, matchers: named, ...when });
      onDone();
    } catch (failure) {
      setError(failure instanceof Error ? failure : new Error(String(failure)));
    }
  };
  return (
    <Dialog
      title="New maintenance window"
      onClose={onClose}
      footer={
        <>
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" form="window" className="button primary" disabled={name.trim() === ""}>
            Save
          </button>
        </>
      }
    >
      <form id="window" className={styles.form} onSubmit={(event) => void submit(event)}>
        <label className={styles.field}>
          Name
          <input
            className="input"
            value={name}
            placeholder="database backup"
            onChange={(event) => setName(event.target.value)}
          />
        </label>
        <fieldset className={styles.fieldset}>
          <legend>Which alerts</legend>
          <MatcherRows matchers={matchers} onChange={setMatchers} />
        </fieldset>
        <fieldset className={styles.fieldset}>
          <legend>When</legend>
          <div className={styles.chips}>
            <button type="button" className="button small" aria-pressed={weekly} onClick={() => setWeekly(true)}>
              Every week
            </button>
            <button type="button" className="button small" aria-pressed={!weekly} onClick={() => setWeekly(false)}>
              Once
            </button>
          </div>
          {weekly ? (
            <>
              <div className={styles.chips}>
                {DAYS.map((day) => (
                  <button
                    key={day}
                    type="button"
                    className="button small"
                    aria-pressed={days.has(day)}
                    title={day}
                    onClick={() => {
                      const next = new Set(days);
                      if (!next.delete(day)) next.add(day);
                      setDays(next);
                    }}
                  >
                    {day.slice(0, 3)}
                  </button>
                ))}
              </div>
              <span className={styles.inline}>
                <input
                  type="time"
                  className="input"
                  aria-label="Begins"
                  value={start}
                  onChange={(event) => setStart(event.target.value)}
                />
                to
                <input
                  type="time"
                  className="input"
                  aria-label="Ends"
                  value={end}
                  onChange={(event) => setEnd(event.target.value)}
                />
              </span>
            </>
          ) : (
            <span className={styles.inline}>
              <input
                type="datetime-local"
                className="input"
                aria-label="Begins"
                value={from}
                onChange={(event) => setFrom(event.target.value)}
              />
              to
              <input
                type="datetime-local"
                className="input"
                aria-label="Ends"
                value={to}
                onChange={(event) => setTo(event.target.value)}
              />
            </span>
          )}
        </fieldset>
        <label className={styles.field}>
          Why
          <input className="input" value={comment} onChange={(event) => setComment(event.target.value)} />
        </label>
        {error && <ErrorBox error={error} />}
      </form>
    </Dialog>
  );
}

function localText(unixMilli: number): string {
  const at = new Date(unixMilli - new Date(unixMilli).getTimezoneOffset() * 60_000);
  return at.toISOString().slice(0, 16);
}
