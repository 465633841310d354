import { expect, test } from "vitest";
import { type Bundle, BundleError, changesOf, readBundle } from "./bundle.ts";

const EMPTY: Bundle = { bellrock_export: 1, dashboards: [], views: [], rules: "", slos: "", alertmanager: "" };
const board = (uid: string, document: string) => ({ uid, folder: "", title: uid, document });

test("a bundle is read back as it was written, and keys that are not known are left out", () => {
  const bundle: Bundle = {
    ...EMPTY,
    dashboards: [board("a", "{}")],
    views: [{ name: "v", url: "/logs" }],
    rules: "groups:",
  };
  expect(readBundle(JSON.stringify({ ...bundle, more: 1 }))).toEqual(bundle);
});

test.each(["[]", "{", '{"dashboard":{}}'])("%s is refused with a reason", (text) => {
  expect(() => readBundle(text)).toThrow(BundleError);
});

test("what is new, changed and the same is said before anything is taken", () => {
  const next: Bundle = {
    ...EMPTY,
    dashboards: [board("a", "1"), board("b", "2"), board("c", "3")],
    views: [{ name: "v", url: "/logs" }],
    rules: "groups:\n  - name: x",
    slos: "slos: {}",
  };
  const now: Bundle = {
    ...EMPTY,
    dashboards: [board("a", "1"), board("b", "old")],
    views: [{ name: "v", url: "/logs" }],
  };
  expect(changesOf(next, now, new Map()).map(({ what, kind }) => [what, kind])).toEqual([
    ["dashboard a", "same"],
    ["dashboard b", "changed"],
    ["dashboard c", "new"],
    ["saved view v", "same"],
    ["rules", "new"],
  ]);
});
