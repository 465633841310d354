// The global time control: shift, the range popover with its text field, zoom out, and the zone.
import { ChevronDown, ChevronLeft, ChevronRight, Clock, ZoomOut } from "lucide-react";
import { useEffect, useState } from "react";
import { serverNow } from "../api/client.ts";
import { Popover } from "../components/Popover.tsx";
import { useKeys } from "../lib/keys.ts";
import { later, whenIdle } from "../lib/later.tsx";
import { zonePreference } from "../lib/preferences.ts";
import { describeRange, shiftRange, zoomOut } from "../lib/time/range.ts";
import { offsetLabel } from "../lib/time/zone.ts";
import { useTime, useView } from "../lib/view.ts";
import styles from "./TimeControl.module.css";

const RangeForm = later(async () => (await import("./RangeForm.tsx")).RangeForm);

export function TimeControl() {
  const time = useTime();
  const { patch } = useView();
  const [open, setOpen] = useState(false);
  useEffect(() => whenIdle(RangeForm.fetch), []);
  const shift = (fraction: number) => time.setRange(shiftRange(time.range, fraction));
  const widen = () => time.setRange(zoomOut(time.range, serverNow()));
  const toggleUtc = () => {
    zonePreference.set(time.zone === "utc" ? "browser" : "utc");
    patch({ tz: undefined }, { replace: true });
  };
  useKeys("global", "Time", [
    { keys: "t t", label: "Choose the time range", run: () => setOpen(true) },
    { keys: "t ArrowLeft", label: "Half a window back", run: () => shift(-0.5) },
    { keys: "t ArrowRight", label: "Half a window forward", run: () => shift(0.5) },
    { keys: "t z", label: "Zoom out", run: widen },
    { keys: "t n", label: "Back to now", run: () => time.setText({ from: "now-1h", to: "now" }) },
    { keys: "t u", label: "Switch between UTC and local time", run: toggleUtc },
  ]);
  return (
    <fieldset className={styles.group} aria-label="Time range">
      <button
        type="button"
        className="button icon"
        aria-label="Half a window back"
        title="Half a window back (t ←)"
        onClick={() => shift(-0.5)}
      >
        <ChevronLeft size={15} aria-hidden />
      </button>
      <Popover
        open={open}
        onOpenChange={setOpen}
        title="Time range"
        align="right"
        buttonClass={`button ${styles.trigger}`}
        button={
          <>
            <Clock size={14} aria-hidden />
            <span>{describeRange(time.text, time.range, time.zone)}</span>
            <span className="faint">{offsetLabel(time.range.toMilli, time.zone)}</span>
            <ChevronDown size={13} aria-hidden />
          </>
        }
      >
        <RangeForm onDone={() => setOpen(false)} />
      </Popover>
      <button
        type="button"
        className="button icon"
        aria-label="Half a window forward"
        title="Half a window forward (t →)"
        onClick={() => shift(0.5)}
      >
        <ChevronRight size={15} aria-hidden />
      </button>
      <button
        type="button"
        className={`button icon ${styles.zoom}`}
        aria-label="Zoom out"
        title="Zoom out (t z)"
        onClick={widen}
      >
        <ZoomOut size={14} aria-hidden />
      </button>
    </fieldset>
  );
}
