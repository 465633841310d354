// The tree of a PromQL expression, as Prometheus' /api/v1/parse_query answers it, and back to text.
import { isObject } from "../../api/decode.ts";

export interface Expression {
  type: string;
  /** The text of this part alone; what can be asked for. */
  text: string;
  /** What it is in a word: `sum`, `/`, `rate`, the name of the metric. */
  title: string;
  children: Expression[];
  /** Of a binary operator between vectors. */
  matching: { on: boolean; labels: string[]; card: string } | null;
  /** A range vector cannot be evaluated at an instant without a function around it. */
  isRange: boolean;
}

type Node = Record<string, unknown>;

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

function node(value: unknown): Node {
  return isObject(value) ? value : {};
}

export function readExpression(value: unknown): Expression {
  const n = node(value);
  const type = String(n.type ?? "");
  const children = childrenOf(n).map(readExpression);
  return {
    type,
    text: write(n),
    title: titleOf(n),
    children,
    matching: type === "binaryExpr" && isObject(n.matching) ? readMatching(n.matching) : null,
    isRange: type === "matrixSelector" || type === "subquery",
  };
}

function readMatching(matching: Node) {
  return { on: matching.on === true, labels: texts(matching.labels), card: String(matching.card ?? "one-to-one") };
}

function childrenOf(n: Node): unknown[] {
  switch (n.type) {
    case "aggregation":
      return n.param ? [n.expr, n.param] : [n.expr];
    case "binaryExpr":
      return [n.lhs, n.rhs];
    case "call":
      return Array.isArray(n.args) ? n.args : [];
    case "parenExpr":
    case "unaryExpr":
    case "subquery":
      return [n.expr];
    default:
      return [];
  }
}

function titleOf(n: Node): string {
  switch (n.type) {
    case "aggregation": {
      const grouping = texts(n.grouping);
      const by =
        grouping.length > 0 || n.without === true
          ? ` ${n.without === true ? "without" : "by"} (${grouping.join(", ")})`
          : "";
      return `${n.op}${by}`;
    }
    case "binaryExpr":
      return String(n.op);
    case "call":
      return `${node(n.func).name}()`;
    case "parenExpr":
      return "( )";
    case "unaryExpr":
      return String(n.op);
    case "subquery":
      return `subquery [${duration(n.range)}:${n.step ? duration(n.step) : ""}]`;
    default:
      return write(n);
  }
}

/** The text of a part of the tree; parentheses are nodes of their own, so none are added. */
export function write(value: unknown): string {
  const n = node(value);
  switch (n.type) {
    case "numberLiteral":
      return String(n.val);
    case "stringLiteral":
      return JSON.stringify(String(n.val ?? ""));
    case "parenExpr":
      return `(${write(n.expr)})`;
    case "unaryExpr":
      return `${n.op}${write(n.expr)}`;
    case "vectorSelector":
      return `${selector(n)}${modifiers(n)}`;
    case "matrixSelector":
      return `${selector(n)}[${duration(n.range)}]${modifiers(n)}`;
    case "subquery":
      return `${write(n.expr)}[${duration(n.range)}:${n.step ? duration(n.step) : ""}]${modifiers(n)}`;
    case "call":
      return `${node(n.func).name}(${(Array.isArray(n.args) ? n.args : []).map(write).join(", ")})`;
    case "aggregation": {
      const inner = [n.param, n.expr].filter(Boolean).map(write).join(", ");
      const grouping = texts(n.grouping);
      const without = n.without === true;
      const by = grouping.length > 0 || without ? ` ${without ? "without" : "by"} (${grouping.join(", ")})` : "";
      return `${n.op}${by} (${inner})`;
    }
    case "binaryExpr":
      return `${write(n.lhs)} ${n.op}${n.bool === true ? " bool" : ""}${matchingText(n.matching)} ${write(n.rhs)}`;
    default:
      return "";
  }
}

function matchingText(value: unknown): string {
  if (!isObject(value)) return "";
  const labels = texts(value.labels);
  const on =
    value.on === true || labels.length > 0 ? ` ${value.on === true ? "on" : "ignoring"} (${labels.join(", ")})` : "";
  const include = `(${texts(value.include).join(", ")})`;
  const group =
    value.card === "many-to-one"
      ? ` group_left ${include}`
      : value.card === "one-to-many"
        ? ` group_right ${include}`
        : "";
  return on + group;
}

function selector(n: Node): string {
  const name = String(n.name ?? "");
  const matchers = (Array.isArray(n.matchers) ? n.matchers : [])
    .map(node)
    .filter(
      (matcher) => !(matcher.name === "__name__" && matcher.type === "=" && matcher.value === name && name !== ""),
    )
    .map((matcher) => `${matcher.name}${matcher.type}${JSON.stringify(String(matcher.value ?? ""))}`);
  return matchers.length > 0 || name === "" ? `${name}{${matchers.join(", ")}}` : name;
}

function modifiers(n: Node): string {
  const at =
    typeof n.timestamp === "number"
      ? ` @ ${(n.timestamp / 1000).toFixed(3)}`
      : n.startOrEnd
        ? ` @ ${n.startOrEnd}()`
        : "";
  const offset = Number(n.offset) || 0;
  return at + (offset === 0 ? "" : ` offset ${offset < 0 ? "-" : ""}${duration(Math.abs(offset))}`);
}

const UNITS: readonly [number, string][] = [
  [86_400_000, "d"],
  [3_600_000, "h"],
  [60_000, "m"],
  [1000, "s"],
  [1, "ms"],
];

/** Milliseconds as PromQL writes them: `1h30m`. */
export function duration(value: unknown): string {
  let rest = Math.round(Number(value) || 0);
  let out = "";
  for (const [size, unit] of UNITS) {
    const count = Math.floor(rest / size);
    if (count > 0) out += `${count}${unit}`;
    rest -= count * size;
  }
  return out || "0s";
}
