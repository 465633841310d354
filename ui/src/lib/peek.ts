// The stack of panels over a page, as it stands in the URL: `peek=err:4734ba~trace:4bf9..`, the last one on top.
import { useCallback, useMemo } from "react";
import { useView } from "./view.ts";

export interface PeekLevel {
  kind: string;
  id: string;
}

export const PEEK_LEVELS_MAX = 3;

export function parsePeek(text: string | undefined): PeekLevel[] {
  return (text ?? "")
    .split("~")
    .flatMap((part) => {
      const colon = part.indexOf(":");
      if (colon < 1) return [];
      return [{ kind: part.slice(0, colon), id: unescape_(part.slice(colon + 1)) }];
    })
    .slice(0, PEEK_LEVELS_MAX);
}

export function formatPeek(levels: readonly PeekLevel[]): string | undefined {
  const kept = levels.slice(-PEEK_LEVELS_MAX);
  return kept.length > 0 ? kept.map(({ kind, id }) => `${kind}:${escape_(id)}`).join("~") : undefined;
}

/** Only the separator and the escape itself are written in code, so ids stay readable. */
function escape_(id: string): string {
  return id.replaceAll("%", "%25").replaceAll("~", "%7E");
}

function unescape_(text: string): string {
  return text.replaceAll("%7E", "~").replaceAll("%25", "%");
}

export interface PeekActions {
  levels: PeekLevel[];
  /** Shows one panel over the page, in place of any others; the list behind keeps its place. */
  open: (level: PeekLevel) => void;
  /** Puts a panel on top of those that are open. */
  push: (level: PeekLevel) => void;
  pop: () => void;
  close: () => void;
}

export function usePeek(): PeekActions {
  const { search, patch } = useView();
  const levels = useMemo(() => parsePeek(search.peek), [search.peek]);
  const set = useCallback((next: readonly PeekLevel[]) => patch({ peek: formatPeek(next) }), [patch]);
  return useMemo(
    () => ({
      levels,
      open: (level) => set([level]),
      push: (level) => set([...levels, level]),
      pop: () => set(levels.slice(0, -1)),
      close: () => set([]),
    }),
    [levels, set],
  );
}
