// The list of dashboards: yours, those from files, and those that come with the server.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { FileDown, Lock, Plus, Star } from "lucide-react";
import { useRef, useState } from "react";
import { createDashboard, type DashboardSummary, fetchDashboards, starDashboard } from "../../api/dashboards.ts";
import { FilterBox } from "../../components/FilterBox.tsx";
import { QueryState } from "../../components/QueryState.tsx";
import { Empty } from "../../components/States.tsx";
import { rowKeys, useKeys } from "../../lib/keys.ts";
import { formatInstant, formatRelative } from "../../lib/time/format.ts";
import { useTime, useTimeSearch, useView } from "../../lib/view.ts";
import styles from "./Dashboard.module.css";
import { newDocument } from "./edits.ts";
import { ImportDialog } from "./ImportDialog.tsx";

const SOURCES: Record<string, string> = { user: "here", file: "file", shipped: "with the server" };

export function DashboardsPage() {
  const { search, patch } = useView();
  const timeSearch = useTimeSearch();
  const navigate = useNavigate();
  const client = useQueryClient();
  const filter = useRef<HTMLInputElement>(null);
  const [cursor, setCursor] = useState(-1);
  const [importing, setImporting] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const library = useQuery({
    queryKey: ["dashboards"],
    queryFn: ({ signal }) => fetchDashboards(signal),
    staleTime: 0,
  });
  const text = search.find ?? "";
  const shown = sorted(library.data ?? []).filter((board) =>
    [board.title, board.folder, ...board.tags].some((each) => each.toLowerCase().includes(text.toLowerCase())),
  );
  const open = (uid: string, edit = false) =>
    void navigate({ to: "/dashboards/$uid", params: { uid }, search: { ...timeSearch, edit: edit ? "1" : undefined } });
  const create = async () => {
    try {
      const { uid } = await createDashboard({ document: newDocument("New dashboard") });
      void client.invalidateQueries({ queryKey: ["dashboards"] });
      open(uid, true);
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
  };
  const star = async (board: DashboardSummary) => {
    await starDashboard(board.uid, !board.starred).catch((error: Error) => setProblem(error.message));
    void client.invalidateQueries({ queryKey: ["dashboards"] });
  };
  const move = (step: number) => setCursor((old) => Math.min(shown.length - 1, Math.max(0, old + step)));
  useKeys("page", "List", [
    ...rowKeys(move),
    { keys: "Enter", label: "Open the dashboard", run: () => shown[cursor] && open(shown[cursor].uid) },
    { keys: "/", label: "Filter the list", run: () => filter.current?.focus() },
  ]);
  return (
    <>
      <div className={styles.tools}>
        <FilterBox
          ref={filter}
          label="Filter dashboards"
          placeholder="Filter by title, folder or tag (/)"
          value={text}
          onChange={(value) => patch({ find: value || undefined }, { replace: true })}
        />
        <span className="grow" />
        {problem && (
          <span role="alert" className="badge error">
            {problem}
          </span>
        )}

        <button type="button" className="button" onClick={() => setImporting(true)}>
          <FileDown size={14} aria-hidden /> Import
        </button>
        <button type="button" className="button primary" onClick={() => void create()}>
          <Plus size={14} aria-hidden /> New
        </button>
      </div>
      <div className={styles.list}>
        <QueryState result={library}>
          {() =>
            shown.length === 0 ? (
              <Empty reason="filtered" title={`No dashboard contains “${text}”`}>
                <button type="button" className="button" onClick={() => patch({ find: undefined })}>
                  Show all
                </button>
              </Empty>
            ) : (
              <table className="table">
                <thead>
                  <tr>
                    <th>
                      <span className="sr-only">Star</span>
                    </th>
                    <th>Title</th>
                    <th>Tags</th>
                    <th>Folder</th>
                    <th className="number">Panels</th>
                    <th>From</th>
                    <th>Changed</th>
                  </tr>
                </thead>
                <tbody>
                  {shown.map((board, index) => (
                    <Row key={board.uid} board={board} selected={index === cursor} onStar={() => void star(board)} />
                  ))}
                </tbody>
              </table>
            )
          }
        </QueryState>
      </div>
      {importing && (
        <ImportDialog
          onClose={() => setImporting(false)}
          onImported={(uid) => {
            setImporting(false);
            void client.invalidateQueries({ queryKey: ["dashboards"] });
            open(uid);
          }}
        />
      )}
    </>
  );
}

/** Starred first, then by title. */
function sorted(boards: readonly DashboardSummary[]): DashboardSummary[] {
  return [...boards].sort((a, b) => Number(b.starred) - Number(a.starred) || a.title.localeCompare(b.title));
}

interface RowProps {
  board: DashboardSummary;
  selected: boolean;
  onStar: () => void;
}

function Row({ board, selected, onStar }: RowProps) {
  const { zone, asOfMilli } = useTime();
  const timeSearch = useTimeSearch();
  return (
    <tr aria-selected={selected}>
      <td className={styles.star}>
        <button
          type="button"
          className="button quiet small icon"
          aria-pressed={board.starred}
          aria-label={`Star ${board.title}`}
          onClick={onStar}
        >
          <Star size={14} aria-hidden fill={board.starred ? "currentColor" : "none"} />
        </button>
      </td>
      <td className={styles.name}>
        <Link
          to="/dashboards/$uid"
          params={{ uid: board.uid }}
          search={timeSearch}
          className={styles.open ?? ""}
          title={board.title}
        >
          {board.title}
        </Link>
        {board.read_only && <Lock size={12} aria-label="read-only" className="faint" />}
        {board.problem && (
          <span className="badge error" title={board.problem}>
            {board.problem}
          </span>
        )}
      </td>
      <td>
        {board.tags.map((tag) => (
          <span key={tag} className={`badge ${styles.tag}`}>
            {tag}
          </span>
        ))}
      </td>
      <td className="muted">{board.folder}</td>
      <td className="number">{board.panels}</td>
      <td className="muted">{SOURCES[board.source] ?? board.source}</td>
      <td
        className="muted"
        title={board.updated_unix_milli > 0 ? formatInstant(board.updated_unix_milli, zone) : undefined}
      >
        {board.updated_unix_milli > 0 && formatRelative(board.updated_unix_milli, asOfMilli)}
        {board.updated_by && ` by ${board.updated_by}`}
      </td>
    </tr>
  );
}
