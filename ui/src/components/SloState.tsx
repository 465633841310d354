// How an objective burns, as a word with its colour.
import { type BurnState, STATE_TITLES, STATE_WORDS } from "../lib/budget.ts";

export const STATE_TONES: Readonly<Record<BurnState, string>> = {
  none: "",
  ok: "ok",
  recovering: "warn",
  increasing: "warn",
  burning: "warn",
  critical: "error",
};

export function SloState({ state }: { state: BurnState }) {
  return (
    <span className={`badge ${STATE_TONES[state]}`} title={STATE_TITLES[state]}>
      {STATE_WORDS[state]}
    </span>
  );
}
