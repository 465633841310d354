import { expect, test } from "vitest";
import { formatPeek, parsePeek } from "./peek.ts";

test("levels are written one behind the other and read back as they were", () => {
  const levels = [
    { kind: "svc", id: "a~b%7E:c" },
    { kind: "trace", id: "4bf92f3577b34da6a3ce929d0e0e4736" },
  ];
  const text = formatPeek(levels);
  expect(text).toBe("svc:a%7Eb%257E:c~trace:4bf92f3577b34da6a3ce929d0e0e4736");
  expect(parsePeek(text)).toEqual(levels);
});

test("what is no level is passed over, and only three are kept", () => {
  expect(parsePeek("x~:y~log:1")).toEqual([{ kind: "log", id: "1" }]);
  expect(parsePeek(undefined)).toEqual([]);
  expect(formatPeek([])).toBeUndefined();
  const four = ["a", "b", "c", "d"].map((id) => ({ kind: "log", id }));
  expect(formatPeek(four)).toBe("log:b~log:c~log:d");
});
