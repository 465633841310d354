// View state: what is shown is decided by the URL. `useView` reads and changes it, `useTime` is its time part.
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback, useMemo } from "react";
import { serverNow } from "../api/client.ts";
import { zonePreference } from "./preferences.ts";
import type { Search } from "./search.ts";
import { createStore, useStore } from "./store.ts";
import { absoluteRange, DEFAULT_RANGE, type Range, type RangeText, resolveRange } from "./time/range.ts";
import { isKnownZone, type Zone } from "./time/zone.ts";

export interface View {
  search: Search;
  /** Push for what the user meant to do, replace for typing and scrolling. */
  patch: (change: Search, options?: { replace?: boolean }) => void;
}

export function useView(): View {
  const search = useSearch({ strict: false }) as Search;
  const navigate = useNavigate();
  const patch = useCallback<View["patch"]>(
    (change, options) => {
      void navigate({
        to: ".",
        search: (old: Search) => ({ ...old, ...change }),
        replace: options?.replace ?? false,
        resetScroll: false,
      });
    },
    [navigate],
  );
  return { search, patch };
}

/** The moment for which relative ranges are resolved; moves on refresh, so Back finds its answers in the cache. */
const asOf = createStore(serverNow());

export function refreshNow(): void {
  asOf.set(serverNow());
}

export interface Time {
  text: RangeText;
  range: Range;
  zone: Zone;
  asOfMilli: number;
  setText: (text: RangeText) => void;
  setRange: (range: Range) => void;
}

const HOUR_MILLI = 3_600_000;

export function useTime(): Time {
  const { search, patch } = useView();
  const preferred = useStore(zonePreference);
  const asOfMilli = useStore(asOf);
  const from = search.from ?? DEFAULT_RANGE.from;
  const to = search.to ?? DEFAULT_RANGE.to;
  const zone = search.tz && isKnownZone(search.tz) ? search.tz : preferred;
  const setText = useCallback(
    (text: RangeText) => {
      refreshNow();
      const isDefault = text.from === DEFAULT_RANGE.from && text.to === DEFAULT_RANGE.to;
      patch(isDefault ? { from: undefined, to: undefined } : { ...text });
    },
    [patch],
  );
  return useMemo(() => {
    const text = { from, to };
    const resolved = resolveRange(text, asOfMilli);
    const range = resolved ?? { fromMilli: asOfMilli - HOUR_MILLI, toMilli: asOfMilli };
    return {
      text: resolved ? text : DEFAULT_RANGE,
      range,
      zone,
      asOfMilli,
      setText,
      setRange: (next: Range) => setText(absoluteRange(next)),
    };
  }, [from, to, asOfMilli, zone, setText]);
}

/** The time part of the URL, for links to other pages. */
export function useTimeSearch(): Search {
  const { search } = useView();
  const { from, to, tz } = search;
  return useMemo(() => ({ from, to, tz }), [from, to, tz]);
}
