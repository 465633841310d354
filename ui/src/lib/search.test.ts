import { expect, test } from "vitest";
import { parseSearch, stringifySearch } from "./search.ts";

test("readable, sorted, without defaults", () => {
  const text = stringifySearch({ to: "now", q: 'service:api level>=error "a b"', from: "now-1h", cols: undefined });
  expect(text).toBe("?from=now-1h&q=service:api+level%3E=error+%22a+b%22&to=now");
});

test.each(["a+b", "100%", "x&y=z", "#tag", "service:a/b,c", "\u00b5s \u2192", "(a OR b)"])("%s survives", (value) => {
  expect(parseSearch(stringifySearch({ q: value }))).toEqual({ q: value });
});

test("numbers stay strings", () => {
  expect(parseSearch("?q=5&from=1787320800000")).toEqual({ q: "5", from: "1787320800000" });
});
