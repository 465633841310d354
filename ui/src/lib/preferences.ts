// What a person prefers on this machine: theme, zone, rail. Kept in local storage; view state is in the URL instead.
import { createPreference, type Store } from "./store.ts";

export const THEMES = ["system", "dark", "light", "high-contrast"] as const;
export type Theme = (typeof THEMES)[number];

export const theme: Store<Theme> = createPreference("theme", THEMES, "system");
export const zonePreference: Store<string> = createPreference("zone", null, "browser");
export const rail: Store<"open" | "closed"> = createPreference("rail", ["open", "closed"], "open");
export const refreshEvery: Store<string> = createPreference("refresh", null, "0");

const systemLight = typeof window === "undefined" ? null : window.matchMedia("(prefers-color-scheme: light)");

const systemContrast = typeof window === "undefined" ? null : window.matchMedia("(prefers-contrast: more)");

export function effectiveTheme(choice: Theme): "dark" | "light" | "high-contrast" {
  if (choice !== "system") return choice;
  if (systemContrast?.matches) return "high-contrast";
  return systemLight?.matches ? "light" : "dark";
}

/** Keeps `data-theme` on the root element in step with the preference and the system. */
export function followTheme(): void {
  const apply = () => {
    document.documentElement.dataset.theme = effectiveTheme(theme.get());
    window.dispatchEvent(new Event("bellrock:theme"));
  };
  theme.subscribe(apply);
  systemLight?.addEventListener("change", apply);
  systemContrast?.addEventListener("change", apply);
  apply();
}
