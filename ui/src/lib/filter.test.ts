import { expect, test } from "vitest";
import { addTerm, hasSpanSets, hasTerm, removeTerm, searchedTexts, splitTerms, term } from "./filter.ts";

test("values are quoted only when they must be", () => {
  expect(term("service", "api")).toBe("service:api");
  expect(term("http.route", "/v1/match")).toBe("http.route:/v1/match");
  expect(term("body", 'say "hi"')).toBe('body:"say \\"hi\\""');
  expect(term("range", "10..20")).toBe('range:"10..20"');
  expect(term("level", "debug", true)).toBe("-level:debug");
  expect(term("x", "-1")).toBe("x:-1");
});

test("adding a term replaces its opposite and never repeats", () => {
  expect(addTerm("status:error", "service", "api")).toBe("status:error service:api");
  expect(addTerm("status:error -service:api", "service", "api")).toBe("status:error service:api");
  expect(addTerm("service:api", "service", "api")).toBe("service:api");
  expect(addTerm("a OR b", "service", "api")).toBe("(a OR b) service:api");
});

test("quotes and parentheses hold terms together", () => {
  expect(splitTerms('a "b c" (d OR e) k:"x y"')).toEqual(["a", '"b c"', "(d OR e)", 'k:"x y"']);
  expect(removeTerm('a k:"x y" b', 'k:"x y"')).toBe("a b");
  expect(hasTerm("(service:api OR b)", "service:api")).toBe(false);
});

test("texts to mark", () => {
  expect(searchedTexts('timeout "not found" service:api -noise AND x')).toEqual(["timeout", "not found", "x"]);
});

test.each([
  "{service:api} {status:error}",
  "a -{b}",
  "NOT {b}",
  "root{duration>1s}",
  "(-root{a})",
  '"x" {b}',
  "/x/ {b}",
  "{}",
])("%s asks for several spans", (query) => expect(hasSpanSets(query)).toBe(true));

test.each([
  "service:api",
  "http.route:/users/{id}",
  "path = {id}",
  'name:"{a}"',
  '"\\" {a}"',
  "name~/x {2}/",
  "name ~ /x {2}/",
  "-/a {2}/",
  "a\\ {b}",
  "\\{a}",
  "groot{a}",
])("%s asks for one", (query) => expect(hasSpanSets(query)).toBe(false));
