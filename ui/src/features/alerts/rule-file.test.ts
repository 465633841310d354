import { expect, test } from "vitest";
import { beyondForm, fileOf, groupText, NEW_RULE, ruleText } from "./rule-file.ts";

test("a rule as one would write it", () => {
  const text = fileOf("my group", "30s", [
    {
      ...NEW_RULE,
      name: "High",
      expr: "sum(\n  a\n) > 5",
      labels: [
        ["severity", "critical"],
        ["note", "yes"],
        ["", "x"],
      ],
      annotations: [["summary", 'is {{ $value }} "high"']],
    },
    { ...NEW_RULE, kind: "record", name: "a:b", expr: "a", labels: [], annotations: [["summary", "no"]] },
  ]);
  expect(text).toBe(`groups:
  - name: "my group"
    interval: 30s
    rules:
      - alert: High
        expr: |-
          sum(
            a
          ) > 5
        for: 5m
        labels:
          severity: critical
          note: "yes"
        annotations:
          summary: "is {{ $value }} \\"high\\""
      - record: "a:b"
        expr: a
`);
});

test("one group of an exported file", () => {
  const file =
    'groups:\n  - name: a\n    rules:\n      - alert: X\n        levels: []\n  - name: "b c"\n    rules:\n      - alert: Y\n';
  expect(groupText(file, "a")).toBe("groups:\n  - name: a\n    rules:\n      - alert: X\n        levels: []\n");
  expect(groupText(file, "b c")).toBe('groups:\n  - name: "b c"\n    rules:\n      - alert: Y\n');
  expect(groupText(file, "c")).toBeNull();
  const two =
    "groups:\n  - name: a\n    rules:\n      - alert: X\n        expr: a\n      - alert: Y\n        expr: b\n";
  expect(ruleText(two, "Y")).toBe("groups:\n  - name: a\n    rules:\n      - alert: Y\n        expr: b\n");
  expect(ruleText(two, "X")).toBe("groups:\n  - name: a\n    rules:\n      - alert: X\n        expr: a\n");
  expect(ruleText(two, "Z")).toBeNull();
  expect(beyondForm(groupText(file, "a") ?? "")).toBe("levels");
  expect(beyondForm(groupText(file, "b c") ?? "")).toBeNull();
});
