// One dashboard: its panels on the grid, to look at, to walk through, and, in edit mode, to change.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { lazy, Suspense, useEffect, useMemo, useRef, useState } from "react";
import { type DashboardDocument, fetchDashboard } from "../../api/dashboards.ts";
import { QueryState } from "../../components/QueryState.tsx";
import { Empty, Skeleton } from "../../components/States.tsx";
import { WiderScreen } from "../../components/WiderScreen.tsx";
import { useKeys } from "../../lib/keys.ts";
import { later } from "../../lib/later.tsx";
import { useNarrow } from "../../lib/narrow.ts";
import { plural } from "../../lib/number.ts";
import { useRefresh } from "../../lib/refresh.ts";
import { useReport } from "../../lib/report.ts";
import { useTime, useTimeSearch, useView } from "../../lib/view.ts";
import { noteVisit } from "../../lib/visits.ts";
import styles from "./Dashboard.module.css";
import { DashboardBar } from "./DashboardBar.tsx";
import { type Draft, keepDraft, loadDraft } from "./draft.ts";
import { addPanel, duplicatePanel, movePanel, removePanel, setPanel } from "./edits.ts";
import { inReadingOrder, nextPanel } from "./grid.ts";
import { interpolate, scoped, type Values } from "./interpolate.ts";
import { textAt } from "./json-text.ts";
import type { Grid, Panel } from "./model.ts";
import { PanelFrame } from "./PanelFrame.tsx";
import { DocumentError, readDocument } from "./read.ts";
import { repeatPanels } from "./repeat.ts";
import { stepFor } from "./seconds.ts";
import { useGrab } from "./useGrab.ts";
import { useRepeats } from "./useOptions.ts";
import { VariableBar } from "./VariableBar.tsx";
import { chosenOf, valuesOf, writeChosen } from "./variables.ts";

const InspectDialog = later(async () => (await import("./InspectDialog.tsx")).InspectDialog);
const SaveDialog = later(async () => (await import("./SaveDialog.tsx")).SaveDialog);
const VersionsDialog = later(async () => (await import("./VersionsDialog.tsx")).VersionsDialog);
// Viewers need no editor.
const PanelEditor = lazy(() => import("./PanelEditor.tsx").then((module) => ({ default: module.PanelEditor })));

/** How often samples usually come; `$__rate_interval` stands on it. */
const SCRAPE_SECONDS = 15;
const SLIDE_MS = 20_000;

export function DashboardPage() {
  const { uid = "" } = useParams({ strict: false });
  const queryKey = ["dashboard", uid];
  const stored = useQuery({ queryKey, queryFn: ({ signal }) => fetchDashboard(uid, signal) });
  if (stored.error && "kind" in stored.error && stored.error.kind === "not_found") {
    return (
      <Empty reason="none" title="There is no such dashboard">
        <p>It may have been deleted; a deleted one is kept for 30 days.</p>
        <Link to="/dashboards" className="button">
          All dashboards
        </Link>
      </Empty>
    );
  }
  return (
    <QueryState result={stored} shape="chart">
      {(document) => <Loaded key={document.uid} stored={document} />}
    </QueryState>
  );
}

function Loaded({ stored }: { stored: DashboardDocument }) {
  const [draft, setDraftState] = useState<Draft | null>(() => (stored.read_only ? null : loadDraft(stored.uid)));
  const client = useQueryClient();
  const setDraft = (next: Draft | null) => {
    setDraftState(next);
    keepDraft(stored.uid, next);
  };
  useEffect(() => {
    noteVisit({ url: `/dashboards/${stored.uid}`, title: stored.title });
  }, [stored.uid, stored.title]);
  const text = draft?.text ?? stored.document;
  const read = useMemo(() => {
    try {
      return readDocument(text);
    } catch (error) {
      return error instanceof DocumentError ? error : new DocumentError(String(error));
    }
  }, [text]);
  if (read instanceof Error) {
    return (
      <Empty reason="none" title="This document cannot be shown">
        <p>{read.message}</p>
        {draft && (
          <button type="button" className="button" onClick={() => setDraft(null)}>
            Throw the unsaved changes away
          </button>
        )}
      </Empty>
    );
  }
  return (
    <Board
      stored={stored}
      read={read}
      text={text}
      draft={draft}
      onText={(next) =>
        setDraft(next === stored.document ? null : { version: draft?.version ?? stored.version, text: next })
      }
      onDiscard={() => setDraft(null)}
      onSaved={() => {
        setDraft(null);
        void client.invalidateQueries({ queryKey: ["dashboard", stored.uid] });
        void client.invalidateQueries({ queryKey: ["dashboards"] });
      }}
    />
  );
}

