// The command palette: pages, services and actions by fuzzy search; ids, times and PromQL are recognised first.
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useRouter } from "@tanstack/react-router";
import { Command } from "cmdk";
import { useEffect, useRef, useState } from "react";
import { fetchServices } from "../api/services.ts";
import { useKeys } from "../lib/keys.ts";
import { createStore, useStore } from "../lib/store.ts";
import { useTime, useTimeSearch } from "../lib/view.ts";
import { NAV } from "./nav.ts";
import styles from "./Palette.module.css";
import { nextTheme, toggleRail } from "./Rail.tsx";
import { type Recognised, recognise } from "./recognise.ts";
import { sheetOpen } from "./ShortcutSheet.tsx";

export const paletteOpen = createStore(false);

export function Palette() {
  const open = useStore(paletteOpen);
  const dialog = useRef<HTMLDialogElement>(null);
  useKeys("global", "General", [{ keys: "mod+k", label: "Search or jump", run: () => paletteOpen.set(true) }]);
  useEffect(() => {
    if (!open) return dialog.current?.close();
    dialog.current?.showModal();
    // The dialog would focus the list, which comes first in the document.
    dialog.current?.querySelector("input")?.focus();
  }, [open]);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape closes a modal dialog by itself
    <dialog
      ref={dialog}
      className={styles.dialog}
      aria-label="Search or jump"
      onClose={() => paletteOpen.set(false)}
      onClick={(event) => event.target === dialog.current && paletteOpen.set(false)}
    >
      {open && <PaletteBody onDone={() => paletteOpen.set(false)} />}
    </dialog>
  );
}

function PaletteBody({ onDone }: { onDone: () => void }) {
  const [text, setText] = useState("");
  const navigate = useNavigate();
  const router = useRouter();
  const time = useTime();
  const timeSearch = useTimeSearch();
  const services = useQuery({
    queryKey: ["services", time.range],
    queryFn: ({ signal }) => fetchServices(time.range, signal),
  });
  const found = recognise(text, time.asOfMilli, time.zone, document.baseURI);
  const act = (run: () => void) => () => {
    onDone();
    run();
  };
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
        return router.history.push(`${router.basepath.replace(/\/$/, "")}/${item.href}`);
    }
  };
  return (
    <Command loop label="Search or jump" className={styles.command} shouldFilter={found.length === 0}>
      <Command.Input
        autoFocus
        value={text}
        onValueChange={setText}
        placeholder="Page, service, trace id, PromQL, or a time such as last 4 h"
        className={styles.input}
      />
      <Command.List className={styles.list}>
        {found.length === 0 && <Command.Empty className={styles.empty}>Nothing found</Command.Empty>}
        {found.map((item) => (
          <Item key={item.kind} value={`${item.kind} ${text}`} onSelect={act(() => follow(item))} {...describe(item)} />
        ))}
        {found.length === 0 && (
          <>
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
            <Command.Group heading="Services">
              {services.data?.value.services.map((service) => (
                <Item
                  key={service.name}
                  value={`@${service.name}`}
                  title={service.name}
                  detail="service"
                  onSelect={act(
                    () => void navigate({ to: "/services/$name", params: { name: service.name }, search: timeSearch }),
                  )}
                />
              ))}
            </Command.Group>
            <Command.Group heading="Actions">
              <Item value="> switch theme" title="Switch theme" keys="shift+t" onSelect={act(nextTheme)} />
              <Item
                value="> collapse or expand the rail"
                title="Collapse or expand the rail"
                keys="b"
                onSelect={act(toggleRail)}
              />
              <Item
                value="> keyboard shortcuts"
                title="Keyboard shortcuts"
                keys="?"
                onSelect={act(() => sheetOpen.set(true))}
              />
            </Command.Group>
          </>
        )}
        {text.length > 1 && found.length === 0 && (
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
