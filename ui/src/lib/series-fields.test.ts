import { expect, test } from "vitest";
import { asFields, seriesText } from "./series-fields.ts";

test("labels become the fields that spans have", () => {
  expect(asFields({ service_name: "api", service: "api", route: "/x", le: "5", status_code: "500" })).toEqual([
    ["service", "api"],
    ["http.route", "/x"],
    ["http.response.status_code", "500"],
  ]);
});

test("a series is written as PromQL would", () => {
  expect(seriesText({ __name__: "up", job: "a", path: 'say "x"' })).toBe('up{job="a", path="say \\"x\\""}');
  expect([seriesText({}), seriesText({ __name__: "up" })]).toEqual(["{}", "up"]);
});
