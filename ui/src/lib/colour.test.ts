import { expect, test } from "vitest";
import { assignServiceColours, SERIES_COLOURS, serviceColour } from "./colour.ts";

test("ten services have ten colours, and keep them", () => {
  const names = Array.from({ length: SERIES_COLOURS }, (_, index) => `service-${index}`);
  assignServiceColours(names);
  const colours = names.map(serviceColour);
  expect(new Set(colours).size).toBe(SERIES_COLOURS);
  serviceColour("one more");
  expect(names.map(serviceColour)).toEqual(colours);
});
