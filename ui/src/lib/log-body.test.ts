import { expect, test } from "vitest";
import { bodyLine, markMatches } from "./log-body.ts";

test("bodies become one line", () => {
  expect(bodyLine({ stringValue: "plain\ntwo" })).toBe("plain \u21b5 two");
  expect(bodyLine({ stringValue: '{"msg":"match found","n":2}' })).toBe('msg="match found" n=2');
  expect(bodyLine({ stringValue: "{not json}" })).toBe("{not json}");
  expect(bodyLine({ stringValue: "\u001b[31mred\u001b[0m" })).toBe("red");
  expect(bodyLine({ kvlistValue: { values: [{ key: "a", value: { intValue: "1" } }] } })).toBe("a=1");
  expect(bodyLine({})).toBe("");
});

test("matches are marked whatever the case, and are not patterns", () => {
  expect(markMatches("Timeout a.b axb", ["timeout", "a.b"])).toEqual([
    { text: "Timeout", hit: true },
    { text: " ", hit: false },
    { text: "a.b", hit: true },
    { text: " axb", hit: false },
  ]);
});
