// Takes what matches out of the page: `children` offer files, and a command is for everything.
import { Download } from "lucide-react";
import { type ReactNode, useState } from "react";
import { exportCommand } from "../lib/export-command.ts";
import { hasSpanSets } from "../lib/filter.ts";
import type { Range } from "../lib/time/range.ts";
import { CopyButton } from "./CopyButton.tsx";
import styles from "./ExportMenu.module.css";
import { Popover } from "./Popover.tsx";
import { Pre } from "./Pre.tsx";

export interface ExportMenuProps {
  signal: "logs" | "traces";
  range: Range;
  q: string;
  /** A file is being made. */
  busy?: boolean;
  children?: ReactNode;
}

export function ExportMenu({ signal, range, q, busy = false, children }: ExportMenuProps) {
  const [open, setOpen] = useState(false);
  return (
    <Popover
      open={open}
      onOpenChange={setOpen}
      title="Save what matches"
      align="right"
      button={<Download size={14} aria-hidden />}
      buttonLabel={busy ? "Save what matches: a file is being made" : "Save what matches"}
      buttonClass={`button icon ${styles.button}`}
      busy={busy}
    >
      <div className={styles.box}>
        {children}
        {signal === "traces" && hasSpanSets(q) ? (
          <p>Export takes spans that match; braces find whole traces. Write the condition without braces.</p>
        ) : (
          <Command signal={signal} range={range} q={q} />
        )}
      </div>
    </Popover>
  );
}

function Command({ signal, range, q }: Pick<ExportMenuProps, "signal" | "range" | "q">) {
  const command = exportCommand({ server: new URL(".", document.baseURI).href, signal, range, q });
  return (
    <>
      <div className={styles.head}>
        <span className="grow">All {signal === "logs" ? "records" : "spans"} that match, as Parquet</span>
        <CopyButton text={command} label="Copy the command" />
      </div>
      <Pre className={styles.command}>{command}</Pre>
      <p className="faint">
        DuckDB, pandas and Spark read it; <code>bellrock import</code> brings it into another server.
      </p>
    </>
  );
}
