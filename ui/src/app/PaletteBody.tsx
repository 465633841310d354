// The inside of the command palette, fetched when the page has come to rest.
import { useNavigate, useRouter } from "@tanstack/react-router";
import { Command } from "cmdk";
import { useState } from "react";
import { copyText } from "../components/CopyButton.tsx";
import { useRefresh } from "../lib/refresh.ts";
import { trayOpen } from "../lib/tray.ts";
import { useTime, useTimeSearch } from "../lib/view.ts";
import { shareable, useLinks } from "./link.ts";
import { NAV } from "./nav.ts";
import styles from "./Palette.module.css";
import { score } from "./palette-score.ts";
import { type Entry, splitPrefix, usePaletteEntries } from "./palette-sources.ts";
import { nextTheme, toggleRail } from "./Rail.tsx";
import { type Recognised, recognise } from "./recognise.ts";
import { sheetOpen } from "./ShortcutSheet.tsx";
import { usePinning } from "./Tray.tsx";

const GROUPS: readonly Entry["group"][] = [
  "Recent",
  "Saved views",
  "Services",
  "Dashboards",
  "Alerting",
  "Metrics",
  "Found",
];

interface Action {
  title: string;
  keys: string;
  run: () => void;
}

export function PaletteBody({ onDone }: { onDone: () => void }) {
  const [text, setText] = useState("");
  const navigate = useNavigate();
  const router = useRouter();
  const time = useTime();
  const refresh = useRefresh();
  const timeSearch = useTimeSearch();
  const pin = usePinning();
  const links = useLinks();
  const entries = usePaletteEntries(text);
  const { prefix, rest } = splitPrefix(text);
  const found = prefix === "" ? recognise(text, time.asOfMilli, time.zone, document.baseURI) : [];
  const act = (run: () => void) => () => {
    onDone();
    run();
  };
  const go = (url: string) => router.history.push(router.basepath.replace(/\/$/, "") + url);
  const follow = (item: Recognised) => {
    switch (item.kind) {
      case "trace":
        return void navigate({
          to: "/traces/$traceId",
          params: { traceId: item.traceId },
          search: { span: item.spanId },
        });
      case "span":
        return void navigate({ to: "/traces", search: { ...timeSearch, q: `span_id:${item.spanId}` } });
      case "promql":
        return void navigate({ to: "/metrics", search: { ...timeSearch, q: item.query } });
      case "time":
        return time.setText(item.range);
      case "url":
        return go(`/${item.href}`);
    }
  };
  const actions: Action[] = [
    { title: "Switch theme", keys: "shift+t", run: nextTheme },
    { title: "Collapse or expand the rail", keys: "b", run: toggleRail },
    {
      title: "Copy link with the range made absolute",
      keys: "y",
      run: () => void shareable(links.path(true)).then(copyText),
    },
    { title: "Pin what is shown to the evidence tray", keys: "shift+p", run: pin },
    { title: "Evidence tray", keys: "g v", run: () => trayOpen.set(true) },
    { title: "Refresh", keys: "r", run: refresh },
    { title: "Keyboard shortcuts", keys: "?", run: () => sheetOpen.set(true) },
  ];
  const plain = found.length === 0;
  return (
    <Command
      loop
      label="Search or jump"
      className={styles.command}
      shouldFilter={plain}
      // The prefix chose the groups already; only what stands behind it is compared.
      filter={(value, search) => score(value, splitPrefix(search).rest)}
    >
      <Command.Input
        autoFocus
        value={text}
        onValueChange={setText}
        placeholder="Page, service, dashboard, trace id, PromQL, or a time such as last 4 h"
        className={styles.input}
      />
      <Command.List className={styles.list}>
        {plain && <Command.Empty className={styles.empty}>Nothing found</Command.Empty>}
        {found.map((item) => (
          <Item key={item.kind} value={`${item.kind} ${text}`} onSelect={act(() => follow(item))} {...describe(item)} />
        ))}
        {plain && prefix === "" && (
          <Command.Group heading="Pages">
            {NAV.map((item) => (
              <Item
                key={item.to}
                value={item.title}
                title={item.title}
                keys={`g ${item.key}`}
                onSelect={act(() => void navigate({ to: item.to, search: item.to === "/start" ? {} : timeSearch }))}
              />
            ))}
          </Command.Group>
        )}
        {plain &&
          prefix !== ">" &&
          GROUPS.map((group) => {
            const shown = entries.filter((entry) => entry.group === group);
            return shown.length > 0 ? (
              <Command.Group key={group} heading={group}>
                {shown.map((entry) => (
                  <Item
                    key={`${entry.url} ${entry.title}`}
                    value={`${entry.title} ${entry.url}`}
                    title={entry.title}
                    detail={entry.detail}
                    onSelect={act(() => go(entry.url))}
                  />
                ))}
              </Command.Group>
            ) : null;
          })}
        {plain && (prefix === "" || prefix === ">") && (
          <Command.Group heading="Actions">
            {actions.map((action) => (
              <Item
                key={action.title}
                value={action.title}
                title={action.title}
                keys={action.keys}
                onSelect={act(action.run)}
              />
            ))}
          </Command.Group>
        )}
        {rest.length > 1 && plain && prefix === "" && (
          <Command.Group heading="Search for this text" forceMount>
            <Item
              forceMount
              value={`search logs ${text}`}
              title={`Logs with ${text}`}
              detail="text search"
              onSelect={act(() => void navigate({ to: "/logs", search: { ...timeSearch, q: text } }))}
            />
            <Item
              forceMount
              value={`search traces ${text}`}
              title={`Traces with ${text}`}
              detail="text search"
              onSelect={act(() => void navigate({ to: "/traces", search: { ...timeSearch, q: text } }))}
            />
          </Command.Group>
        )}
      </Command.List>
      <footer className={styles.foot}>
        <kbd className="kbd">@</kbd> service <kbd className="kbd">#</kbd> dashboard <kbd className="kbd">&gt;</kbd>{" "}
        action <kbd className="kbd">t:</kbd> time
      </footer>
    </Command>
  );
}

function describe(item: Recognised): { title: string; detail: string } {
  switch (item.kind) {
    case "trace":
      return { title: `Open trace ${item.traceId}`, detail: "trace id" };
    case "span":
      return { title: `Find span ${item.spanId}`, detail: "span id" };
    case "promql":
      return { title: `Run ${item.query}`, detail: "PromQL in Metrics" };
    case "time":
      return { title: `Go to ${item.range.from} – ${item.range.to}`, detail: "time range" };
    case "url":
      return { title: `Go to ${item.href}`, detail: "address" };
  }
}

interface ItemProps {
  value: string;
  title: string;
  detail?: string;
  keys?: string;
  forceMount?: boolean;
  onSelect: () => void;
}

function Item({ title, detail, keys, ...rest }: ItemProps) {
  return (
    <Command.Item className={styles.item} {...rest}>
      <span className="ellipsis">{title}</span>
      <span className={styles.detail}>{detail}</span>
      {keys && <kbd className="kbd">{keys}</kbd>}
    </Command.Item>
  );
}
