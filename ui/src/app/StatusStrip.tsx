// The strip at the bottom: what the numbers on the page are made of.
import { AlertTriangle, Pin } from "lucide-react";
import { clockSkewMs } from "../api/client.ts";
import { pendingChord } from "../lib/keys.ts";
import { formatCount, plural } from "../lib/number.ts";
import { report } from "../lib/report.ts";
import { useStore } from "../lib/store.ts";
import { formatClock, formatDuration } from "../lib/time/format.ts";
import { tray, trayOpen } from "../lib/tray.ts";
import { useTime } from "../lib/view.ts";
import styles from "./StatusStrip.module.css";

const SKEW_SHOWN_MS = 5000;

export function StatusStrip() {
  const { asOfMilli, elapsedMs, rowsScanned, partial, notes, busy } = useStore(report);
  const chord = useStore(pendingChord);
  const pins = useStore(tray).length;
  const { zone } = useTime();
  const skew = clockSkewMs();
  return (
    <footer className={styles.strip}>
      {asOfMilli !== null && <span>as of {formatClock(asOfMilli, zone)}</span>}
      {busy ? <span>running</span> : elapsedMs !== null && <span>{formatDuration(elapsedMs * 1e6)}</span>}
      {rowsScanned !== null && <span>{formatCount(rowsScanned)} rows scanned</span>}
      {notes.map((note) => (
        <span key={note}>{note}</span>
      ))}
      {partial && (
        <span className={styles.partial}>
          <AlertTriangle size={12} aria-hidden /> partial: {partial}
        </span>
      )}
      {Math.abs(skew) > SKEW_SHOWN_MS && (
        <span className={styles.partial}>
          browser clock is {formatDuration(Math.abs(skew) * 1e6)} {skew > 0 ? "behind" : "ahead"}
        </span>
      )}
      <span className="grow" />
      {chord && (
        <span>
          <kbd className="kbd">{chord}</kbd> then?
        </span>
      )}
      {pins > 0 && (
        <button type="button" className={styles.tray} onClick={() => trayOpen.set(!trayOpen.get())}>
          <Pin size={11} aria-hidden /> {plural(pins, "pin")}
        </button>
      )}
      <span className={styles.help}>
        <kbd className="kbd">?</kbd> keys
      </span>
    </footer>
  );
}
