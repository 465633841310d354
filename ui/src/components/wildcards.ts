// What stands behind a wildcard of a pattern: its values in the newest records, counted.
import { WILDCARD } from "./pattern.ts";

export interface WildcardValues {
  values: { value: string; count: number }[];
  /** Records whose body has the form of the template. */
  matched: number;
}

/** The regex of a template: words stand as they are, each wildcard is a group. */
export function templateRegex(template: string): RegExp {
  const literal = (part: string) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&").replaceAll(/\s+/g, "\\s+");
  return new RegExp(`^\\s*${template.split(WILDCARD).map(literal).join("(.*?)")}\\s*$`, "s");
}

/** `at`: which wildcard, from 0. The most frequent values first. */
export function valuesOf(template: string, at: number, bodies: readonly string[]): WildcardValues {
  const regex = templateRegex(template);
  const counts = new Map<string, number>();
  let matched = 0;
  for (const body of bodies) {
    const value = regex.exec(body)?.[at + 1];
    if (value === undefined) continue;
    matched++;
    counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  const values = [...counts].map(([value, count]) => ({ value, count }));
  return { values: values.sort((a, b) => b.count - a.count || a.value.localeCompare(b.value)), matched };
}
