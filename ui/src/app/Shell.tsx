// The frame around every page: skip links, rail, top bar, page, status strip, palette, shortcut sheet.
import { Outlet, useMatches, useNavigate, useRouterState } from "@tanstack/react-router";
import { Menu, Search } from "lucide-react";
import { useEffect, useRef } from "react";
import { listenForKeys, useKeys } from "../lib/keys.ts";
import { usePeek } from "../lib/peek.ts";
import { useStore } from "../lib/store.ts";
import { useTimeSearch, useView } from "../lib/view.ts";
import { noteVisit } from "../lib/visits.ts";
import { useLinks } from "./link.ts";
import { NAV } from "./nav.ts";
import { Palette, paletteOpen } from "./Palette.tsx";
import { PeekStack } from "./PeekStack.tsx";
import { QueryHistory } from "./QueryHistory.tsx";
import { nextTheme, Rail, railMenu, toggleRail } from "./Rail.tsx";
import { RefreshControl } from "./RefreshControl.tsx";
import { ShareMenu } from "./ShareMenu.tsx";
import styles from "./Shell.module.css";
import { ShortcutSheet } from "./ShortcutSheet.tsx";
import { StatusStrip } from "./StatusStrip.tsx";
import { TimeControl } from "./TimeControl.tsx";
import { Tray } from "./Tray.tsx";

declare module "@tanstack/react-router" {
  interface StaticDataRouteOption {
    title?: string;
    /** The page asks about a range of time, so the time control is shown. */
    timed?: boolean;
  }
}

const PALETTE_KEYS = `${navigator.platform.startsWith("Mac") ? "\u2318" : "Ctrl"} K`;

export function Shell() {
  const navigate = useNavigate();
  const timeSearch = useTimeSearch();
  const { search, patch } = useView();
  const kiosk = search.kiosk !== undefined;
  const peek = usePeek();
  const menu = useStore(railMenu);
  const lastPeek = useRef(search.peek);
  if (search.peek) lastPeek.current = search.peek;
  useEffect(listenForKeys, []);
  useVisits();
  useKeys(
    "global",
    "Go to",
    NAV.map((item) => ({
      keys: `g ${item.key}`,
      label: item.title,
      run: () => void navigate({ to: item.to, search: item.to === "/start" ? {} : timeSearch }),
    })),
  );
  useKeys("global", "General", [
    { keys: "b", label: "Collapse or expand the rail", run: toggleRail },
    { keys: "shift+t", label: "Switch theme", run: nextTheme },
    {
      keys: "\\",
      label: "Close the panel, or open the last one again",
      run: () => (peek.levels.length > 0 ? peek.close() : patch({ peek: lastPeek.current })),
    },
  ]);
  return (
    <div className={styles.frame} data-menu={menu}>
      <button
        type="button"
        className={styles.skip}
        onClick={() => document.querySelector<HTMLElement>("main")?.focus()}
      >
        Skip to the page
      </button>
      <button
        type="button"
        className={styles.skip}
        onClick={() =>
          document.querySelector<HTMLElement>("main [role=grid], main [role=treegrid], main table")?.focus()
        }
      >
        Skip to the results
      </button>
      {!kiosk && <Rail />}
      {menu && <button type="button" className={styles.shade} aria-label="Close the menu" onClick={closeMenu} />}
      <div className={styles.column}>
        {!kiosk && <TopBar menu={menu} onMenu={() => railMenu.set(!menu)} />}
        <div className={styles.work}>
          <main className={styles.main} tabIndex={-1}>
            <Outlet />
          </main>
          <PeekStack />
        </div>
        {!kiosk && <Tray />}
        {!kiosk && <StatusStrip />}
      </div>
      <Palette />
      <QueryHistory />
      <ShortcutSheet />
    </div>
  );
}

/** Remembers the pages of things, for Home and the palette: a service, a dashboard, a query. */
function useVisits(): void {
  const { path } = useLinks();
  const title = useMatches({ select: (matches) => matches.at(-1)?.staticData.title ?? "" });
  const { search } = useView();
  const pathname = useRouterState({ select: (state) => state.location.pathname });
  const name = /^\/services\/(.+)$/.exec(pathname)?.[1];
  const what = name ? decodeURIComponent(name) : search.q;
  useEffect(() => {
    if (what && title) noteVisit({ url: path(false), title: `${title}: ${what}` });
  }, [what, title, path]);
}

const closeMenu = () => railMenu.set(false);

function TopBar({ menu, onMenu }: { menu: boolean; onMenu: () => void }) {
  const matches = useMatches();
  const page = matches.at(-1);
  const params: Record<string, string> = page?.params ?? {};
  const detail = params.name ?? params.traceId ?? params.group ?? params.id;
  const title = page?.staticData.title ?? "Bellrock";
  const heading = useRef<HTMLHeadingElement>(null);
  const first = useRef(true);
  const pathname = page?.pathname;
  useEffect(() => {
    document.title = `${detail ? `${detail} \u00b7 ` : ""}${title} \u00b7 Bellrock`;
    if (!first.current && pathname) heading.current?.focus({ preventScroll: true });
    closeMenu();
    first.current = false;
  }, [title, detail, pathname]);
  return (
    <header className={styles.topbar} data-timed={page?.staticData.timed === true}>
      <button
        type="button"
        className={`button quiet icon ${styles.menu}`}
        aria-label="Menu"
        aria-expanded={menu}
        onClick={onMenu}
      >
        <Menu size={18} aria-hidden />
      </button>
      <h1 ref={heading} tabIndex={-1} className={styles.title}>
        {title}
        {detail && <span className={styles.crumb}>{detail}</span>}
      </h1>
      <button
        type="button"
        className={styles.search}
        aria-label={`Search or jump ${PALETTE_KEYS}`}
        onClick={() => paletteOpen.set(true)}
      >
        <Search size={14} aria-hidden />
        <span className="grow ellipsis">Search or jump</span> <kbd className="kbd">{PALETTE_KEYS}</kbd>
      </button>
      <div className={styles.controls}>
        {page?.staticData.timed && (
          <>
            <TimeControl />
            <RefreshControl />
          </>
        )}
        <ShareMenu />
      </div>
    </header>
  );
}
