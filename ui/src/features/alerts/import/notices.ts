// What the browser notices in files, beside what the server says of them: places that point at this machine, settings of a
// collector that do nothing or stop it.
import type { ShownFinding } from "../FindingList.tsx";

function at(line: number, severity: string, path: string, message: string, fix: string): ShownFinding {
  return { severity, line, path, message, fix };
}

/** Addresses of the machine itself, which is another one once the server runs in a container. */
export function noticeLocalhost(text: string): ShownFinding[] {
  return text.split("\n").flatMap((line, index) => {
    const found =
      /(url|smtp_smarthost|smarthost|api_url|webhook_url)\s*:\s*['"]?([^'"\s]*(?:localhost|127\.0\.0\.1)[^'"\s]*)/.exec(
        line,
      );
    if (!found || line.trim().startsWith("#")) return [];
    return [
      at(
        index + 1,
        "info",
        found[1] ?? "",
        `${found[2]} is the machine that the server runs on; in a container that is the container itself`,
        "name the host that listens there",
      ),
    ];
  });
}

interface Block {
  line: number;
  /** Names below it, with their lines. */
  names: Map<string, number>;
  text: string;
}

/** A block at the left edge and what stands directly below it. */
function blockOf(lines: readonly string[], name: string): Block | null {
  const start = lines.findIndex((line) => new RegExp(`^${name}\\s*:`).test(line));
  if (start < 0) return null;
  let end = lines.findIndex((line, index) => index > start && /^\S/.test(line) && !line.startsWith("#"));
  if (end < 0) end = lines.length;
  const names = new Map<string, number>();
  let indent = 0;
  for (let index = start + 1; index < end; index++) {
    const found = /^( +)([\w./-]+)\s*:/.exec(lines[index] ?? "");
    if (!found) continue;
    const depth = (found[1] ?? "").length;
    if (indent === 0) indent = depth;
    if (depth === indent) names.set(found[2] ?? "", index + 1);
  }
  return { line: start + 1, names, text: lines.slice(start, end).join("\n") };
}

const STORES = [
  "clickhouse",
  "clickhousetraces",
  "clickhouselogsexporter",
  "signozclickhousemetrics",
  "jaeger",
  "signoz",
];

/** For servers that do not check the configuration of a collector themselves. */
export function noticeCollector(text: string): ShownFinding[] {
  const lines = text.split("\n");
  const out: ShownFinding[] = [];
  const extensions = blockOf(lines, "extensions");
  lines.forEach((line, index) => {
    const used = /^\s+extensions\s*:\s*\[([^\]]*)\]/.exec(line);
    for (const name of used?.[1]?.split(",").map((each) => each.trim()) ?? []) {
      if (name === "" || extensions?.names.has(name)) continue;
      out.push(
        at(
          index + 1,
          "warning",
          `service.extensions (${name})`,
          `${name} has no block under extensions; a collector refuses the file, here its defaults hold`,
          `add extensions: {${name}: {}}`,
        ),
      );
    }
    const pipeline = /^\s+processors\s*:\s*\[([^\]]*)\]/.exec(line);
    const order = pipeline?.[1]?.split(",").map((each) => each.trim()) ?? [];
    const batch = order.findIndex((name) => /^batch\b/.test(name));
    if (batch >= 0 && batch < order.length - 1) {
      out.push(
        at(
          index + 1,
          "info",
          "processors",
          `batch stands before ${order.slice(batch + 1).join(", ")}; batches are made again after it`,
          "put batch last",
        ),
      );
    }
    const target = /targets\s*:\s*\[([^\]]*)\]/.exec(line);
    for (const each of target?.[1]?.split(",").map((name) => name.trim().replace(/['"]/g, "")) ?? []) {
      if (each.startsWith("0.0.0.0")) {
        out.push(
          at(
            index + 1,
            "warning",
            "targets",
            `${each} is where something listens, not an address to ask`,
            `write ${each.replace("0.0.0.0", "localhost")}`,
          ),
        );
      } else if (/^(query-service|alertmanager|clickhouse|signoz)/.test(each)) {
        out.push(
          at(
            index + 1,
            "warning",
            "targets",
            `${each} is a part of another product, which does not run here`,
            "take the job out",
          ),
        );
      }
    }
    if (/^\s+ttl\s*:/.test(line)) {
      out.push(
        at(
          index + 1,
          "info",
          line.trim(),
          "how long data is kept is a setting of the server here",
          "set storage.retention",
        ),
      );
    }
  });
  const processors = blockOf(lines, "processors");
  const limiter = processors?.names.get("memory_limiter");
  if (limiter !== undefined) {
    const below = lines.slice(limiter).findIndex((line) => /^ {0,2}\S/.test(line));
    const own = lines.slice(limiter, below < 0 ? undefined : limiter + below).join("\n");
    if (!/check_interval\s*:/.test(own)) {
      out.push(
        at(
          limiter,
          "warning",
          "processors.memory_limiter",
          "check_interval is not set; a collector refuses that, here it is 1s",
          "add check_interval: 1s",
        ),
      );
    }
  }
  for (const [name, line] of blockOf(lines, "exporters")?.names ?? []) {
    if (STORES.some((store) => name === store || name.startsWith(`${store}/`))) {
      out.push(
        at(
          line,
          "info",
          `exporters.${name}`,
          "means the store of another product; here it is the built-in one",
          "write bellrock",
        ),
      );
    }
  }
  return out.sort((a, b) => a.line - b.line);
}
