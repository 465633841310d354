import { expect, test } from "vitest";
import { diffLines, hunks } from "./diff.ts";

const apply = (lines: ReturnType<typeof diffLines>, side: "removed" | "added") =>
  lines
    .filter((line) => line.kind !== side)
    .map((line) => line.text)
    .join("\n");

test("both texts can be read from their difference", () => {
  let seed = 3;
  const random = (below: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return seed % below;
  };
  for (let round = 0; round < 200; round++) {
    const text = () => Array.from({ length: random(12) }, () => "abc".charAt(random(3))).join("\n");
    const [before, after] = [text(), text()];
    const lines = diffLines(before, after);
    expect(apply(lines, "added")).toBe(before);
    expect(apply(lines, "removed")).toBe(after);
  }
});

test("equal texts have no hunk; a change has its surroundings", () => {
  const text = Array.from({ length: 20 }, (_, index) => `${index}`).join("\n");
  expect(hunks(diffLines(text, text))).toEqual([]);
  const [hunk, ...rest] = hunks(diffLines(text, text.replace("10", "ten")), 2);
  expect(rest).toEqual([]);
  expect(hunk?.skipped).toBe(8);
  expect(hunk?.lines.map((line) => line.text)).toEqual(["8", "9", "10", "ten", "11", "12"]);
});
