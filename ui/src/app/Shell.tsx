// The frame around every page: skip links, rail, top bar, page, status strip, palette, shortcut sheet.
import { Outlet, useMatches, useNavigate, useRouterState } from "@tanstack/react-router";
import { Link2, Search } from "lucide-react";
import { useEffect, useRef } from "react";
import { CopyButton, copyText } from "../components/CopyButton.tsx";
import { listenForKeys, useKeys } from "../lib/keys.ts";
import { stringifySearch } from "../lib/search.ts";
import { absoluteRange } from "../lib/time/range.ts";
import { useTime, useTimeSearch, useView } from "../lib/view.ts";
import { NAV } from "./nav.ts";
import { Palette, paletteOpen } from "./Palette.tsx";
import { PeekStack } from "./PeekStack.tsx";
import { nextTheme, Rail, toggleRail } from "./Rail.tsx";
import { RefreshControl } from "./RefreshControl.tsx";
import styles from "./Shell.module.css";
import { ShortcutSheet } from "./ShortcutSheet.tsx";
import { StatusStrip } from "./StatusStrip.tsx";
import { TimeControl } from "./TimeControl.tsx";

declare module "@tanstack/react-router" {
  interface StaticDataRouteOption {
    title?: string;
    /** The page asks about a range of time, so the time control is shown. */
    timed?: boolean;
  }
}

export function Shell() {
  const navigate = useNavigate();
  const timeSearch = useTimeSearch();
  const { search } = useView();
  const kiosk = search.kiosk !== undefined;
  const link = useCopyLink();
  useEffect(listenForKeys, []);
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
    { keys: "y", label: "Copy link with the range made absolute", run: () => void copyText(link(true)) },
    { keys: "shift+y", label: "Copy link as it is", run: () => void copyText(link(false)) },
  ]);
  return (
    <div className={styles.frame}>
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
      <div className={styles.column}>
        {!kiosk && <TopBar />}
        <div className={styles.work}>
          <main className={styles.main} tabIndex={-1}>
            <Outlet />
          </main>
          <PeekStack />
        </div>
        {!kiosk && <StatusStrip />}
      </div>
      <Palette />
      <ShortcutSheet />
    </div>
  );
}

function useCopyLink(): (absolute: boolean) => string {
  const { search } = useView();
  const { range } = useTime();
  const path = useRouterState({ select: (state) => state.location.pathname });
  return (absolute) => {
    const state = absolute ? { ...search, ...absoluteRange(range) } : search;
    return new URL(path.replace(/^\//, "") + stringifySearch({ ...state }), document.baseURI).toString();
  };
}

function TopBar() {
  const matches = useMatches();
  const page = matches.at(-1);
  const params: Record<string, string> = page?.params ?? {};
  const detail = params.name ?? params.traceId;
  const title = page?.staticData.title ?? "Bellrock";
  const heading = useRef<HTMLHeadingElement>(null);
  const first = useRef(true);
  const link = useCopyLink();
  const pathname = page?.pathname;
  useEffect(() => {
    document.title = `${detail ? `${detail} \u00b7 ` : ""}${title} \u00b7 Bellrock`;
    if (!first.current && pathname) heading.current?.focus({ preventScroll: true });
    first.current = false;
  }, [title, detail, pathname]);
  return (
    <header className={styles.topbar}>
      <h1 ref={heading} tabIndex={-1} className={styles.title}>
        {title}
        {detail && <span className={styles.crumb}>{detail}</span>}
      </h1>
      <button type="button" className={styles.search} onClick={() => paletteOpen.set(true)}>
        <Search size={14} aria-hidden />
        <span className="grow ellipsis">Search or jump</span>
        <kbd className="kbd">{navigator.platform.startsWith("Mac") ? "\u2318" : "Ctrl"} K</kbd>
      </button>
      <div className={styles.controls}>
        {page?.staticData.timed && (
          <>
            <TimeControl />
            <RefreshControl />
          </>
        )}
        <span className={styles.link}>
          <Link2 size={14} aria-hidden className="faint" />
          <CopyButton text={link(true)} label="Copy link" />
        </span>
      </div>
    </header>
  );
}
