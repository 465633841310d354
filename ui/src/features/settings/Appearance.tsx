// How it looks on this machine: theme, time zone, rail, refresh. Kept in the browser.
import { rail, THEMES, theme, zonePreference } from "../../lib/preferences.ts";
import { useStore } from "../../lib/store.ts";
import { formatInstant } from "../../lib/time/format.ts";
import { useTime } from "../../lib/view.ts";
import styles from "./Settings.module.css";

const THEME_NAMES: Readonly<Record<(typeof THEMES)[number], string>> = {
  system: "As the system",
  dark: "Dark",
  light: "Light",
  "high-contrast": "High contrast",
};

export function Appearance() {
  const chosen = useStore(theme);
  const zone = useStore(zonePreference);
  const open = useStore(rail) === "open";
  const { asOfMilli } = useTime();
  const zones = ["browser", "utc", ...Intl.supportedValuesOf("timeZone")];
  return (
    <div className={styles.fields}>
      <fieldset>
        <legend>Theme</legend>
        {THEMES.map((each) => (
          <label key={each} className={styles.line}>
            <input type="radio" name="theme" checked={chosen === each} onChange={() => theme.set(each)} />
            {THEME_NAMES[each]}
          </label>
        ))}
      </fieldset>
      <label className={styles.field}>
        <span>Time zone</span>
        <select className="input" value={zone} onChange={(event) => zonePreference.set(event.target.value)}>
          {zones.map((each) => (
            <option key={each} value={each}>
              {each === "browser" ? "of the browser" : each === "utc" ? "UTC" : each}
            </option>
          ))}
        </select>
        <span className="faint">now it is {formatInstant(asOfMilli, zone, false)}</span>
      </label>
      <label className={styles.line}>
        <input type="checkbox" checked={open} onChange={() => rail.set(open ? "closed" : "open")} />
        Names in the rail (b)
      </label>
      <p className="muted">
        These are kept in this browser. Motion, contrast and text size follow the system's settings.
      </p>
    </div>
  );
}
