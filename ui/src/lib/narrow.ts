// Whether the screen is that of a phone: pages are read there, what is edited or drawn wide says so instead.
import { useSyncExternalStore } from "react";

/** The style sheets say the same. */
const query = typeof window === "undefined" ? null : window.matchMedia("(width < 768px)");

export function isNarrow(): boolean {
  return query?.matches ?? false;
}

function subscribe(listener: () => void): () => void {
  query?.addEventListener("change", listener);
  return () => query?.removeEventListener("change", listener);
}

export function useNarrow(): boolean {
  return useSyncExternalStore(subscribe, isNarrow);
}
