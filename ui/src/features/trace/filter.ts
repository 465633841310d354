// The filter language inside one trace. What the columns know is answered here (names, times, self time, the critical
// path); terms about anything else, such as attributes, are answered by the source of the trace and handed in.
import { type CriticalPath, isCritical } from "./critical.ts";
import { durationOf, type TraceTree } from "./tree.ts";

export type Filter =
  | { type: "and"; parts: Filter[] }
  | { type: "or"; parts: Filter[] }
  | { type: "not"; part: Filter }
  | { type: "term"; text: string; key: string; operator: string; value: string }
  /** A word or phrase without a field. */
  | { type: "text"; text: string; value: string };

export class FilterProblem extends Error {}

const PIECE =
  /\s*(?:(\()|(\))|(AND|OR|NOT)(?=[\s()]|$)|(-)(?=[^\s])|has\(\s*([^)\s]+)\s*\)|((?:[^\s()":<>=!~]|!(?![=~]))+)\s*(:|!=|!~|=~|>=|<=|=|>|<|~)\s*("(?:\\.|[^"\\])*"|\((?:[^()]*)\)|[^\s()]+)|("(?:\\.|[^"\\])*")|([^\s()]+))/gy;

interface Piece {
  open: boolean;
  close: boolean;
  word: "" | "AND" | "OR" | "NOT";
  leaf: Filter | null;
}

function pieces(text: string): Piece[] {
  const out: Piece[] = [];
  PIECE.lastIndex = 0;
  const source = text.trimEnd();
  while (PIECE.lastIndex < source.length) {
    const start = PIECE.lastIndex;
    const match = PIECE.exec(source);
    if (!match) throw new FilterProblem(`cannot read \`${source.slice(start).trim()}\``);
    const [whole, open, close, word, minus, has, key, operator = "", value = "", quoted, bare] = match;
    const leaf: Filter | null = has
      ? { type: "term", text: `has(${has})`, key: has, operator: "has", value: "" }
      : key
        ? { type: "term", text: whole.trim(), key, operator, value: unquote(value) }
        : quoted || bare
          ? { type: "text", text: whole.trim(), value: unquote(quoted ?? bare ?? "") }
          : null;
    out.push({
      open: open !== undefined,
      close: close !== undefined,
      word: minus ? "NOT" : ((word ?? "") as Piece["word"]),
      leaf,
    });
  }
  return out;
}

function unquote(text: string): string {
  return text.startsWith('"') ? text.slice(1, -1).replace(/\\(["\\])/g, "$1") : text;
}

/** Null for an empty text. NOT binds strongest, then AND (written or not), then OR. */
export function parseFilter(text: string): Filter | null {
  const list = pieces(text);
  if (list.length === 0) return null;
  let at = 0;
  const unary = (): Filter => {
    const piece = list[at++];
    if (!piece) throw new FilterProblem("the filter ends too early");
    if (piece.word === "NOT") return { type: "not", part: unary() };
    if (piece.open) {
      const inner = or();
      if (!list[at++]?.close) throw new FilterProblem("this parenthesis is not closed");
      return inner;
    }
    if (!piece.leaf)
      throw new FilterProblem(piece.close ? "this parenthesis was not opened" : "a condition is missing");
    return piece.leaf;
  };
  const and = (): Filter => {
    const parts = [unary()];
    for (let next = list[at]; next && !next.close && next.word !== "OR"; next = list[at]) {
      if (next.word === "AND") at++;
      parts.push(unary());
    }
    return parts.length === 1 && parts[0] ? parts[0] : { type: "and", parts };
  };
  const or = (): Filter => {
    const parts = [and()];
    while (list[at]?.word === "OR") {
      at++;
      parts.push(and());
    }
    return parts.length === 1 && parts[0] ? parts[0] : { type: "or", parts };
  };
  const filter = or();
  if (at < list.length) throw new FilterProblem("this parenthesis was not opened");
  return filter;
}

const LOCAL = new Set([
  "service",
  "name",
  "operation",
  "kind",
  "status",
  "duration",
  "self",
  "critical",
  "depth",
  "events",
  "orphan",
  "span_id",
]);

/** The terms that only the source can answer; texts are asked there, too, because they also look into attributes. */
export function remoteTerms(filter: Filter | null): string[] {
  if (!filter) return [];
  if (filter.type === "not") return remoteTerms(filter.part);
  if (filter.type === "and" || filter.type === "or") return [...new Set(filter.parts.flatMap(remoteTerms))];
  if (filter.type === "term" && LOCAL.has(filter.key)) return [];
  return [filter.text];
}

export interface FilterContext {
  tree: TraceTree;
  path: CriticalPath;
  /** What the source answered, one flag per span; a term that is missing has no answer yet and matches nothing. */
  remote: ReadonlyMap<string, Uint8Array>;
}

/** One flag per span. */
export function evaluate(filter: Filter, context: FilterContext): Uint8Array {
  const { count } = context.tree;
  switch (filter.type) {
    case "not":
      return evaluate(filter.part, context).map((flag) => 1 - flag);
    case "and":
    case "or": {
      const out = new Uint8Array(count).fill(filter.type === "and" ? 1 : 0);
      for (const part of filter.parts) {
        const flags = evaluate(part, context);
        for (let i = 0; i < count; i++) {
          out[i] = filter.type === "and" ? (out[i] ?? 0) & (flags[i] ?? 0) : (out[i] ?? 0) | (flags[i] ?? 0);
        }
      }
      return out;
    }
    case "text":
      return matchText(filter.value, filter.text, context);
    default:
      return LOCAL.has(filter.key)
        ? matchTerm(filter, context)
        : (context.remote.get(filter.text) ?? new Uint8Array(count));
  }
}

function matchText(value: string, text: string, { tree, remote }: FilterContext): Uint8Array {
  const regex = /^\/(.+)\/$/.exec(text)?.[1];
  const test = regex ? matcher(regex) : contains(value);
  const names = tree.names.map(test);
  const services = tree.services.map(test);
  const badges = tree.badges.map(test);
  const answered = remote.get(text);
  const out = new Uint8Array(tree.count);
  for (let i = 0; i < tree.count; i++) {
    const found =
      names[tree.name[i] ?? 0] ||
      services[tree.service[i] ?? 0] ||
      badges[tree.badge[i] ?? -1] ||
      answered?.[i] === 1 ||
      tree.spanIds[i] === value;
    out[i] = found ? 1 : 0;
  }
  return out;
}

function contains(value: string): (text: string) => boolean {
  const wanted = value.toLowerCase();
  return (text) => text.toLowerCase().includes(wanted);
}

function matcher(source: string): (text: string) => boolean {
  try {
    const regex = new RegExp(source);
    return (text) => regex.test(text);
  } catch {
    throw new FilterProblem(`\`${source}\` is not a regular expression`);
  }
}

type Term = Extract<Filter, { type: "term" }>;

function matchTerm(term: Term, { tree, path }: FilterContext): Uint8Array {
  const flags = (test: (index: number) => boolean): Uint8Array => {
    const out = new Uint8Array(tree.count);
    for (let i = 0; i < tree.count; i++) out[i] = test(i) ? 1 : 0;
    return out;
  };
  const byPlace = (texts: readonly string[], places: ArrayLike<number>) => {
    const test = textTest(term);
    const hits = texts.map(test);
    return flags((i) => hits[places[i] ?? -1] ?? false);
  };
  switch (term.key) {
    case "service":
      return byPlace(tree.services, tree.service);
    case "name":
    case "operation":
      return byPlace(tree.names, tree.name);
    case "kind":
      return byPlace(
        tree.kinds.map((kind) => kind.toLowerCase()),
        tree.kind,
      );
    case "status":
      return byPlace(["unset", "ok", "error"], tree.status);
    case "span_id":
      return flags((i) => textTest(term)(tree.spanIds[i] ?? ""));
    case "critical":
      return flags((i) => isCritical(path, i) === (term.value !== "false"));
    case "orphan":
      return flags((i) => ((tree.parent[i] ?? 0) === -2) === (term.value !== "false"));
    case "duration": {
      const test = numberTest(term, tree.duration);
      return flags((i) => test(durationOf(tree, i)));
    }
    case "self": {
      const test = numberTest(term, tree.duration);
      return flags((i) => test(tree.self[i] ?? 0));
    }
    case "depth": {
      const test = numberTest(term, 0);
      return flags((i) => test((tree.depth[i] ?? 0) + 1));
    }
    default: {
      const test = numberTest(term, 0);
      return flags((i) => test((tree.eventFrom[i + 1] ?? 0) - (tree.eventFrom[i] ?? 0)));
    }
  }
}

/** `:` knows `*` and lists, `=` is exact, `~` a regular expression. */
function textTest({ operator, value, key }: Term): (text: string) => boolean {
  switch (operator) {
    case ":": {
      const options = value.startsWith("(") ? value.slice(1, -1).split(",") : [value];
      const patterns = options.map(
        (option) => new RegExp(`^${option.trim().split("*").map(literally).join(".*")}$`, "s"),
      );
      return (text) => patterns.some((pattern) => pattern.test(text));
    }
    case "=":
      return (text) => text === value;
    case "!=":
      return (text) => text !== value;
    case "~":
    case "=~":
      return matcher(value);
    case "!~": {
      const test = matcher(value);
      return (text) => !test(text);
    }
    case "has":
      return (text) => text !== "";
    default:
      throw new FilterProblem(`\`${key}\` cannot be compared with ${operator}`);
  }
}

function literally(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

const UNITS: Record<string, number> = { ns: 1, us: 1e3, "\u00b5s": 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 };

/** Nanoseconds of `12ms`, `1.5s` or, as a share of the whole trace, `2.5%`; plain numbers where the field has no unit. */
export function parseAmount(text: string, whole: number): number {
  const match = /^(\d+(?:\.\d+)?)\s*(%|ns|us|\u00b5s|ms|s|m|h)?$/.exec(text.trim());
  if (!match)
    throw new FilterProblem(
      `\`${text}\` is not an amount; write a number and a unit, for example \`10ms\` or \`2.5%\``,
    );
  const number = Number(match[1]);
  const unit = match[2];
  if (unit === "%") return (number / 100) * whole;
  if (!unit && whole > 0) throw new FilterProblem(`\`${text}\` has no unit; write \`${text}ms\` or \`${text}%\``);
  return number * (unit ? (UNITS[unit] ?? 1) : 1);
}

function numberTest({ operator, value, key }: Term, whole: number): (amount: number) => boolean {
  const range = /^(.*)\.\.(.*)$/.exec(value);
  if (range && operator === ":") {
    const low = range[1] ? parseAmount(range[1], whole) : Number.NEGATIVE_INFINITY;
    const high = range[2] ? parseAmount(range[2], whole) : Number.POSITIVE_INFINITY;
    return (amount) => amount >= low && amount <= high;
  }
  const wanted = parseAmount(value, whole);
  switch (operator) {
    case ">":
      return (amount) => amount > wanted;
    case ">=":
      return (amount) => amount >= wanted;
    case "<":
      return (amount) => amount < wanted;
    case "<=":
      return (amount) => amount <= wanted;
    case ":":
    case "=":
      return (amount) => amount === wanted;
    case "!=":
      return (amount) => amount !== wanted;
    default:
      throw new FilterProblem(`\`${key}\` is a number; compare it with >, >=, <, <= or =`);
  }
}
