import { expect, test } from "vitest";
import { commonLabels, seriesName } from "./labels.ts";

test("shared labels are shown once", () => {
  const all = [
    { __name__: "up", env: "prod", service: "api" },
    { __name__: "up", env: "prod", service: "bot" },
  ];
  const common = commonLabels(all);
  expect(common).toEqual({ __name__: "up", env: "prod" });
  expect(all.map((labels) => seriesName(labels, common))).toEqual(['{service="api"}', '{service="bot"}']);
  expect(seriesName(common)).toBe('up{env="prod"}');
  expect(commonLabels(all.slice(0, 1))).toEqual({});
  expect(seriesName({})).toBe("value");
});
