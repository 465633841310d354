// Pages that were opened last on this machine, for Home and the palette.
import { createStore } from "./store.ts";

export interface Visit {
  url: string;
  title: string;
}

const KEY = "bellrock.visits";
const KEPT = 12;

function stored(): Visit[] {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    if (!Array.isArray(value)) return [];
    return value.filter((entry): entry is Visit => typeof entry?.url === "string" && typeof entry?.title === "string");
  } catch {
    // No storage, or not ours: visits last as long as the page.
    return [];
  }
}

export const visits = createStore<readonly Visit[]>(typeof localStorage === "undefined" ? [] : stored());

/** Puts a page in front; the same title is kept once, with its newest address. */
export function withVisit(old: readonly Visit[], visit: Visit): Visit[] {
  return [visit, ...old.filter((each) => each.title !== visit.title)].slice(0, KEPT);
}

export function noteVisit(visit: Visit): void {
  visits.set(withVisit(visits.get(), visit));
  try {
    localStorage.setItem(KEY, JSON.stringify(visits.get()));
  } catch {
    // As above.
  }
}
