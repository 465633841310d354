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

/** The colour of a service on every page. */
export function serviceColour(service: string): string {
  return seriesColour(hash(service) % SERIES_COLOURS);
}

/** Colours for the services of one view, moved to a free colour when two would collide. */
export function serviceColours(services: readonly string[]): Map<string, string> {
  const taken = new Set<number>();
  const out = new Map<string, string>();
  for (const service of [...new Set(services)].sort()) {
    let index = hash(service) % SERIES_COLOURS;
    for (let tries = 0; taken.has(index) && tries < SERIES_COLOURS; tries++) index = (index + 1) % SERIES_COLOURS;
    taken.add(index);
    out.set(service, seriesColour(index));
  }
  return out;
}

export const LEVELS = ["FATAL", "ERROR", "WARN", "INFO", "DEBUG", "TRACE", "UNSPECIFIED"] as const;

export function levelColour(level: string): string {
  return `var(--level-${level.toLowerCase()})`;
}

/** A CSS variable as a concrete colour, for canvases. */
export function resolveColour(colour: string, element: Element = document.documentElement): string {
  const name = /^var\((--[\w-]+)\)$/.exec(colour)?.[1];
  return name ? getComputedStyle(element).getPropertyValue(name).trim() : colour;
}
