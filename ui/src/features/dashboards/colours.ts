// Colours of a document: Grafana's names and hex codes, as ours. Green, orange and red carry a meaning.

const MEANINGS: Readonly<Record<string, string>> = { green: "ok", red: "error", orange: "warn", yellow: "warn" };
const HUES: Readonly<Record<string, string>> = {
  blue: "var(--series-0)",
  purple: "var(--series-5)",
  white: "var(--text)",
  text: "var(--text)",
  gray: "var(--faint)",
  grey: "var(--faint)",
};
const SHADE = /^(?:super-light|light|semi-dark|dark)-/;
const HEX = /^#[0-9a-f]{3,8}$/i;

/** "ok", "warn", "error", a hex code, or `otherwise`. */
export function meaningOf(name: string, otherwise: string): string {
  const plain = name.replace(SHADE, "");
  return MEANINGS[plain] ?? (HEX.test(plain) ? plain : otherwise);
}

/** What CSS understands; null for a name that is not known. */
export function cssOf(name: string): string | null {
  const plain = name.replace(SHADE, "");
  const meaning = MEANINGS[plain];
  return meaning ? `var(--${meaning})` : (HUES[plain] ?? (HEX.test(plain) ? plain : null));
}