interface BoardProps {
  stored: DashboardDocument;
  read: ReturnType<typeof readDocument>;
  text: string;
  draft: Draft | null;
  onText: (text: string) => void;
  onDiscard: () => void;
  onSaved: () => void;
}

type Dialog = { kind: "save" } | { kind: "versions" } | { kind: "inspect"; id: string } | null;

function Board({ stored, read, text, draft, onText, onDiscard, onSaved }: BoardProps) {
  const { dashboard } = read;
  const { search, patch } = useView();
  const { range, asOfMilli } = useTime();
  const refresh = useRefresh();
  const timeSearch = useTimeSearch();
  const navigate = useNavigate();
  const [focused, setFocused] = useState<string | null>(null);
  const [moving, setMoving] = useState<string | null>(null);
  const [dialog, setDialog] = useState<Dialog>(null);
  const narrow = useNarrow();
  // A phone reads; what is changed there without being seen helps nobody.
  const editable = !stored.read_only && !narrow;
  const editing = editable && search.edit === "1";
  const kiosk = search.kiosk !== undefined;
  const { chosen, values } = useValues(dashboard.variables, range);
  const repeats = useRepeats(dashboard.panels, dashboard.variables, chosen, values, range);
  // The editor changes what stands in the document, so it shows each panel once.
  const panels = useMemo(
    () => (editing ? dashboard.panels : repeatPanels(dashboard.panels, repeats)),
    [editing, dashboard.panels, repeats],
  );
  const find = (id: string | null | undefined) => panels.find((panel) => panel.id === id);
  // The id of a panel depends on its title; while the title is typed, its place says which one it is.
  const editedPath = useRef<string | null>(null);
  const found = find(search.panel);
  if (found) editedPath.current = found.path.join(".");
  const full =
    found ?? (search.panel ? panels.find((panel) => panel.path.join(".") === editedPath.current) : undefined);
  const fullId = full?.id;
  useEffect(() => {
    if (fullId && search.panel && fullId !== search.panel) patch({ panel: fullId }, { replace: true });
  }, [fullId, search.panel, patch]);
  useReport({
    asOfMilli,
    elapsedMs: null,
    rowsScanned: null,
    partial: null,
    notes: [plural(panels.length, "panel"), ...(draft ? ["not saved"] : [])],
    busy: false,
  });
  useSlides(search.kiosk === "slides", panels, search.panel, (id) => patch({ panel: id }, { replace: true }));

  // A query that was sent here from another page becomes a panel of the draft, once.
  const { add, name } = search;
  const adding = useRef(false);
  useEffect(() => {
    if (!add || !editable || adding.current) return;
    adding.current = true;
    onText(addPanel(text, dashboard.panels, { title: name ?? add, expr: add }));
    patch({ add: undefined, name: undefined }, { replace: true });
  }, [add, name, editable, text, dashboard.panels, onText, patch]);
  const last = panels.at(-1)?.id;
  useEffect(() => {
    if (adding.current && !add && last) setFocused(last);
  }, [add, last]);

  const show = (id: string | undefined) => patch({ panel: id });
  const move = (id: string, change: (grid: Grid) => Grid) => {
    const panel = find(id);
    if (panel) onText(movePanel(text, panels, id, change(panel.grid)));
  };
  const grab = useGrab((id, change) => move(id, change), panels);
  const target = find(focused);
  const removing = (panel: Panel) => {
    onText(removePanel(text, panel));
    setFocused(null);
  };
  const arrow = (key: string) => {
    if (moving) return move(moving, (grid) => shifted(grid, key));
    setFocused(
      nextPanel(
        panels.filter((panel) => panel.kind !== "row"),
        focused,
        key,
      ),
    );
  };
  useKeys("page", "Dashboard", [
    ...["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"].map((key) => ({
      keys: key,
      label: moving ? "Move the panel" : "Next panel in this direction",
      run: () => arrow(key),
    })),
    { keys: "v", label: "Full screen", run: () => show(full ? undefined : target?.id) },
    { keys: "i", label: "Inspect the panel", run: () => target && setDialog({ kind: "inspect", id: target.id }) },
    {
      keys: "x",
      label: "Open the panel in Metrics",
      run: () =>
        target?.targets[0] &&
        void navigate({
          to: "/metrics",
          search: { ...timeSearch, q: interpolate(target.targets[0].expr, scoped(values, target.scope)) },
        }),
    },
    { keys: "d k", label: "Kiosk", run: () => patch({ kiosk: kiosk ? undefined : "1" }) },
    {
      keys: "d s",
      label: "Slide show of the panels",
      run: () => patch({ kiosk: search.kiosk === "slides" ? undefined : "slides", panel: undefined }),
    },
    { keys: "d r", label: "Refresh all panels", run: refresh },
    ...(editable
      ? [
          {
            keys: "e",
            label: "Edit",
            run: () => (editing && target ? show(target.id) : patch({ edit: editing ? undefined : "1" })),
          },
          { keys: "mod+s", label: "Save", run: () => draft && setDialog({ kind: "save" }) },
        ]
      : []),
    ...(editing
      ? [
          { keys: "m", label: "Move and resize with the arrow keys", run: () => setMoving(moving ? null : focused) },
          {
            keys: "shift+d",
            label: "Duplicate the panel",
            run: () => target && onText(duplicatePanel(text, panels, target)),
          },
          ...["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"].map((key) => ({
            keys: `shift+${key}`,
            label: "Resize the panel that is moved",
            run: () => moving && move(moving, (grid) => resized(grid, key)),
          })),
          {
            keys: "Enter",
            label: moving ? "The panel stays here" : "Edit the panel",
            run: () => (moving ? setMoving(null) : target && show(target.id)),
          },
        ]
      : [{ keys: "Enter", label: "Full screen", run: () => target && show(target.id) }]),
    ...(moving
      ? [{ keys: "Escape", label: "The panel stays here", run: () => setMoving(null) }]
      : full && !kiosk
        ? [{ keys: "Escape", label: "Back to the dashboard", run: () => show(undefined) }]
        : []),
  ]);

  const frame = (panel: Panel, isFull: boolean) => (
    <PanelFrame
      panel={panel}
      range={range}
      values={values}
      focused={!isFull && panel.id === focused}
      moving={panel.id === moving}
      full={isFull}
      onFocus={() => setFocused(panel.id)}
      onGrab={editing && !isFull ? (event, edge) => grab(panel.id, event, edge) : undefined}
      actions={{
        full: () => show(isFull ? undefined : panel.id),
        inspect: () => setDialog({ kind: "inspect", id: panel.id }),
        ...(editable
          ? {
              edit: () => patch({ edit: "1", panel: panel.id }),
              fix: (before, after) => onText(repaired(text, panel, before, after)),
            }
          : {}),
        ...(editing
          ? {
              duplicate: () => onText(duplicatePanel(text, panels, panel)),
              remove: () => removing(panel),
              move: () => {
                setFocused(panel.id);
                setMoving(panel.id);
              },
            }
          : {}),
      }}
    />
  );
  const inspected = dialog?.kind === "inspect" ? find(dialog.id) : undefined;
  return (
    <>
      {!kiosk && (
        <DashboardBar
          stored={stored}
          dashboard={dashboard}
          findings={read.findings}
          text={text}
          draft={draft}
          editing={editing}
          full={full}
          onText={onText}
          onAdd={() => onText(addPanel(text, panels))}
          onSave={() => setDialog({ kind: "save" })}
          onDiscard={onDiscard}
          onVersions={() => setDialog({ kind: "versions" })}
        />
      )}
      {narrow && search.edit === "1" && <WiderScreen what="Editing a dashboard" strip />}
      {dashboard.variables.some((variable) => !variable.hidden) && !(full && editing) && (
        <VariableBar
          variables={dashboard.variables}
          chosen={chosen}
          values={values}
          range={range}
          onChoose={(name, next) => patch({ [`var-${name}`]: writeChosen(next) })}
        />
      )}
      {moving && (
        <p className={styles.moving} role="status">
          Arrow keys move the panel, with Shift they resize it, Enter leaves it there.
        </p>
      )}
      {full && editing ? (
        <Suspense fallback={<Skeleton shape="chart" />}>
          <PanelEditor
            panel={full}
            text={text}
            range={range}
            values={values}
            onChange={onText}
            onClose={() => show(undefined)}
          />
        </Suspense>
      ) : full ? (
        <div className={styles.fullBox}>{frame(full, true)}</div>
      ) : (
        <div className={styles.scroll} data-scroll>
          {panels.length === 0 && (
            <Empty reason="none" title="No panels yet">
              {editable && (
                <button
                  type="button"
                  className="button primary"
                  onClick={() => {
                    patch({ edit: "1" });
                    onText(addPanel(text, panels));
                  }}
                >
                  Add a panel
                </button>
              )}
            </Empty>
          )}
          <div className={styles.board} data-editing={editing}>
            {inReadingOrder(panels).map((panel) => (
              <div
                key={`${panel.path.join(".")} ${JSON.stringify(panel.scope)}`}
                className={styles.cell}
                style={cellStyle(panel.grid)}
              >
                {frame(panel, false)}
              </div>
            ))}
          </div>
        </div>
      )}
      {inspected && <InspectDialog panel={inspected} range={range} values={values} onClose={() => setDialog(null)} />}
      {dialog?.kind === "save" && draft && (
        <SaveDialog
          stored={stored}
          text={draft.text}
          version={draft.version}
          onClose={() => setDialog(null)}
          onSaved={() => {
            setDialog(null);
            onSaved();
            patch({ edit: undefined, panel: undefined });
          }}
          onDiscard={() => {
            setDialog(null);
            onSaved();
          }}
        />
      )}
      {dialog?.kind === "versions" && (
        <VersionsDialog
          stored={stored}
          onClose={() => setDialog(null)}
          onRestored={() => {
            setDialog(null);
            onSaved();
          }}
        />
      )}
    </>
  );
}

