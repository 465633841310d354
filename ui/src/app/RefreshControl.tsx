// Refresh now, or every so often. The timer rests while the tab is hidden, text is selected, a dialog
// is open or a point of a chart is pinned.
import { useIsFetching } from "@tanstack/react-query";
import { RefreshCw } from "lucide-react";
import { useEffect } from "react";
import { useKeys } from "../lib/keys.ts";
import { refreshEvery } from "../lib/preferences.ts";
import { useRefresh } from "../lib/refresh.ts";
import { useStore } from "../lib/store.ts";
import { isRelative } from "../lib/time/range.ts";
import { refreshNow, useTime } from "../lib/view.ts";
import styles from "./RefreshControl.module.css";

const CHOICES: readonly [string, string][] = [
  ["0", "Off"],
  ["5", "5 s"],
  ["10", "10 s"],
  ["30", "30 s"],
  ["60", "1 min"],
  ["300", "5 min"],
];

function userIsBusy(): boolean {
  return (
    document.hidden ||
    (getSelection()?.toString() ?? "") !== "" ||
    // The values of a point that are being read.
    document.querySelector("dialog[open], [data-pinned=true]") !== null
  );
}

export function RefreshControl() {
  const { text } = useTime();
  const refresh = useRefresh();
  const choice = useStore(refreshEvery);
  const fetching = useIsFetching({ predicate: (query) => query.queryKey[0] !== "status" }) > 0;
  const seconds = isRelative(text) ? Number(choice) : 0;
  useKeys("global", "Time", [{ keys: "r", label: "Refresh", run: refresh }]);
  useEffect(() => {
    if (!seconds) return;
    const timer = setInterval(() => !userIsBusy() && refreshNow(), seconds * 1000);
    return () => clearInterval(timer);
  }, [seconds]);
  return (
    <div className={styles.group}>
      <button type="button" className="button icon" aria-label="Refresh" title="Refresh (r)" onClick={refresh}>
        <RefreshCw size={14} aria-hidden className={fetching ? styles.turning : undefined} />
      </button>
      <select
        className={`input ${styles.select}`}
        aria-label="Refresh every"
        title={isRelative(text) ? "Refresh every" : "An absolute range does not refresh"}
        disabled={!isRelative(text)}
        value={choice}
        onChange={(event) => refreshEvery.set(event.target.value)}
      >
        {CHOICES.map(([value, label]) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </select>
    </div>
  );
}
