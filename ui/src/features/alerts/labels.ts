// Labels as people paste them: `name="value"` with commas or line breaks, `{..}` around it or not, JSON, or YAML.

export function parseLabels(text: string): Record<string, string> | null {
  const trimmed = text.trim();
  if (trimmed === "") return {};
  const json = asJson(trimmed);
  if (json) return json;
  const bare = trimmed.replace(/^[A-Za-z_][\w:]*\s*(?=\{)/, "").replace(/^\{|\}$/g, "");
  const out: Record<string, string> = {};
  let rest = bare.trim();
  while (rest !== "") {
    const found =
      /^(?:"((?:\\.|[^"\\])*)"|([\w.:-]+?))\s*(?:=|:)\s*(?:"((?:\\.|[^"\\])*)"|'([^']*)'|([^,\n]*))\s*[,\n]?\s*/.exec(
        rest,
      );
    if (!found || found[0] === "") return null;
    const [whole, quotedName, name, double, single, plain] = found;
    const value = double === undefined ? (single ?? plain?.trim() ?? "") : unescape_(double);
    out[quotedName === undefined ? (name ?? "") : unescape_(quotedName)] = value;
    rest = rest.slice(whole.length).trim();
  }
  return out;
}

function unescape_(text: string): string {
  try {
    return JSON.parse(`"${text}"`) as string;
  } catch {
    return text;
  }
}

function asJson(text: string): Record<string, string> | null {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
    return Object.fromEntries(Object.entries(value).map(([name, entry]) => [name, String(entry)]));
  } catch {
    return null;
  }
}
