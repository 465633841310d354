// What the browser notices in files, beside what the server says of them: places that point at this machine or at another
// product, and an order that costs time.
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

/** What a collector's file means that the server takes as it is: jobs of another product, and batches that are made again. */
export function noticeCollector(text: string): ShownFinding[] {
  return text.split("\n").flatMap((line, index) => {
    const targets = listed(/targets\s*:\s*\[([^\]]*)\]/.exec(line)?.[1]);
    const elsewhere = targets.filter((each) => /^(query-service|alertmanager|clickhouse|signoz)/.test(each));
    const order = listed(/^\s+processors\s*:\s*\[([^\]]*)\]/.exec(line)?.[1]);
    const batch = order.findIndex((name) => /^batch\b/.test(name));
    const behind = batch < 0 ? [] : order.slice(batch + 1);
    return [
      ...elsewhere.map((each) =>
        at(
          index + 1,
          "warning",
          "targets",
          `${each} is a part of another product, which does not run here`,
          "take the job out",
        ),
      ),
      ...(behind.length === 0
        ? []
        : [
            at(
              index + 1,
              "info",
              "processors",
              `batch stands before ${behind.join(", ")}; batches are made again after it`,
              "put batch last",
            ),
          ]),
    ];
  });
}

/** The names of a list in one line. */
const listed = (list: string | undefined): string[] =>
  list?.split(",").map((each) => each.trim().replace(/['"]/g, "")) ?? [];
