// The panel of the time control: a text, quick ranges, a calendar, recent ranges, the zone.
import { useId, useState } from "react";
import { zonePreference } from "../lib/preferences.ts";
import { createPreference, useStore } from "../lib/store.ts";
import { formatInstant } from "../lib/time/format.ts";
import { parseRangeText } from "../lib/time/grammar.ts";
import { describeRange, type RangeText, resolveRange } from "../lib/time/range.ts";
import { ianaName } from "../lib/time/zone.ts";
import { useTime, useView } from "../lib/view.ts";
import { Calendar } from "./Calendar.tsx";
import styles from "./TimeControl.module.css";

const QUICK: readonly string[] = [
  "last 5 min",
  "last 15 min",
  "last 30 min",
  "last 1 h",
  "last 3 h",
  "last 6 h",
  "last 12 h",
  "last 24 h",
  "last 2 days",
  "last 7 days",
  "today",
  "yesterday",
  "this week",
];

const MAX_RECENT = 8;
const recent = createPreference<string>("recent-ranges", null, "[]");

function recentRanges(): RangeText[] {
  try {
    return JSON.parse(recent.get()) as RangeText[];
  } catch {
    return [];
  }
}

function rememberRange(range: RangeText): void {
  const others = recentRanges().filter((old) => old.from !== range.from || old.to !== range.to);
  recent.set(JSON.stringify([range, ...others].slice(0, MAX_RECENT)));
}

export function RangeForm({ onDone }: { onDone: () => void }) {
  const time = useTime();
  const { patch } = useView();
  const [text, setText] = useState("");
  const previewId = useId();
  const parsed = parseRangeText(text, time.asOfMilli, time.zone);
  const apply = (range: RangeText) => {
    rememberRange(range);
    time.setText(range);
    onDone();
  };
  const preview = parsed.ok ? resolveRange(parsed.range, time.asOfMilli) : null;
  const shown = preview ?? time.range;
  return (
    <div className={styles.form}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (parsed.ok) apply(parsed.range);
        }}
      >
        <input
          // biome-ignore lint/a11y/noAutofocus: the panel was opened to type here
          autoFocus
          className={`input ${styles.text}`}
          value={text}
          aria-label="Range"
          aria-describedby={previewId}
          placeholder="15m · yesterday 9-17 · 2026-08-21 14:00 .. 15:30 · paste a timestamp"
          onChange={(event) => setText(event.target.value)}
        />
        <p id={previewId} className={styles.preview} data-wrong={text !== "" && !parsed.ok}>
          {text !== "" && !parsed.ok
            ? parsed.message
            : `${formatInstant(shown.fromMilli, time.zone, false)} – ${formatInstant(shown.toMilli, time.zone, false)}`}
        </p>
      </form>
      <div className={styles.columns}>
        <div>
          <h2 className={styles.heading}>Quick</h2>
          <ul className={styles.options}>
            {QUICK.map((phrase) => {
              const range = parseRangeText(phrase, time.asOfMilli, time.zone);
              return (
                <li key={phrase}>
                  <button
                    type="button"
                    className={styles.option}
                    data-current={range.ok && range.range.from === time.text.from && range.range.to === time.text.to}
                    onClick={() => range.ok && apply(range.range)}
                  >
                    {phrase.charAt(0).toUpperCase() + phrase.slice(1)}
                  </button>
                </li>
              );
            })}
          </ul>
        </div>
        <div className={styles.side}>
          <h2 className={styles.heading}>From and to</h2>
          <EndFields onApply={apply} />
          <Calendar onChoose={apply} />
          {recentRanges().length > 0 && <h2 className={styles.heading}>Recent</h2>}
          <ul className={styles.options}>
            {recentRanges().map((range) => {
              const resolved = resolveRange(range, time.asOfMilli);
              return resolved ? (
                <li key={range.from + range.to}>
                  <button type="button" className={styles.option} onClick={() => apply(range)}>
                    {describeRange(range, resolved, time.zone)}
                  </button>
                </li>
              ) : null;
            })}
          </ul>
          <div className={styles.zone}>
            <span className="muted">Time zone</span>
            <ZoneSelect
              value={time.zone}
              onChange={(zone) => {
                zonePreference.set(zone);
                patch({ tz: undefined }, { replace: true });
              }}
            />
          </div>
        </div>
      </div>
    </div>
  );
}

/** Two plain fields: the way to an absolute range without the text grammar. */
function EndFields({ onApply }: { onApply: (range: RangeText) => void }) {
  const time = useTime();
  const iso = (milli: number) => formatIsoLocal(milli, time.zone);
  const [from, setFrom] = useState(() => iso(time.range.fromMilli));
  const [to, setTo] = useState(() => iso(time.range.toMilli));
  const parsed = parseRangeText(`${from} .. ${to}`, time.asOfMilli, time.zone);
  return (
    <form
      className={styles.ends}
      onSubmit={(event) => {
        event.preventDefault();
        if (parsed.ok) onApply(parsed.range);
      }}
    >
      <input className="input mono" aria-label="From" value={from} onChange={(event) => setFrom(event.target.value)} />
      <input className="input mono" aria-label="To" value={to} onChange={(event) => setTo(event.target.value)} />
      <button type="submit" className="button small" disabled={!parsed.ok}>
        Apply
      </button>
    </form>
  );
}

function formatIsoLocal(milli: number, zone: string): string {
  const day = new Intl.DateTimeFormat("sv-SE", { timeZone: ianaName(zone), dateStyle: "short", timeStyle: "medium" });
  return day.format(milli);
}

const COMMON_ZONES = ["browser", "utc"];

function ZoneSelect({ value, onChange }: { value: string; onChange: (zone: string) => void }) {
  const current = useStore(zonePreference);
  const names = Intl.supportedValuesOf("timeZone");
  const known = COMMON_ZONES.includes(value) || names.includes(value);
  return (
    <select className="input" value={value} aria-label="Time zone" onChange={(event) => onChange(event.target.value)}>
      {!known && <option value={value}>{value}</option>}
      <option value="browser">Browser ({ianaName("browser")})</option>
      <option value="utc">UTC</option>
      {current !== value && !known ? <option value={current}>{current}</option> : null}
      {names.map((name) => (
        <option key={name} value={name}>
          {name}
        </option>
      ))}
    </select>
  );
}