function cellStyle({ x, y, w, h }: Grid): React.CSSProperties {
  return { "--x": x + 1, "--y": y + 1, "--w": w, "--h": h } as React.CSSProperties;
}

function shifted(grid: Grid, key: string): Grid {
  const by = key === "ArrowLeft" || key === "ArrowUp" ? -1 : 1;
  return key === "ArrowLeft" || key === "ArrowRight" ? { ...grid, x: grid.x + by } : { ...grid, y: grid.y + by };
}

function resized(grid: Grid, key: string): Grid {
  const by = key === "ArrowLeft" || key === "ArrowUp" ? -1 : 1;
  return key === "ArrowLeft" || key === "ArrowRight" ? { ...grid, w: grid.w + by } : { ...grid, h: grid.h + by };
}

/** Puts the repaired query into every target that has the one that finds nothing. */
function repaired(text: string, panel: Panel, before: string, after: string): string {
  const raw: unknown = JSON.parse(textAt(text, [...panel.path, "targets"]) ?? "[]");
  if (!Array.isArray(raw)) return text;
  return raw.reduce(
    (out: string, target: { expr?: unknown }, index: number) =>
      target.expr === before ? setPanel(out, panel, ["targets", index, "expr"], after) : out,
    text,
  );
}

function useValues(
  variables: ReturnType<typeof readDocument>["dashboard"]["variables"],
  range: { fromMilli: number; toMilli: number },
) {
  const { search } = useView();
  return useMemo(() => {
    const chosen = new Map(variables.map((variable) => [variable.name, chosenOf(variable, search)]));
    const rangeSeconds = (range.toMilli - range.fromMilli) / 1000;
    const values: Values = {
      variables: new Map(
        variables.map((variable) => [variable.name, valuesOf(variable, chosen.get(variable.name) ?? [])]),
      ),
      stepSeconds: stepFor(rangeSeconds),
      rangeSeconds,
      scrapeSeconds: SCRAPE_SECONDS,
    };
    return { chosen, values };
  }, [variables, search, range]);
}

function useSlides(on: boolean, panels: readonly Panel[], current: string | undefined, show: (id: string) => void) {
  useEffect(() => {
    if (!on) return;
    const order = inReadingOrder(panels.filter((panel) => panel.kind !== "row" && panel.kind !== "text"));
    const index = order.findIndex((panel) => panel.id === current);
    const next = order[(index + 1) % Math.max(1, order.length)];
    if (!next) return;
    const timer = setTimeout(() => show(next.id), index < 0 ? 0 : SLIDE_MS);
    return () => clearTimeout(timer);
  }, [on, panels, current, show]);
}
