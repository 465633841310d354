// Saves a copy of a dashboard that cannot be changed itself, and opens it for editing.
import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Copy } from "lucide-react";
import { useState } from "react";
import { createDashboard, type DashboardDocument } from "../../api/dashboards.ts";
import { useTimeSearch } from "../../lib/view.ts";
import { setTitle } from "./edits.ts";

export function CopyOfButton({ stored }: { stored: DashboardDocument }) {
  const navigate = useNavigate();
  const client = useQueryClient();
  const timeSearch = useTimeSearch();
  const [problem, setProblem] = useState<string | null>(null);
  const copy = async () => {
    try {
      const document = setTitle(stored.document, `${stored.title} (copy)`);
      const { uid } = await createDashboard({ document, message: `copy of ${stored.uid}` });
      void client.invalidateQueries({ queryKey: ["dashboards"] });
      void navigate({ to: "/dashboards/$uid", params: { uid }, search: { ...timeSearch, edit: "1" } });
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <>
      {problem && (
        <span role="alert" className="badge error">
          {problem}
        </span>
      )}
      <button
        type="button"
        className="button"
        title="It cannot be changed itself; a copy can"
        onClick={() => void copy()}
      >
        <Copy size={14} aria-hidden /> Save a copy
      </button>
    </>
  );
}
