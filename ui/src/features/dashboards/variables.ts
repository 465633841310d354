// The chosen values of variables: from the URL (`var-name=a,b`), from the document, or the first there are.
import type { Search } from "../../lib/search.ts";
import type { Variable } from "./model.ts";

export const ALL = "$__all";

/** Values in the URL, comma-joined; a comma inside of one is written as `%2C` before the URL's own encoding. */
export function readChosen(text: string | undefined): string[] | null {
  if (text === undefined) return null;
  return text
    .split(",")
    .filter((part) => part !== "")
    .map((part) => part.replaceAll("%2C", ",").replaceAll("%25", "%"));
}

export function writeChosen(values: readonly string[]): string | undefined {
  if (values.length === 0) return undefined;
  return values.map((value) => value.replaceAll("%", "%25").replaceAll(",", "%2C")).join(",");
}

export function chosenOf(variable: Variable, search: Search): string[] {
  const fromUrl = readChosen(search[`var-${variable.name}`]);
  if (fromUrl && fromUrl.length > 0) return fromUrl;
  if (variable.kind === "constant" || variable.kind === "textbox")
    return variable.current.length > 0 ? variable.current : [variable.query];
  if (variable.current.length > 0) return variable.current;
  if (variable.includeAll) return [ALL];
  return variable.options.slice(0, 1);
}

/** What stands in queries: "all" is its own pattern or any value. */
export function valuesOf(variable: Variable, chosen: readonly string[]): string[] {
  if (!chosen.includes(ALL)) return chosen.length > 0 ? [...chosen] : [".*"];
  return [variable.allValue ?? ".*"];
}

/** Values that the document's regex keeps; with a group, the group is the value. */
export function applyRegex(values: readonly string[], regex: string): string[] {
  const body = /^\/(.*)\/[a-z]*$/.exec(regex)?.[1] ?? regex;
  if (body === "") return [...values];
  let pattern: RegExp;
  try {
    pattern = new RegExp(body);
  } catch {
    // A regex of another dialect: all values are better than none.
    return [...values];
  }
  return values.flatMap((value) => {
    const match = pattern.exec(value);
    return match ? [match[1] ?? value] : [];
  });
}
