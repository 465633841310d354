// The command palette: pages, things and actions by fuzzy search; ids, times and PromQL are recognised first.
import { useEffect, useRef } from "react";
import { useKeys } from "../lib/keys.ts";
import { later, whenIdle } from "../lib/later.tsx";
import { createStore, useStore } from "../lib/store.ts";
import styles from "./Palette.module.css";

export const paletteOpen = createStore(false);

const PaletteBody = later(async () => (await import("./PaletteBody.tsx")).PaletteBody);

export function Palette() {
  const open = useStore(paletteOpen);
  const dialog = useRef<HTMLDialogElement>(null);
  useKeys("global", "General", [{ keys: "mod+k", label: "Search or jump", run: () => paletteOpen.set(true) }]);
  useEffect(() => {
    if (!open) return dialog.current?.close();
    dialog.current?.showModal();
    // The dialog would focus the list, which comes first in the document. Before the inside is here it focuses itself.
    dialog.current?.querySelector("input")?.focus();
  }, [open]);
  useEffect(() => whenIdle(PaletteBody.fetch), []);
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
