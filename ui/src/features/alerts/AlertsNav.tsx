// The pages of the alerts area, in a strip below the title.
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import styles from "./Alerts.module.css";

const PAGES = [
  { to: "/alerts", title: "Triage", exact: true },
  { to: "/alerts/rules", title: "Rules", exact: false },
  { to: "/alerts/silences", title: "Silences", exact: false },
  { to: "/alerts/channels", title: "Channels", exact: false },
  { to: "/alerts/routing", title: "Routing", exact: false },
  { to: "/alerts/deliveries", title: "Deliveries", exact: false },
  { to: "/import", title: "Import", exact: false },
  { to: "/doctor", title: "Data doctor", exact: false },
] as const;

export function AlertsNav({ children }: { children?: ReactNode }) {
  return (
    <nav className={styles.nav} aria-label="Alerts">
      <ul className={styles.navList}>
        {PAGES.map((page) => (
          <li key={page.to}>
            <Link
              to={page.to}
              className={styles.navLink ?? ""}
              activeOptions={{ exact: page.exact, includeSearch: false }}
              activeProps={{ "data-active": true, "aria-current": "page" }}
            >
              {page.title}
            </Link>
          </li>
        ))}
      </ul>
      {children}
    </nav>
  );
}
