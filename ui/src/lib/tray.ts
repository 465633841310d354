// The evidence tray: what was pinned while looking for a cause, in the order of time, with a note each.
import { createStore } from "./store.ts";

export interface Pin {
  id: string;
  /** What is pinned: the title of the page or the panel. */
  title: string;
  /** With the range fixed; begins with a slash. */
  url: string;
  note: string;
  pinnedUnixMilli: number;
  /** The range, in words. */
  range: string;
}

const KEY = "bellrock.tray";
export const PINS_MAX = 100;

function stored(): Pin[] {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    if (!Array.isArray(value)) return [];
    return value.filter((pin): pin is Pin => typeof pin?.id === "string" && typeof pin?.url === "string");
  } catch {
    // No storage, or not ours: pins last as long as the page.
    return [];
  }
}

export const tray = createStore<readonly Pin[]>(typeof localStorage === "undefined" ? [] : stored());
export const trayOpen = createStore(false);

export function setPins(pins: readonly Pin[]): void {
  tray.set(pins.slice(-PINS_MAX));
  try {
    localStorage.setItem(KEY, JSON.stringify(tray.get()));
  } catch {
    // As above.
  }
}

/** The same address is pinned once; pinning it again keeps its note. */
export function withPin(pins: readonly Pin[], pin: Pin): Pin[] {
  const before = pins.find((each) => each.url === pin.url);
  return [...pins.filter((each) => each.url !== pin.url), before ? { ...pin, note: before.note } : pin];
}

/** For a ticket or a chat: a list with links, times and notes. */
export function trayMarkdown(
  title: string,
  pins: readonly Pin[],
  full: (path: string) => string,
  clock: (milli: number) => string,
): string {
  const lines = pins.map((pin) => {
    const note = pin.note.trim() === "" ? "" : `\n  ${pin.note.trim()}`;
    return `- ${clock(pin.pinnedUnixMilli)} [${escape_(pin.title)}](${full(pin.url)}) (${pin.range})${note}`;
  });
  return [`## ${title}`, "", ...lines, ""].join("\n");
}

function escape_(text: string): string {
  return text.replace(/[[\]\\]/g, "\\$&");
}
