// The left rail: pages, signal dots, theme.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Contrast, Monitor, Moon, PanelLeftClose, PanelLeftOpen, Sun } from "lucide-react";
import { fetchStatus, SIGNALS } from "../api/status.ts";
import { rail, THEMES, theme } from "../lib/preferences.ts";
import { createStore, useStore } from "../lib/store.ts";
import { useTimeSearch } from "../lib/view.ts";
import { NAV, type NavItem } from "./nav.ts";
import styles from "./Rail.module.css";

const THEME_ICONS = { system: Monitor, dark: Moon, light: Sun, "high-contrast": Contrast };
const THEME_NAMES = {
  system: "System theme",
  dark: "Dark theme",
  light: "Light theme",
  "high-contrast": "High contrast",
};

/** On a phone the rail is a menu over the page. */
export const railMenu = createStore(false);

export function nextTheme(): void {
  theme.set(THEMES[(THEMES.indexOf(theme.get()) + 1) % THEMES.length] ?? "system");
}

export function toggleRail(): void {
  rail.set(rail.get() === "open" ? "closed" : "open");
}

export function Rail() {
  const open = useStore(rail) === "open";
  const choice = useStore(theme);
  const ThemeIcon = THEME_ICONS[choice];
  const RailIcon = open ? PanelLeftClose : PanelLeftOpen;
  const section = (group: NavItem["group"], title?: string) => (
    <>
      {title && <div className={styles.section}>{title}</div>}
      <ul>
        {NAV.filter((item) => item.group === group).map((item) => (
          <li key={item.to}>
            <RailLink item={item} />
          </li>
        ))}
      </ul>
    </>
  );
  return (
    <nav className={styles.rail} data-open={open} aria-label="Main">
      <Link to="/" className={styles.brand} title="Bellrock">
        <Mark />
        <span className={styles.text}>Bellrock</span>
      </Link>
      {section("top")}
      {section("watch", "Watch")}
      {section("understand", "Understand")}
      {section("explore", "Explore")}
      <div className={styles.spacer} />
      {section("bottom")}
      <div className={styles.tools}>
        <button
          type="button"
          className={styles.item}
          onClick={nextTheme}
          title={`${THEME_NAMES[choice]} (Shift+T)`}
          aria-label={THEME_NAMES[choice]}
        >
          <ThemeIcon size={16} aria-hidden />
          <span className={styles.text}>{THEME_NAMES[choice]}</span>
        </button>
        <button
          type="button"
          className={styles.item}
          onClick={toggleRail}
          aria-label={open ? "Collapse" : "Expand"}
          title={`${open ? "Collapse" : "Expand"} the rail (b)`}
        >
          <RailIcon size={16} aria-hidden />
          <span className={styles.text}>{open ? "Collapse" : "Expand"}</span>
        </button>
      </div>
    </nav>
  );
}

function RailLink({ item }: { item: NavItem }) {
  const time = useTimeSearch();
  const Icon = item.icon;
  return (
    <Link
      to={item.to}
      search={item.to === "/start" ? {} : time}
      className={styles.item ?? ""}
      activeOptions={{ includeSearch: false }}
      activeProps={{ "data-active": true, "aria-current": "page" }}
      title={`${item.title} (g ${item.key})`}
    >
      <Icon size={16} aria-hidden />
      <span className={styles.text}>{item.title}</span>
      {item.to === "/start" && <SignalDots />}
      {item.to === "/alerts" && <FiringCount />}
    </Link>
  );
}

/** How many alerts fire, on every page. */
function FiringCount() {
  const alerts = useQuery({
    queryKey: ["alerts"],
    // Apart from the shell, which must be small.
    queryFn: async ({ signal }) => (await import("../api/alerts.ts")).fetchAlerts(signal),
    refetchInterval: 30_000,
    retry: false,
  });
  const firing = (alerts.data ?? []).filter((alert) => alert.state === "firing");
  if (firing.length === 0) return null;
  const critical = firing.some((alert) => alert.labels.severity === "critical");
  return (
    <span className={styles.firing} data-critical={critical} title={`${firing.length} firing`}>
      <span aria-hidden>{firing.length > 99 ? "99+" : firing.length}</span>
      <span className="sr-only">{firing.length} firing</span>
    </span>
  );
}

/** One dot per signal: filled once something arrived. */
function SignalDots() {
  const status = useQuery({
    queryKey: ["status"],
    queryFn: ({ signal }) => fetchStatus(signal),
    refetchInterval: 10_000,
  });
  const received = SIGNALS.map((signal) => (status.data?.signals[signal].accepted ?? 0) > 0);
  const names = SIGNALS.filter((_, index) => received[index]);
  return (
    <span
      className={styles.dots}
      role="img"
      aria-label={`received: ${names.length > 0 ? names.join(", ") : "nothing"}`}
    >
      {SIGNALS.map((signal, index) => (
        <i key={signal} data-on={received[index]} />
      ))}
    </span>
  );
}

/** The lighthouse. */
export function Mark({ size = 22 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="7" className={styles.markBack} />
      <path d="M13.2 13h5.6l1.9 13h-9.4z" className={styles.markTower} />
      <rect x="12.6" y="8" width="6.8" height="4" rx="1" className={styles.markLamp} />
      <path d="M20.4 9.2 29 5.6v8.8l-8.6-3.6zM11.6 9.2 3 5.6v8.8l8.6-3.6z" className={styles.markBeam} />
      <path d="M13 7.2 16 4l3 3.2z" className={styles.markTower} />
    </svg>
  );
}
