// Alerts that fire and the worst objective of a service, as badges that lead to them.
import { Link } from "@tanstack/react-router";
import { STATE_TONES } from "../../components/SloState.tsx";
import { STATE_TITLES, STATE_WORDS } from "../../lib/budget.ts";
import { plural } from "../../lib/number.ts";
import { useTimeSearch } from "../../lib/view.ts";
import styles from "./Services.module.css";
import type { ServiceState } from "./states.ts";

export function StateBadges({ service, state }: { service: string; state: ServiceState | undefined }) {
  const timeSearch = useTimeSearch();
  const firing = state?.firing ?? [];
  const worst = state?.slos[0];
  const critical = firing.some(({ labels }) => labels.severity === "critical");
  if (firing.length === 0 && !worst) return <span className="faint">–</span>;
  return (
    <span className={styles.badges}>
      {firing.length > 0 && (
        <Link
          to="/services/$name"
          params={{ name: service }}
          search={{ ...timeSearch, tab: "alerts" }}
          className={`badge ${critical ? "error" : "warn"}`}
          title={firing.map(({ labels }) => labels.alertname).join(", ")}
        >
          {plural(firing.length, "alert")}
        </Link>
      )}
      {worst && (
        <Link
          to="/services/$name"
          params={{ name: service }}
          search={{ ...timeSearch, tab: "slos" }}
          className={`badge ${STATE_TONES[worst.state]}`}
          title={`${worst.slo.title}: ${STATE_TITLES[worst.state]}`}
        >
          SLO {STATE_WORDS[worst.state]}
        </Link>
      )}
    </span>
  );
}
