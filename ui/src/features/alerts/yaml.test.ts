import { expect, test } from "vitest";
import { yamlOf } from "./yaml.ts";

test("objects, lists, and texts that need quotes", () => {
  expect(
    yamlOf({ receivers: [{ name: "on call", webhook_configs: [{ url: "http://a/b", max: 3, on: true, e: {} }] }] }),
  ).toBe(
    'receivers:\n- name: "on call"\n  webhook_configs:\n  - url: "http://a/b"\n    max: 3\n    "on": true\n    e: {}\n',
  );
});
