// Records that match as a file of the browser.
import { useLayoutEffect, useRef } from "react";
import { formatCount } from "../../lib/number.ts";
import styles from "./SaveLogs.module.css";
import { type FileFormat, SAVED_MAX } from "./save.ts";
import type { Save } from "./useSave.ts";

const FORMATS: readonly { format: FileFormat; label: string }[] = [
  { format: "csv", label: "CSV" },
  { format: "jsonl", label: "JSON lines" },
];

export function SaveLogs({ save }: { save: Save }) {
  const { running } = save;
  const started = useRef<HTMLButtonElement>(null);
  // Stop goes when the save ends; the focus that was on it would be nowhere.
  useLayoutEffect(() => {
    if (!running && document.activeElement === document.body) started.current?.focus();
  }, [running]);
  return (
    <div className={styles.line}>
      <span>Up to {formatCount(SAVED_MAX)} records as</span>
      {FORMATS.map(({ format, label }) => (
        <button
          key={format}
          ref={format === save.format ? started : undefined}
          type="button"
          className="button small"
          aria-disabled={running}
          onClick={() => save.start(format)}
        >
          {label}
        </button>
      ))}
      {running && (
        <button type="button" className="button quiet small" onClick={save.stop}>
          Stop
        </button>
      )}
      <span role="status" className={`faint ${styles.said}`}>
        {save.said}
      </span>
    </div>
  );
}
