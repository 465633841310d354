// Asking again, as the reader orders it: relative ranges move to now, and what has the same key as before is asked anew.
import { type Query, useQueryClient } from "@tanstack/react-query";
import { useCallback } from "react";
import { refreshNow } from "./view.ts";

export function useRefresh(): () => void {
  const client = useQueryClient();
  return useCallback(() => {
    const pressedMilli = Date.now();
    refreshNow();
    // By then those whose range moved are under way.
    setTimeout(() => {
      void client.invalidateQueries({ type: "active", predicate: (query) => isOlder(query, pressedMilli) });
    });
  }, [client]);
}

function isOlder({ state, observers }: Query, pressedMilli: number): boolean {
  if (state.fetchStatus !== "idle" || state.dataUpdatedAt >= pressedMilli) return false;
  // What can never change, and lists that were scrolled far, which would be read from their beginning.
  if (observers.some(({ options }) => options.staleTime === Number.POSITIVE_INFINITY)) return false;
  return pagesOf(state.data) <= 1;
}

function pagesOf(data: unknown): number {
  const pages = typeof data === "object" && data !== null && "pages" in data ? data.pages : [];
  return Array.isArray(pages) ? pages.length : 0;
}
