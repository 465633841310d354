// What the colour of a bar says.
import { serviceColour } from "../../lib/colour.ts";
import type { TraceTree } from "./tree.ts";

export const COLOUR_BY = ["service", "operation", "kind"] as const;
export type ColourBy = (typeof COLOUR_BY)[number];

const SERIES = 10;

function hash(text: string): number {
  let value = 0;
  for (let i = 0; i < text.length; i++) value = (Math.imul(value, 31) + text.charCodeAt(i)) >>> 0;
  return value;
}

/** The name of the CSS variable for each span. */
export function colouring(tree: TraceTree, by: ColourBy): (index: number) => string {
  if (by === "kind") return (index) => `--series-${(tree.kind[index] ?? 0) % SERIES}`;
  if (by === "operation") {
    const names = tree.names.map((name) => `--series-${hash(name) % SERIES}`);
    return (index) => names[tree.name[index] ?? 0] ?? "--muted";
  }
  const services = tree.services.map((service) => /var\((.*)\)/.exec(serviceColour(service))?.[1] ?? "--muted");
  return (index) => services[tree.service[index] ?? 0] ?? "--muted";
}
