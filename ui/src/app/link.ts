// Addresses of what is shown: with the range made absolute or as it is, and short ones when they would be too long.
import { useRouterState } from "@tanstack/react-router";
import { useCallback } from "react";
import { shortLink } from "../api/views.ts";
import { stringifySearch } from "../lib/search.ts";
import { absoluteRange } from "../lib/time/range.ts";
import { useTime, useView } from "../lib/view.ts";

/** Longer addresses are cut by chat tools and wikis. */
export const URL_CHARS_MAX = 1800;

export interface Links {
  /** Without the base path, beginning with a slash. */
  path: (absolute: boolean) => string;
  full: (absolute: boolean) => string;
}

export function useLinks(): Links {
  const { search } = useView();
  const { range } = useTime();
  const pathname = useRouterState({ select: (state) => state.location.pathname });
  const timed = useRouterState({ select: (state) => state.matches.at(-1)?.staticData.timed === true });
  const path = useCallback(
    (absolute: boolean) => {
      const state = absolute && timed ? { ...search, ...absoluteRange(range) } : search;
      return `/${pathname.replace(/^\//, "")}${stringifySearch({ ...state })}`;
    },
    [search, range, pathname, timed],
  );
  const full = useCallback((absolute: boolean) => fullUrl(path(absolute)), [path]);
  return { path, full };
}

export function fullUrl(path: string): string {
  return new URL(path.replace(/^\//, ""), document.baseURI).toString();
}

/** The address to hand on: a short one when the whole is too long and the server keeps short ones. */
export async function shareable(path: string): Promise<string> {
  const url = fullUrl(path);
  if (url.length <= URL_CHARS_MAX) return url;
  return shorten(path).catch(() => url);
}

export async function shorten(path: string): Promise<string> {
  return fullUrl(`/s/${await shortLink(path)}`);
}
