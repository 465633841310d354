// Takes a query into a dashboard: one that is there, where the new panel waits to be saved, or a new one.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useRouter } from "@tanstack/react-router";
import { LayoutDashboard, Plus } from "lucide-react";
import { useState } from "react";
import { createDashboard, fetchDashboards } from "../api/dashboards.ts";
import { PlainLink } from "../lib/PlainLink.tsx";
import styles from "./AddToDashboard.module.css";
import { Popover } from "./Popover.tsx";

const SHOWN_MAX = 12;
const FILTER_FROM = 8;

export function AddToDashboard({ expr, title }: { expr: string; title: string }) {
  const [open, setOpen] = useState(false);
  return (
    <Popover
      open={open}
      onOpenChange={setOpen}
      title="Add to a dashboard"
      align="right"
      button={<LayoutDashboard size={14} aria-hidden />}
      buttonLabel="Add to a dashboard"
      buttonClass="button quiet small icon"
    >
      <Choice expr={expr} title={title} />
    </Popover>
  );
}

function Choice({ expr, title }: { expr: string; title: string }) {
  const router = useRouter();
  const client = useQueryClient();
  const [text, setText] = useState("");
  const [problem, setProblem] = useState<string | null>(null);
  const all = useQuery({ queryKey: ["dashboards"], queryFn: ({ signal }) => fetchDashboards(signal), retry: false });
  const own = (all.data ?? []).filter((board) => !board.read_only);
  const found = own.filter((board) => board.title.toLowerCase().includes(text.toLowerCase()));
  const create = async () => {
    const panel = { title, type: "graph", targets: [{ expr, legendFormat: "" }] };
    try {
      const document = `${JSON.stringify({ dashboard: { title: "New dashboard", panels: [panel] } }, null, 2)}\n`;
      const { uid } = await createDashboard({ document });
      void client.invalidateQueries({ queryKey: ["dashboards"] });
      router.history.push(`${router.basepath.replace(/\/$/, "")}/dashboards/${uid}?edit=1`);
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <div className={styles.box}>
      {own.length >= FILTER_FROM && (
        <input
          className="input"
          value={text}
          placeholder="Filter dashboards"
          aria-label="Filter dashboards"
          onChange={(event) => setText(event.target.value)}
        />
      )}
      <ul className={styles.list}>
        {found.slice(0, SHOWN_MAX).map((board) => (
          <li key={board.uid}>
            <PlainLink
              path={`dashboards/${encodeURIComponent(board.uid)}`}
              search={{ edit: "1", add: expr, name: title }}
              className={styles.item}
            >
              <span className="ellipsis">{board.title || board.uid}</span>
              <span className="faint">{board.folder}</span>
            </PlainLink>
          </li>
        ))}
        <li>
          <button type="button" className={styles.item} onClick={() => void create()}>
            <Plus size={13} aria-hidden />
            <span className="grow">New dashboard</span>
          </button>
        </li>
      </ul>
      {found.length > SHOWN_MAX && <p className="faint">{found.length - SHOWN_MAX} more: filter by their title</p>}
      {(problem ?? all.error?.message) && <p role="alert">{problem ?? all.error?.message}</p>}
    </div>
  );
}
