// The keyboard registry: every shortcut of the application is registered here, so the `?` sheet cannot be wrong.
import { useEffect, useRef } from "react";
import { createPreference, createStore } from "./store.ts";

/** Inner scopes win over outer ones. */
export const SCOPES = ["peek", "page", "global"] as const;
export type KeyScope = (typeof SCOPES)[number];

export interface Binding {
  /** `g t` is a chord, `mod+k` is Ctrl or Cmd, `shift+p`, `Escape`, `?`. */
  keys: string;
  label: string;
  run: (event: KeyboardEvent) => void;
}

export interface Group {
  scope: KeyScope;
  title: string;
  bindings: readonly Binding[];
}

const CHORD_TIMEOUT_MS = 1000;

export class KeyRegistry {
  private readonly groups = new Set<Group>();
  private pending = "";
  private pendingSince = 0;

  /** Throws when two bindings of one scope have the same keys. */
  add(group: Group): () => void {
    const taken = new Set(this.list(group.scope).map((binding) => binding.keys));
    for (const { keys } of group.bindings) {
      if (taken.has(keys)) throw new Error(`the key ${keys} is bound twice in scope ${group.scope}`);
      taken.add(keys);
    }
    this.groups.add(group);
    return () => this.groups.delete(group);
  }

  all(): readonly Group[] {
    return [...this.groups];
  }

  /** The start of a chord that waits for its second key. */
  pendingKeys(): string {
    return this.pending;
  }

  private list(scope: KeyScope): Binding[] {
    return [...this.groups].filter((group) => group.scope === scope).flatMap((group) => group.bindings);
  }

  /** Finds the binding for a key press and updates the chord state. */
  resolve(key: string, nowMs: number): Binding | null {
    if (nowMs - this.pendingSince > CHORD_TIMEOUT_MS) this.pending = "";
    const attempts = this.pending ? [`${this.pending} ${key}`, key] : [key];
    this.pending = "";
    for (const keys of attempts) {
      for (const scope of SCOPES) {
        const bindings = this.list(scope);
        const found = bindings.find((binding) => binding.keys === keys);
        if (found) return found;
        if (bindings.some((binding) => binding.keys.startsWith(`${keys} `))) {
          this.pending = keys;
          this.pendingSince = nowMs;
          return null;
        }
      }
    }
    return null;
  }
}

/** The name of a pressed key in the notation of `Binding.keys`. */
export function keyName(event: Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "altKey" | "shiftKey">): string {
  const isLetter = /^\p{L}$/u.test(event.key);
  const named = event.key.length > 1;
  const key = isLetter ? event.key.toLowerCase() : event.key === " " ? "Space" : event.key;
  const shift = event.shiftKey && (isLetter || named) ? "shift+" : "";
  return `${event.ctrlKey || event.metaKey ? "mod+" : ""}${event.altKey ? "alt+" : ""}${shift}${key}`;
}

export const registry = new KeyRegistry();
export const pendingChord = createStore("");
/** Single-key shortcuts can be switched off (WCAG 2.1.4). */
export const singleKeys = createPreference("single-keys", ["on", "off"], "on");

function isEditable(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
  );
}

function activatesItself(target: EventTarget | null, key: string): boolean {
  if (key !== "Enter" && key !== "Space") return false;
  return target instanceof HTMLElement && target.closest("button, a, summary, [role=separator]") !== null;
}

export function listenForKeys(): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.defaultPrevented || event.isComposing || document.querySelector("dialog[open]")) return;
    const key = keyName(event);
    const modified = event.ctrlKey || event.metaKey || event.altKey;
    if (isEditable(event.target) && !modified) return;
    if (!modified && event.key.length === 1 && singleKeys.get() === "off") return;
    if (activatesItself(event.target, key)) return;
    if (/^(Shift|Control|Alt|Meta)$/.test(event.key)) return;
    const binding = registry.resolve(key, performance.now());
    pendingChord.set(registry.pendingKeys());
    clearTimeout(timer);
    if (registry.pendingKeys()) timer = setTimeout(() => pendingChord.set(""), CHORD_TIMEOUT_MS);
    if (!binding) return;
    event.preventDefault();
    binding.run(event);
  };
  window.addEventListener("keydown", onKeyDown);
  return () => {
    clearTimeout(timer);
    window.removeEventListener("keydown", onKeyDown);
  };
}

/** Registers bindings while the component is mounted. The latest `run` functions are used. */
export function useKeys(scope: KeyScope, title: string, bindings: readonly Binding[]): void {
  const latest = useRef(bindings);
  latest.current = bindings;
  const signature = bindings.map((binding) => `${binding.keys}=${binding.label}`).join("|");
  // biome-ignore lint/correctness/useExhaustiveDependencies: the signature stands for the list of bindings
  useEffect(
    () =>
      registry.add({
        scope,
        title,
        bindings: latest.current.map((binding, index) => ({
          ...binding,
          run: (event) => latest.current[index]?.run(event),
        })),
      }),
    [scope, title, signature],
  );
}

/** The keys that lead through the rows of a list. */
export function rowKeys(move: (step: number) => void): Binding[] {
  const [next, previous] = [() => move(1), () => move(-1)];
  return [
    { keys: "j", label: "Next row", run: next },
    { keys: "k", label: "Previous row", run: previous },
    { keys: "ArrowDown", label: "Next row", run: next },
    { keys: "ArrowUp", label: "Previous row", run: previous },
  ];
}
