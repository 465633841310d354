// The subset of Markdown that text panels have: headings, lists, code, bold, links. It becomes a tree, never HTML.

export type Inline =
  | { kind: "text"; text: string }
  | { kind: "code"; text: string }
  | { kind: "bold"; text: string }
  | { kind: "link"; text: string; href: string };

export type Block =
  | { kind: "heading"; level: number; inlines: Inline[] }
  | { kind: "paragraph"; inlines: Inline[] }
  | { kind: "list"; items: Inline[][] }
  | { kind: "code"; text: string };

export function parseMarkdown(source: string): Block[] {
  const out: Block[] = [];
  const lines = source.replaceAll("\r\n", "\n").split("\n");
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? "";
    if (line.startsWith("```")) {
      const code: string[] = [];
      while (++at < lines.length && !lines[at]?.startsWith("```")) code.push(lines[at] ?? "");
      out.push({ kind: "code", text: code.join("\n") });
      continue;
    }
    const heading = /^(#{1,4})\s+(.*)$/.exec(line);
    const item = /^\s*[-*]\s+(.*)$/.exec(line);
    const last = out.at(-1);
    if (heading) out.push({ kind: "heading", level: heading[1]?.length ?? 1, inlines: parseInline(heading[2] ?? "") });
    else if (item) {
      if (last?.kind === "list") last.items.push(parseInline(item[1] ?? ""));
      else out.push({ kind: "list", items: [parseInline(item[1] ?? "")] });
    } else if (line.trim() !== "") {
      const joins = last?.kind === "paragraph" && (lines[at - 1] ?? "").trim() !== "";
      if (joins) last.inlines.push({ kind: "text", text: " " }, ...parseInline(line));
      else out.push({ kind: "paragraph", inlines: parseInline(line) });
    }
  }
  return out;
}

const INLINE = /`([^`]+)`|\*\*([^*]+)\*\*|\[([^\]]+)\]\(([^)\s]+)\)/g;

export function parseInline(text: string): Inline[] {
  const out: Inline[] = [];
  let end = 0;
  for (const match of text.matchAll(INLINE)) {
    if (match.index > end) out.push({ kind: "text", text: text.slice(end, match.index) });
    const [whole, code, bold, label, href] = match;
    if (code !== undefined) out.push({ kind: "code", text: code });
    else if (bold !== undefined) out.push({ kind: "bold", text: bold });
    // Only addresses a person can follow safely; anything else stays text.
    else if (/^(https?:\/\/|\/(?!\/))/.test(href ?? ""))
      out.push({ kind: "link", text: label ?? "", href: href ?? "" });
    else out.push({ kind: "text", text: whole });
    end = match.index + whole.length;
  }
  if (end < text.length) out.push({ kind: "text", text: text.slice(end) });
  return out;
}
