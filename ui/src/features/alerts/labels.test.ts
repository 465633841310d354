import { expect, test } from "vitest";
import { parseLabels } from "./labels.ts";

test("labels in every form that people paste", () => {
  const wanted = { alertname: "A", service: "a, b" };
  expect(parseLabels('alertname="A", service="a, b"')).toEqual(wanted);
  expect(parseLabels('ALERTS{alertname="A",service="a, b"}')).toEqual(wanted);
  expect(parseLabels('{"alertname": "A", "service": "a, b"}')).toEqual(wanted);
  expect(parseLabels("alertname: A\nservice: 'a, b'")).toEqual(wanted);
  expect(parseLabels("alertname=A\nservice=b")).toEqual({ alertname: "A", service: "b" });
  expect(parseLabels('"http.route"="/a\\"b"')).toEqual({ "http.route": '/a"b' });
  expect(parseLabels("")).toEqual({});
  expect(parseLabels("what?")).toBeNull();
});
