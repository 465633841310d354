// Edits of JSON as text: only the place that changes is written anew, every other byte stays as it was, with its
// spaces, its order and its way of writing numbers.

export type Path = readonly (string | number)[];

interface Node {
  start: number;
  /** Exclusive. */
  end: number;
  /** Of an object: key to the key's own place and the value. */
  members?: Map<string, { keyStart: number; value: Node }>;
  items?: Node[];
}

/** The text must be valid JSON; `JSON.parse` has the better error messages. */
function parse(text: string): Node {
  let at = 0;
  const space = () => {
    while (/\s/.test(text.charAt(at))) at++;
  };
  const string = (): string => {
    const start = at++;
    while (text.charAt(at) !== '"') at += text.charAt(at) === "\\" ? 2 : 1;
    at++;
    return JSON.parse(text.slice(start, at));
  };
  const value = (): Node => {
    space();
    const start = at;
    const first = text.charAt(at);
    if (first === "{") {
      const members = new Map<string, { keyStart: number; value: Node }>();
      at++;
      for (space(); text.charAt(at) !== "}"; space()) {
        const keyStart = at;
        const key = string();
        space();
        at++;
        members.set(key, { keyStart, value: value() });
        space();
        if (text.charAt(at) === ",") at++;
      }
      at++;
      return { start, end: at, members };
    }
    if (first === "[") {
      const items: Node[] = [];
      at++;
      for (space(); text.charAt(at) !== "]"; space()) {
        items.push(value());
        space();
        if (text.charAt(at) === ",") at++;
      }
      at++;
      return { start, end: at, items };
    }
    if (first === '"') string();
    else while (at < text.length && !/[\s,\]}]/.test(text.charAt(at))) at++;
    return { start, end: at };
  };
  return value();
}

function find(root: Node, path: Path): Node | null {
  let node: Node | undefined = root;
  for (const step of path) {
    node = typeof step === "number" ? node?.items?.[step] : node?.members?.get(step)?.value;
    if (!node) return null;
  }
  return node;
}

/** The text of a value, null when there is none. */
export function textAt(text: string, path: Path): string | null {
  const node = find(parse(text), path);
  return node ? text.slice(node.start, node.end) : null;
}

/** The white space at the beginning of the line on which a place stands. */
function indentAt(text: string, at: number): string {
  const line = text.slice(text.lastIndexOf("\n", at - 1) + 1, at);
  return /^\s*/.exec(line)?.[0] ?? "";
}

/** The step of the indentation: two spaces unless the document has another one; none for a document in one line. */
function indentStep(text: string): string {
  return /\n([ \t]+)\S/.exec(text)?.[1] ?? (text.includes("\n") ? "  " : "");
}

function write(text: string, value: unknown, indent: string): string {
  const step = indentStep(text);
  const plain = JSON.stringify(value, null, step === "" ? undefined : step) ?? "null";
  return plain.replaceAll("\n", `\n${indent}`);
}

/** Sets the value at a path. The parent must exist; a new key goes to the end of its object. */
export function setAt(text: string, path: Path, value: unknown): string {
  const root = parse(text);
  const there = find(root, path);
  if (there) {
    return text.slice(0, there.start) + write(text, value, indentAt(text, there.start)) + text.slice(there.end);
  }
  const key = path.at(-1);
  const parent = find(root, path.slice(0, -1));
  if (typeof key !== "string" || !parent?.members)
    throw new Error(`there is no object at ${path.slice(0, -1).join(".")}`);
  const last = [...parent.members.values()].at(-1);
  const step = indentStep(text);
  const outer = indentAt(text, parent.start);
  const inner = last ? indentOfMember(text, last.keyStart, outer + step) : outer + step;
  const name = `${JSON.stringify(key)}:${step === "" ? "" : " "}`;
  const fresh = name + write(text, value, inner);
  const oneLine = !text.slice(parent.start, parent.end).includes("\n");
  if (last) {
    const gap = oneLine ? (step === "" ? "," : ", ") : `,\n${inner}`;
    return text.slice(0, last.value.end) + gap + fresh + text.slice(last.value.end);
  }
  const body = step === "" ? fresh : `\n${inner}${fresh}\n${outer}`;
  return `${text.slice(0, parent.start)}{${body}}${text.slice(parent.end)}`;
}

function indentOfMember(text: string, keyStart: number, fallback: string): string {
  const line = text.slice(text.lastIndexOf("\n", keyStart - 1) + 1, keyStart);
  return /^\s*$/.test(line) ? line : fallback;
}

/** Takes a member or an item away, together with its comma. */
export function removeAt(text: string, path: Path): string {
  const root = parse(text);
  const parent = find(root, path.slice(0, -1));
  const key = path.at(-1);
  const spans =
    typeof key === "number"
      ? (parent?.items ?? []).map((item) => ({ start: item.start, end: item.end }))
      : [...(parent?.members?.values() ?? [])].map((member) => ({ start: member.keyStart, end: member.value.end }));
  const index = typeof key === "number" ? key : [...(parent?.members?.keys() ?? [])].indexOf(String(key));
  const span = spans[index];
  if (!parent || !span) return text;
  const before = spans[index - 1];
  const after = spans[index + 1];
  if (after) return text.slice(0, span.start) + text.slice(after.start);
  if (before) return text.slice(0, before.end) + text.slice(span.end);
  return text.slice(0, parent.start + 1) + text.slice(parent.end - 1);
}

/** Puts an item at the end of a list. */
export function appendTo(text: string, path: Path, value: unknown): string {
  const list = find(parse(text), path);
  if (!list?.items) throw new Error(`there is no list at ${path.join(".")}`);
  const last = list.items.at(-1);
  const step = indentStep(text);
  const outer = indentAt(text, list.start);
  const inner = outer + step;
  const fresh = write(text, value, inner);
  if (last) return `${text.slice(0, last.end)},${step === "" ? "" : `\n${inner}`}${fresh}${text.slice(last.end)}`;
  return `${text.slice(0, list.start)}[${step === "" ? fresh : `\n${inner}${fresh}\n${outer}`}]${text.slice(list.end)}`;
}
