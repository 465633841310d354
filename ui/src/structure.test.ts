import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const src = fileURLToPath(new URL(".", import.meta.url));
const files = readdirSync(src, { recursive: true, encoding: "utf8" }).filter((name) => /\.tsx?$/.test(name));

/** What a folder may import besides itself. The lower floors know nothing of the upper ones. */
const ALLOWED: Record<string, readonly string[]> = {
  lib: ["api"],
  api: ["lib"],
  charts: ["lib", "api"],
  components: ["lib", "api", "charts"],
  features: ["lib", "api", "charts", "components"],
  routes: ["lib", "api", "features", "app"],
  app: ["lib", "api", "charts", "components", "features", "routes", "styles"],
};

function imports(file: string): string[] {
  const code = readFileSync(join(src, file), "utf8");
  return [...code.matchAll(/(?:from|import)\s*\(?"(\.[^"]+)"/g)].map((match) =>
    normalize(join(dirname(file), match[1] ?? "")),
  );
}

/** `features/logs` counts as a folder of its own: features never import each other. */
function area(path: string): string {
  const [top = "", second = ""] = path.split("/");
  return top === "features" ? `features/${second}` : top;
}

test.each(files.filter((file) => file.includes("/")))("%s imports only what its folder may", (file) => {
  const own = area(file);
  const allowed = ALLOWED[own.split("/")[0] ?? ""] ?? [];
  for (const target of imports(file)) {
    const wanted = area(target);
    const fine =
      wanted === own || allowed.includes(wanted) || (["routes", "app"].includes(own) && wanted.startsWith("features/"));
    expect(fine, `${file} imports ${target}`).toBe(true);
  }
});

test.each(files.filter((file) => !file.endsWith(".test.ts")))("%s says what it is in its first line", (file) => {
  expect(readFileSync(join(src, file), "utf8")).toMatch(/^\/\/ \S/);
});
