import { expect, test } from "vitest";
import { mergeStatements, normalise, type Statement } from "./statements.ts";

test.each([
  ["GET session:1000", "GET session:?"],
  ["SELECT * FROM t WHERE a = 'it''s' AND b = 3.5", "SELECT * FROM t WHERE a = ? AND b = ?"],
  ["SELECT $1, col2 FROM t1", "SELECT $1, col2 FROM t1"],
  ["DEL lock:6f1c2a3b4c5d6e7f", "DEL lock:?"],
  ["x IN (1, 2, 3)", "x IN (?, ...)"],
  ["GET user:123e4567-e89b-12d3-a456-426614174000", "GET user:?"],
  ["SELECT deadbeefcafe FROM t", "SELECT deadbeefcafe FROM t"],
])("%s", (text, expected) => expect(normalise(text)).toBe(expected));

test("statements of one shape add up; the slowest stays", () => {
  const one = (text: string, count: number, p95Nanos: number): Statement => ({
    text,
    system: "redis",
    namespace: "0",
    operation: "GET",
    count,
    nanos: count * 10,
    p95Nanos,
    variants: 1,
    sample: text,
  });
  const merged = mergeStatements([one("GET a:1", 2, 5), one("GET a:2", 3, 9), one("GET b:1", 1, 1)]);
  expect(merged).toHaveLength(2);
  expect(merged[0]).toMatchObject({
    text: "GET a:?",
    count: 5,
    nanos: 50,
    p95Nanos: 9,
    variants: 2,
    sample: "GET a:1",
  });
});
