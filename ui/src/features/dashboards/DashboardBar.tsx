// The bar above a dashboard: name, what is not shown, and what can be done with it.

import { useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Download, History, MonitorPlay, Pencil, Plus, Save, Star, Undo2 } from "lucide-react";
import { useState } from "react";
import { type DashboardDocument, starDashboard } from "../../api/dashboards.ts";
import { Popover } from "../../components/Popover.tsx";
import { download } from "../../lib/download.ts";
import { useNarrow } from "../../lib/narrow.ts";
import { useView } from "../../lib/view.ts";
import { CopyOfButton } from "./CopyOfButton.tsx";
import styles from "./Dashboard.module.css";
import type { Draft } from "./draft.ts";
import { setTitle } from "./edits.ts";
import type { Dashboard, Finding, Panel } from "./model.ts";

export interface DashboardBarProps {
  stored: DashboardDocument;
  dashboard: Dashboard;
  findings: readonly Finding[];
  text: string;
  draft: Draft | null;
  editing: boolean;
  full: Panel | undefined;
  onText: (text: string) => void;
  onAdd: () => void;
  onSave: () => void;
  onDiscard: () => void;
  onVersions: () => void;
}

export function DashboardBar(props: DashboardBarProps) {
  const { stored, dashboard, findings, text, draft, editing, full, onText, onAdd, onSave, onDiscard, onVersions } =
    props;
  const { patch } = useView();
  const client = useQueryClient();
  const star = async () => {
    await starDashboard(stored.uid, !stored.starred).catch(() => {});
    void client.invalidateQueries({ queryKey: ["dashboard", stored.uid] });
    void client.invalidateQueries({ queryKey: ["dashboards"] });
  };
  const narrow = useNarrow();
  return (
    <div className={styles.bar}>
      {editing ? (
        <input
          className={`input ${styles.title}`}
          aria-label="Title of the dashboard"
          value={dashboard.title}
          onChange={(event) => onText(setTitle(text, event.target.value))}
        />
      ) : (
        <>
          <button
            type="button"
            className="button quiet small icon"
            aria-pressed={stored.starred}
            aria-label={stored.starred ? "Take the star away" : "Star this dashboard"}
            title={stored.starred ? "Take the star away" : "Star this dashboard"}
            onClick={() => void star()}
          >
            <Star size={14} aria-hidden fill={stored.starred ? "currentColor" : "none"} />
          </button>
          <h2 className="ellipsis" title={dashboard.description || dashboard.title}>
            {full ? (
              <Link to="." search={(old) => ({ ...old, panel: undefined })}>
                {dashboard.title}
              </Link>
            ) : (
              dashboard.title
            )}
            {full && <span className="muted"> / {full.title}</span>}
          </h2>
        </>
      )}
      {dashboard.tags.slice(0, 4).map((tag) => (
        <span key={tag} className="badge">
          {tag}
        </span>
      ))}
      {stored.read_only && (
        <span className="badge" title="It comes with the server or from a file; a copy can be changed.">
          read-only
        </span>
      )}
      {draft && <span className="badge warn">not saved</span>}
      {draft && draft.version !== stored.version && (
        <span className="badge warn">version {stored.version} was saved since</span>
      )}
      <Findings findings={findings} />
      <span className="grow" />
      {editing ? (
        <>
          <button type="button" className="button" onClick={onAdd}>
            <Plus size={14} aria-hidden /> Panel
          </button>
          {draft && (
            <button type="button" className="button" onClick={onDiscard}>
              <Undo2 size={14} aria-hidden /> Discard
            </button>
          )}
          <button type="button" className="button primary" disabled={!draft} onClick={onSave}>
            <Save size={14} aria-hidden /> Save
          </button>
          <button type="button" className="button" onClick={() => patch({ edit: undefined, panel: undefined })}>
            Done
          </button>
        </>
      ) : (
        <>
          {narrow ? null : stored.read_only ? (
            <CopyOfButton stored={stored} />
          ) : (
            <button type="button" className="button" title="Edit (e)" onClick={() => patch({ edit: "1" })}>
              <Pencil size={14} aria-hidden /> Edit
            </button>
          )}
          {!narrow && stored.source !== "shipped" && (
            <button type="button" className="button icon" aria-label="Versions" title="Versions" onClick={onVersions}>
              <History size={14} aria-hidden />
            </button>
          )}
          <button
            type="button"
            className="button icon"
            aria-label="Download the JSON"
            title="Download the JSON, byte for byte"
            onClick={() => download(`${stored.uid}.json`, stored.document)}
          >
            <Download size={14} aria-hidden />
          </button>
          <button
            type="button"
            className="button icon"
            aria-label="Kiosk"
            title="Kiosk (d k)"
            onClick={() => patch({ kiosk: "1" })}
          >
            <MonitorPlay size={14} aria-hidden />
          </button>
        </>
      )}
    </div>
  );
}

function Findings({ findings }: { findings: readonly Finding[] }) {
  const [open, setOpen] = useState(false);
  if (findings.length === 0) return null;
  return (
    <Popover
      open={open}
      onOpenChange={setOpen}
      title="What is shown otherwise"
      button={`${findings.length} shown otherwise`}
      buttonClass="badge warn"
    >
      <ul className={styles.findings}>
        {findings.map((finding, index) => (
          <li key={index}>
            {finding.panel && <strong>{finding.panel}: </strong>}
            {finding.what}
          </li>
        ))}
      </ul>
    </Popover>
  );
}
