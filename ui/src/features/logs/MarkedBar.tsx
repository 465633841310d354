// What can be done with the marked rows: copy them in a format.

import { CopyButton, copyText } from "../../components/CopyButton.tsx";
import { useKeys } from "../../lib/keys.ts";
import { plural } from "../../lib/number.ts";
import type { Zone } from "../../lib/time/zone.ts";
import { FORMATS, rowsAs } from "./copy.ts";
import styles from "./MarkedBar.module.css";
import type { LogRow } from "./rows.ts";

export function MarkedBar({
  rows,
  columns,
  zone,
}: {
  rows: readonly LogRow[];
  columns: readonly string[];
  zone: Zone;
}) {
  useKeys("peek", "Marked rows", [
    {
      keys: "mod+c",
      label: "Copy the marked rows",
      run: () => {
        const selected = getSelection()?.toString() ?? "";
        void copyText(selected.trim() !== "" ? selected : rowsAs("text", rows, columns, zone));
      },
    },
  ]);
  return (
    <div className={styles.bar} role="toolbar" aria-label="Marked rows">
      <b>{plural(rows.length, "row")}</b>
      <span className="faint">copy as</span>
      {FORMATS.map((format) => (
        <CopyButton key={format} text={rowsAs(format, rows, columns, zone)} label={format} withText />
      ))}
    </div>
  );
}
