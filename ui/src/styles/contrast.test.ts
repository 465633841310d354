import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const css = readFileSync(new URL("./tokens.css", import.meta.url), "utf8");

function tokens(theme: string): Map<string, string> {
  const block = css.split(`:root[data-theme="${theme}"] {`)[1]?.split("}")[0] ?? "";
  return new Map(
    [...block.matchAll(/--([\w-]+):\s*(#[0-9a-f]{6});/g)].map((match) => [match[1] ?? "", match[2] ?? ""]),
  );
}

/** Relative luminance, WCAG 2.2. */
function luminance(hex: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const channel = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: string, b: string): number {
  const [light = 0, dark = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
}

const TEXTS = ["text", "muted", "faint", "accent", "error", "warn", "ok"];

for (const theme of ["dark", "light", "high-contrast"]) {
  // WCAG 2.2: AA for the usual themes, AAA where contrast was asked for.
  const readable = theme === "high-contrast" ? 7 : 4.5;
  const found = tokens(theme);
  const get = (name: string) => found.get(name) ?? "#000000";
  test.each(TEXTS)(`${theme}: --%s reads on page, panel and raised`, (name) => {
    for (const ground of ["page", "panel", "raised"])
      expect(contrast(get(name), get(ground))).toBeGreaterThanOrEqual(readable);
  });
  test.each(["error", "warn", "ok", "accent"])(`${theme}: --%s reads on its soft ground`, (name) =>
    expect(contrast(get(name), get(`${name}-soft`))).toBeGreaterThanOrEqual(readable),
  );
  test.each(["hover", "selected"])(`${theme}: muted text reads on --%s`, (ground) =>
    expect(contrast(get("muted"), get(ground))).toBeGreaterThanOrEqual(readable),
  );
  test(`${theme}: controls have visible borders and the primary button reads`, () => {
    expect(contrast(get("control"), get("panel"))).toBeGreaterThanOrEqual(3);
    expect(contrast(get("on-primary"), get("primary"))).toBeGreaterThanOrEqual(readable);
  });
}
