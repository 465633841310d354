// Stable colours for services and series, and severity levels. Colours are CSS variables, so themes switch for free.

export const SERIES_COLOURS = 10;

export function seriesColour(index: number): string {
  return `var(--series-${((index % SERIES_COLOURS) + SERIES_COLOURS) % SERIES_COLOURS})`;
}

function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return value >>> 0;
}

const STORAGE_KEY = "bellrock.serviceColours";
/** Services beyond this many are coloured, and forgotten when the page is closed. */
const REMEMBERED_MAX = 200;

/** Which colour each service has, kept over reloads, and how many services have each colour. */
const assigned = new Map<string, number>(remembered());
const uses: number[] = new Array(SERIES_COLOURS).fill(0);
for (const index of assigned.values()) uses[index] = (uses[index] ?? 0) + 1;

function remembered(): [string, number][] {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(STORAGE_KEY) ?? "[]");
    if (!Array.isArray(stored)) return [];
    return stored.filter(
      (entry): entry is [string, number] =>
        Array.isArray(entry) &&
        typeof entry[0] === "string" &&
        Number.isInteger(entry[1]) &&
        entry[1] >= 0 &&
        entry[1] < SERIES_COLOURS,
    );
  } catch {
    // No storage, or not ours: colours last as long as the page.
    return [];
  }
}

function remember(): void {
  try {
    localStorage.setItem(STORAGE_KEY, JSON.stringify([...assigned].slice(0, REMEMBERED_MAX)));
  } catch {
    // As above.
  }
}

/**
 * The colour of a service, the same on every page and after a reload. The hash of the name proposes one; when it is taken, the next of
 * the least used ones is given, so ten services have ten colours.
 */
export function serviceColour(service: string): string {
  let index = assigned.get(service);
  if (index === undefined) {
    const first = hash(service) % SERIES_COLOURS;
    const least = Math.min(...uses);
    index = first;
    while ((uses[index] ?? 0) > least) index = (index + 1) % SERIES_COLOURS;
    uses[index] = (uses[index] ?? 0) + 1;
    assigned.set(service, index);
    remember();
  }
  return seriesColour(index);
}

/** Gives colours to all known services in a fixed order, so they do not depend on which page was opened first. */
export function assignServiceColours(services: readonly string[]): void {
  for (const service of [...new Set(services)].sort()) serviceColour(service);
}

export const LEVELS = ["FATAL", "ERROR", "WARN", "INFO", "DEBUG", "TRACE", "UNSPECIFIED"] as const;

export function levelColour(level: string): string {
  return `var(--level-${level.toLowerCase()})`;
}

/** What the variables of the theme are now: asking the browser makes it compute the style of the page. */
const resolved = new Map<string, string>();
if (typeof window !== "undefined") window.addEventListener("bellrock:theme", () => resolved.clear());

/** The value of a CSS variable such as `--text` on the root element. */
export function variable(name: string): string {
  let value = resolved.get(name);
  if (value === undefined) {
    value = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    resolved.set(name, value);
  }
  return value;
}

/** A CSS variable as a concrete colour, for canvases. */
export function resolveColour(colour: string): string {
  const name = /^var\((--[\w-]+)\)$/.exec(colour)?.[1];
  return name ? variable(name) : colour;
}
