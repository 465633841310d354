import { expect, test } from "vitest";
import { detectKind } from "./detect.ts";
import { noticeCollector, noticeLocalhost } from "./notices.ts";
import { rulesOf } from "./rule-lines.ts";

const RULES = `groups:
  - name: a
    rules:
      # first
      - alert: HighErrorRate
        expr: |
          (
            sum(rate(a{b="c"}[5m])) by (service)
          ) > 0.05
        for: 2m
        labels:
          severity: critical
          service: "{{ $labels.service }}"
        annotations:
          summary: "High: {{ $labels.service }}"
      - alert: Memory
        expr: m > 1073741824  # 1GB
        labels: {severity: warning}
      - record: x:y
        expr: 'sum(y)'
`;

test("rules with their lines", () => {
  const rules = rulesOf(RULES);
  expect(rules.map((rule) => [rule.draft.kind, rule.draft.name, rule.line, rule.lines.get("expr")])).toEqual([
    ["alert", "HighErrorRate", 5, 6],
    ["alert", "Memory", 16, 17],
    ["record", "x:y", 19, 20],
  ]);
  expect(rules[0]?.draft.expr).toBe('(\nsum(rate(a{b="c"}[5m])) by (service)\n) > 0.05');
  expect(rules[0]?.draft.for).toBe("2m");
  expect(rules[0]?.draft.annotations).toEqual([["summary", "High: {{ $labels.service }}"]]);
  expect(rules[0]?.lines.get("summary")).toBe(15);
  expect(rules[1]?.draft.expr).toBe("m > 1073741824");
  expect(rules[2]?.draft.expr).toBe("sum(y)");
});

test("files are known by their text", () => {
  expect(detectKind(RULES)).toBe("rules");
  expect(detectKind("route:\n  receiver: a\nreceivers:\n  - name: a\n")).toBe("alertmanager");
  expect(detectKind("error_budgets:\n  a:\n    slo: 1\n")).toBe("slos");
  expect(detectKind('{"dashboard": {"panels": []}}')).toBe("dashboard");
  expect(detectKind("receivers:\n  otlp:\nexporters:\n  x:\nservice:\n  pipelines:\n    a: b\n")).toBe("collector");
  expect(detectKind("hello: world\n")).toBeNull();
});

test("what a collector's file means that the server takes as it is", () => {
  const found = noticeCollector(`receivers:
  prometheus:
    config:
      scrape_configs:
        - static_configs:
            - targets: ['0.0.0.0:8888', "query-service:8080"]
service:
  pipelines:
    traces:
      processors: [memory_limiter, batch, resource]
    logs:
      processors: [memory_limiter, batch]
`);
  expect(found.map(({ line, path }) => [line, path])).toEqual([
    [6, "targets"],
    [10, "processors"],
  ]);
});

test("addresses of the machine itself", () => {
  expect(noticeLocalhost("a:\n  - url: 'http://localhost:5001/'\n# url: localhost\n").map((each) => each.line)).toEqual(
    [2],
  );
});
