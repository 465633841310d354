// Where the configuration of the alert manager comes from, and what there is to say of it.

import { useState } from "react";
import type { AlertmanagerConfig } from "../../api/channels.ts";
import { CopyButton } from "../../components/CopyButton.tsx";
import { Dialog } from "../../components/Dialog.tsx";
import { Pre } from "../../components/Pre.tsx";
import { plural } from "../../lib/number.ts";
import styles from "./Alerts.module.css";
import { FindingList } from "./FindingList.tsx";

export function ConfigNote({ config }: { config: AlertmanagerConfig | null }) {
  const [open, setOpen] = useState<"findings" | "text" | null>(null);
  if (!config) return null;
  const warnings = config.findings.filter((finding) => finding.severity !== "info").length;
  return (
    <div className={styles.tools}>
      <span className="muted grow ellipsis">
        {config.origin === "file" ? (
          <>
            from the file <code>{config.path}</code>; changes are made there
          </>
        ) : config.origin === "api" ? (
          "made here"
        ) : (
          "the default: nobody is told until there is a receiver"
        )}
      </span>
      {config.findings.length > 0 && (
        <button type="button" className="button small" onClick={() => setOpen("findings")}>
          <span className={`badge ${warnings > 0 ? "warn" : ""}`}>{config.findings.length}</span>
          {config.findings.length === 1 ? "finding" : "findings"}
        </button>
      )}
      <button type="button" className="button small" onClick={() => setOpen("text")}>
        YAML
      </button>
      {open === "findings" && (
        <Dialog
          title={`${plural(config.findings.length, "finding")} about the configuration`}
          wide
          onClose={() => setOpen(null)}
        >
          <FindingList findings={config.findings} />
          {!config.valid_in_alertmanager && <p className={styles.hint}>Alertmanager itself refuses this file.</p>}
        </Dialog>
      )}
      {open === "text" && (
        <Dialog
          title="The configuration that is used"
          wide
          onClose={() => setOpen(null)}
          footer={<CopyButton text={config.normalised} label="Copy" withText />}
        >
          <Pre className={styles.pre}>{config.normalised}</Pre>
        </Dialog>
      )}
    </div>
  );
}
