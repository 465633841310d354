// Metrics: without a query the catalogue; with one to ten queries a graph, a heat map, a table, or an explanation.
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useRouterState } from "@tanstack/react-router";
import { Plus } from "lucide-react";
import { fetchMetadata } from "../../api/prometheus.ts";
import { useView } from "../../lib/view.ts";
import { Catalogue } from "./Catalogue.tsx";
import { Explore } from "./Explore.tsx";
import styles from "./MetricsPage.module.css";

export function MetricsPage() {
  const { search, patch } = useView();
  const navigate = useNavigate();
  const path = useRouterState({ select: (state) => state.location.pathname });
  const metadata = useQuery({ queryKey: ["metadata"], queryFn: ({ signal }) => fetchMetadata(signal), retry: false });
  const explores = path.endsWith("/explore") || search.q !== undefined || search.q2 !== undefined;
  if (explores) return <Explore metadata={metadata.data ?? {}} />;
  return (
    <Catalogue
      metadata={metadata.data ?? {}}
      onQuery={(query) => patch({ q: query, peek: undefined })}
      tools={
        <button
          type="button"
          className={`button primary ${styles.explore}`}
          onClick={() =>
            void navigate({ to: "/metrics/explore", search: { from: search.from, to: search.to, tz: search.tz } })
          }
        >
          <Plus size={13} aria-hidden /> New query
        </button>
      }
    />
  );
}
