// Plain values as YAML, for lines that people copy into a file.

export function yamlOf(value: unknown): string {
  return `${linesOf(value).join("\n")}\n`;
}

function linesOf(value: unknown): string[] {
  if (Array.isArray(value)) {
    return value.flatMap((item) => {
      const [first = "", ...rest] = linesOf(item);
      return [`- ${first}`, ...rest.map((line) => `  ${line}`)];
    });
  }
  if (typeof value === "object" && value !== null) {
    return Object.entries(value).flatMap(([name, item]) => {
      const empty = typeof item === "object" && item !== null && Object.keys(item).length === 0;
      if (typeof item !== "object" || item === null || empty)
        return [`${scalar(name)}: ${empty ? JSON.stringify(item) : scalar(item)}`];
      const indent = Array.isArray(item) ? "" : "  ";
      return [`${scalar(name)}:`, ...linesOf(item).map((line) => indent + line)];
    });
  }
  return [scalar(value)];
}

function scalar(value: unknown): string {
  if (typeof value !== "string") return JSON.stringify(value ?? null);
  const plain = /^[A-Za-z_][\w.@/-]*$/.test(value) && !/^(true|false|yes|no|on|off|null|y|n)$/i.test(value);
  return plain ? value : JSON.stringify(value);
}
