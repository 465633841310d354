// Queries of the explore pages: each one that was answered is noted on the server; Ctrl+H finds them again.
import { useRouterState } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { ApiError } from "../api/client.ts";
import { noteHistory } from "../api/views.ts";
import { useKeys } from "../lib/keys.ts";
import { later } from "../lib/later.tsx";
import { report } from "../lib/report.ts";
import { useStore } from "../lib/store.ts";
import { useView } from "../lib/view.ts";
import { pageOf } from "./history-pages.ts";
import { useLinks } from "./link.ts";

const HistoryDialog = later(async () => (await import("./HistoryDialog.tsx")).HistoryDialog);

/** Once per page and query, when its answer is there. A server without a history is asked once. */
function useNotes(page: string | null, query: string): void {
  const links = useLinks();
  const { busy, elapsedMs, rowsScanned } = useStore(report);
  const noted = useRef("");
  const offered = useRef(true);
  const url = links.path(true);
  useEffect(() => {
    const key = `${page} ${query}`;
    if (!page || query === "" || busy || elapsedMs === null || noted.current === key || !offered.current) return;
    noted.current = key;
    noteHistory({ page, query, url, elapsed_ms: Math.round(elapsedMs), rows: rowsScanned ?? 0 }).catch(
      (error: unknown) => {
        // Not being able to remember a query must not get in its way.
        if (error instanceof ApiError && error.facts.status === 404) offered.current = false;
      },
    );
  }, [page, query, busy, elapsedMs, rowsScanned, url]);
}

export function QueryHistory() {
  const pathname = useRouterState({ select: (state) => state.location.pathname });
  const { search } = useView();
  const page = pageOf(pathname);
  const query = search.q ?? "";
  const [open, setOpen] = useState(false);
  useNotes(page, query);
  useKeys("global", "General", page ? [{ keys: "mod+h", label: "Earlier queries", run: () => setOpen(true) }] : []);
  return open && page ? <HistoryDialog page={page} onClose={() => setOpen(false)} /> : null;
}
