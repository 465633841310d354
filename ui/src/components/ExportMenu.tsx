// Takes what matches out of the page: `children` offer files, and a command is for everything.
import { Download } from "lucide-react";
import { type ReactNode, useState } from "react";
import { exportCommand } from "../lib/export-command.ts";
import type { Range } from "../lib/time/range.ts";
import { CopyButton } from "./CopyButton.tsx";
import styles from "./ExportMenu.module.css";
import { Popover } from "./Popover.tsx";
import { Pre } from "./Pre.tsx";

export interface ExportMenuProps {
  signal: "logs" | "traces";
  range: Range;
  q: string;
  children?: ReactNode;
}

export function ExportMenu({ signal, range, q, children }: ExportMenuProps) {
  const [open, setOpen] = useState(false);
  const command = exportCommand({ server: new URL(".", document.baseURI).href, signal, range, q });
  return (
    <Popover
      open={open}
      onOpenChange={setOpen}
      title="Save what matches"
      align="right"
      button={<Download size={14} aria-hidden />}
      buttonLabel="Save what matches"
      buttonClass="button icon"
    >
      <div className={styles.box}>
        {children}
        <div className={styles.head}>
          <span className="grow">All {signal === "logs" ? "records" : "spans"} that match, as Parquet</span>
          <CopyButton text={command} label="Copy the command" />
        </div>
        <Pre className={styles.command}>{command}</Pre>
        <p className="faint">
          DuckDB, pandas and Spark read it; <code>bellrock import</code> brings it into another server.
        </p>
      </div>
    </Popover>
  );
}
