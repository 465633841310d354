// Where to go on: starred views and dashboards, and the pages opened last.
import { useQuery } from "@tanstack/react-query";
import { useRouter } from "@tanstack/react-router";
import { Clock, LayoutDashboard, Star } from "lucide-react";
import { fetchDashboards } from "../../api/dashboards.ts";
import { fetchViews } from "../../api/views.ts";
import { useStore } from "../../lib/store.ts";
import { visits } from "../../lib/visits.ts";
import styles from "./Home.module.css";

const SHOWN = 5;

export function Places() {
  const recent = useStore(visits);
  const views = useQuery({ queryKey: ["views"], queryFn: ({ signal }) => fetchViews(signal), retry: false });
  const dashboards = useQuery({
    queryKey: ["dashboards"],
    queryFn: ({ signal }) => fetchDashboards(signal),
    retry: false,
  });
  const starred = (views.data ?? []).filter((view) => view.starred);
  const boards = [...(dashboards.data ?? [])].sort((a, b) => Number(b.starred) - Number(a.starred));
  return (
    <section className={styles.section} aria-label="Go on">
      <header>
        <h2>Go on</h2>
      </header>
      {starred.length + boards.length + recent.length === 0 && (
        <p className={styles.calm}>Starred views, dashboards and the pages opened last come here.</p>
      )}
      <ul className={styles.places}>
        {starred.slice(0, SHOWN).map((view) => (
          <Place key={view.id} icon={Star} url={view.url} title={view.name} />
        ))}
        {boards.slice(0, SHOWN).map((board) => (
          <Place key={board.uid} icon={LayoutDashboard} url={`/dashboards/${board.uid}`} title={board.title} />
        ))}
        {recent.slice(0, SHOWN).map((visit) => (
          <Place key={visit.url} icon={Clock} url={visit.url} title={visit.title} />
        ))}
      </ul>
    </section>
  );
}

function Place({ icon: Icon, url, title }: { icon: typeof Star; url: string; title: string }) {
  const router = useRouter();
  const base = router.basepath.replace(/\/$/, "");
  return (
    <li>
      <a
        href={base + url}
        className={styles.place}
        onClick={(event) => {
          if (event.ctrlKey || event.metaKey || event.shiftKey) return;
          event.preventDefault();
          router.history.push(base + url);
        }}
      >
        <Icon size={14} aria-hidden />
        <span className="ellipsis">{title}</span>
      </a>
    </li>
  );
}
