// The `?` sheet: every shortcut that works on the current page, read from the registry.
import { X } from "lucide-react";
import { useEffect, useRef } from "react";
import { Keys } from "../components/Keys.tsx";
import { type Binding, registry, SCOPES, singleKeys, useKeys } from "../lib/keys.ts";
import { createStore, useStore } from "../lib/store.ts";
import styles from "./ShortcutSheet.module.css";

export const sheetOpen = createStore(false);

export function ShortcutSheet() {
  const open = useStore(sheetOpen);
  const single = useStore(singleKeys) === "on";
  const dialog = useRef<HTMLDialogElement>(null);
  useKeys("global", "General", [{ keys: "?", label: "Show these shortcuts", run: () => sheetOpen.set(true) }]);
  useEffect(() => {
    if (open) dialog.current?.showModal();
    else dialog.current?.close();
  }, [open]);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape closes a modal dialog by itself
    <dialog
      ref={dialog}
      className={styles.dialog}
      aria-label="Keyboard shortcuts"
      onClose={() => sheetOpen.set(false)}
      onClick={(event) => event.target === dialog.current && sheetOpen.set(false)}
    >
      {open && (
        <>
          <header className={styles.header}>
            <h2 className="grow">Keyboard shortcuts</h2>
            <label className={styles.toggle}>
              <input
                type="checkbox"
                checked={single}
                onChange={(event) => singleKeys.set(event.target.checked ? "on" : "off")}
              />
              Single-key shortcuts
            </label>
            <button
              type="button"
              className="button quiet small icon"
              aria-label="Close"
              onClick={() => sheetOpen.set(false)}
            >
              <X size={16} aria-hidden />
            </button>
          </header>
          <div className={styles.columns}>
            {[...grouped()].map(([title, bindings]) => (
              <section key={title} className={styles.group}>
                <h3>{title}</h3>
                <dl>
                  {bindings.map((binding) => (
                    <div key={binding.keys} className={styles.row}>
                      <dt>{binding.label}</dt>
                      <dd>
                        <Keys keys={binding.keys} />
                      </dd>
                    </div>
                  ))}
                </dl>
              </section>
            ))}
          </div>
        </>
      )}
    </dialog>
  );
}

function grouped(): Map<string, Binding[]> {
  const out = new Map<string, Binding[]>();
  const groups = [...registry.all()].sort((a, b) => SCOPES.indexOf(a.scope) - SCOPES.indexOf(b.scope));
  for (const group of groups) out.set(group.title, [...(out.get(group.title) ?? []), ...group.bindings]);
  return out;
}
