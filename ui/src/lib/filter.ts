// Editing the text of a filter query: adding and removing terms. The server parses; this only writes terms that
// it will read back as meant.

const BARE_VALUE = /^[\p{L}\p{N}_./@-][\p{L}\p{N}_./@:-]*$/u;
const BARE_KEY = /^[\p{L}_][\p{L}\p{N}_.-]*$/u;

export function quote(value: string): string {
  return `"${value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`;
}

/** `key:value`, quoted where needed. */
export function term(key: string, value: string, exclude = false): string {
  const safe = BARE_VALUE.test(value) && !value.includes("..") ? value : quote(value);
  return `${exclude ? "-" : ""}${BARE_KEY.test(key) ? key : quote(key)}:${safe}`;
}

/** Adds a term, taking out its opposite and an earlier copy. A query with OR at the top is put in parentheses. */
export function addTerm(query: string, key: string, value: string, exclude = false): string {
  const wanted = term(key, value, exclude);
  const rest = removeTerm(removeTerm(query, wanted), term(key, value, !exclude)).trim();
  if (rest === "") return wanted;
  return `${hasTopLevelOr(rest) ? `(${rest})` : rest} ${wanted}`;
}

/** Removes an exact term that stands alone; quotes and parentheses are respected. */
export function removeTerm(query: string, wanted: string): string {
  return splitTerms(query)
    .filter((part) => part !== wanted)
    .join(" ");
}

export function hasTerm(query: string, wanted: string): boolean {
  return splitTerms(query).includes(wanted);
}

function hasTopLevelOr(query: string): boolean {
  return splitTerms(query).includes("OR");
}

/** Splits at spaces outside quotes, regular expressions and parentheses. */
export function splitTerms(query: string): string[] {
  const parts: string[] = [];
  let current = "";
  let depth = 0;
  let quoted = false;
  for (let i = 0; i < query.length; i++) {
    const char = query.charAt(i);
    if (quoted && char === "\\") {
      current += char + query.charAt(++i);
      continue;
    }
    if (char === '"') quoted = !quoted;
    else if (!quoted && char === "(") depth++;
    else if (!quoted && char === ")") depth--;
    if (char === " " && !quoted && depth <= 0) {
      if (current !== "") parts.push(current);
      current = "";
    } else current += char;
  }
  if (current !== "") parts.push(current);
  return parts;
}

// What may hold a brace that is none: quotes, escapes, regular expressions, and a value after an operator and a space.
const OPAQUE = /"(?:\\.|[^"\\])*"?|\\.|((?:^|[\s({]|~\s*)-*)\/(?:\\.|[^/\\])+\/|[=<>~]\s+/gu;
const SPAN_SET = /(?:^|[\s()])-*(?:root)?\{/;

/** Whether the query asks for several spans of a trace: `root{..} -{..}`. A brace counts only where a condition begins. */
export function hasSpanSets(query: string): boolean {
  return SPAN_SET.test(query.replace(OPAQUE, (_, before: string | undefined) => `${before ?? ""}_`));
}

/** The words and phrases of a query that are searched in the text, for marking them in results. */
export function searchedTexts(query: string): string[] {
  return splitTerms(query)
    .filter((part) => !/^(AND|OR|NOT)$/.test(part) && !part.startsWith("-"))
    .flatMap((part) => {
      if (part.startsWith('"') && part.endsWith('"') && part.length > 2) return [part.slice(1, -1)];
      return /^[\p{L}\p{N}_.-]+$/u.test(part) ? [part] : [];
    });
}
