// A value outside React that components can subscribe to; for state that keeps its place while pages change.
import { useSyncExternalStore } from "react";

export interface Store<T> {
  get(): T;
  set(next: T): void;
  subscribe(listener: () => void): () => void;
}

export function createStore<T>(initial: T): Store<T> {
  let value = initial;
  const listeners = new Set<() => void>();
  return {
    get: () => value,
    set(next) {
      if (Object.is(next, value)) return;
      value = next;
      for (const listener of listeners) listener();
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

export function useStore<T>(store: Store<T>): T {
  return useSyncExternalStore(store.subscribe, store.get);
}

/** A string kept in local storage; falls back to memory when storage is denied. */
export function createPreference<T extends string>(key: string, allowed: readonly T[] | null, fallback: T): Store<T> {
  const name = `bellrock.${key}`;
  let stored: string | null = null;
  try {
    stored = localStorage.getItem(name);
  } catch {
    // Storage is denied: the preference lives as long as the page.
  }
  const valid = stored !== null && (allowed === null || (allowed as readonly string[]).includes(stored));
  const store = createStore<T>(valid ? (stored as T) : fallback);
  return {
    ...store,
    set(next) {
      try {
        localStorage.setItem(name, next);
      } catch {
        // As above.
      }
      store.set(next);
    },
  };
}
