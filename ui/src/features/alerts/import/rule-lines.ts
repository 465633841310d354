// Where the rules of a file stand, line by line: enough of YAML to find expressions and the texts of labels and annotations.
// The server reads the file; this only says on which line something is that the browser noticed.
import { NEW_RULE, type RuleDraft } from "../rule-file.ts";

export interface LinedRule {
  draft: RuleDraft;
  /** From 1; of `alert` or `record`. */
  line: number;
  /** Of `expr`, `for`, and every label and annotation. */
  lines: Map<string, number>;
}

interface Scalar {
  text: string;
  /** The first line behind it. */
  next: number;
}

export function rulesOf(file: string): LinedRule[] {
  const lines = file.split("\n");
  const rules: LinedRule[] = [];
  let section: "labels" | "annotations" | null = null;
  let sectionIndent = 0;
  for (let at = 0; at < lines.length; at++) {
    const found = /^(\s*)(- +)?(?:"([^"]+)"|([\w.]+))\s*:(?:\s+(.*)|\s*)$/.exec(lines[at] ?? "");
    if (!found) continue;
    const indent = (found[1] ?? "").length + (found[2] ?? "").length;
    const key = found[3] ?? found[4] ?? "";
    const value = scalarAt(lines, at, indent, found[5] ?? "");
    if (section && indent <= sectionIndent) section = null;
    const rule = rules.at(-1);
    if (key === "alert" || key === "record") {
      const draft: RuleDraft = { ...NEW_RULE, kind: key, name: value.text, for: "", labels: [], annotations: [] };
      rules.push({ draft, line: at + 1, lines: new Map() });
    } else if (!rule) continue;
    else if (section) {
      rule.draft[section].push([key, value.text]);
      rule.lines.set(key, at + 1);
    } else if (key === "labels" || key === "annotations") {
      section = key;
      sectionIndent = indent;
      continue;
    } else if (key === "expr" || key === "for") {
      rule.draft[key] = value.text;
      rule.lines.set(key, at + 1);
    } else if (key === "source" && (value.text === "logs" || value.text === "traces")) rule.draft.source = value.text;
    at = Math.max(at, value.next - 1);
  }
  return rules;
}

/** A value on its line, in quotes, or as a block below it. */
function scalarAt(lines: readonly string[], at: number, indent: number, rest: string): Scalar {
  const plain = rest.trim();
  if (/^[|>][+-]?\d*\s*(#.*)?$/.test(plain)) {
    const block: string[] = [];
    let next = at + 1;
    for (; next < lines.length; next++) {
      const line = lines[next] ?? "";
      if (line.trim() !== "" && line.search(/\S/) <= indent - 1) break;
      if (line.trim() !== "" && line.search(/\S/) <= indent) break;
      block.push(line.trim());
    }
    return { text: block.join("\n").trim(), next };
  }
  const double = /^"((?:\\.|[^"\\])*)"/.exec(plain);
  if (double) return { text: unquote(double[1] ?? ""), next: at + 1 };
  const single = /^'((?:''|[^'])*)'/.exec(plain);
  if (single) return { text: (single[1] ?? "").replaceAll("''", "'"), next: at + 1 };
  return { text: plain.replace(/\s+#.*$/, ""), next: at + 1 };
}

function unquote(text: string): string {
  try {
    return JSON.parse(`"${text}"`) as string;
  } catch {
    return text;
  }
}
