import { expect, test } from "vitest";
import { type Choices, FUNCTIONS, readPipe, takesField, writePipe } from "./builder.ts";

test("what the form writes, it reads back", () => {
  for (const fn of FUNCTIONS) {
    for (const by of [[], ["service"], ["service", "http.route"], ['odd "one', "a b"]]) {
      for (const overTime of [true, false]) {
        const choices: Choices = {
          fn,
          field: takesField(fn) ? "http.response.body.size" : "",
          by,
          overTime,
          limit: overTime ? 100 : 20,
        };
        expect(readPipe(writePipe(choices))).toEqual(choices);
      }
    }
  }
});

test("what the form cannot say is left to the text", () => {
  expect(readPipe("stats count(), p95(duration) by service")).toBeNull();
  expect(readPipe("stats count() by bucket(1m), level")).toBeNull();
  expect(readPipe("top 10 by user.id")).toBeNull();
  expect(readPipe("stats p95(duration) by service | where count > 3")).toBeNull();
});
