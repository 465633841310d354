import { expect, test } from "vitest";
import { foldFrames } from "./frames.ts";

test("runs of library frames are folded, single ones and own code are kept", () => {
  const stack = [
    "Error: connection refused",
    "    at query (/app/src/db.ts:12:5)",
    "    at Pool.run (/app/node_modules/pg/lib/pool.js:4:1)",
    "    at next (/app/node_modules/express/router.js:9:2)",
    "    at handler (/app/src/api.ts:40:9)",
    "    at node:internal/process:1:1",
  ].join("\n");
  expect(foldFrames(stack).map((part) => [part.library, part.lines.length])).toEqual([
    [false, 2],
    [true, 2],
    [false, 2],
  ]);
});

test("no line is lost", () => {
  const lines = Array.from({ length: 50 }, (_, i) => (i % 7 < 3 ? `at x (node_modules/${i})` : `at own ${i}`));
  expect(foldFrames(lines.join("\n")).flatMap((part) => part.lines)).toEqual(lines);
});
