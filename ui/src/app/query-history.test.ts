import { expect, test } from "vitest";
import { pageOf } from "./history-pages.ts";

test.each([
  ["/logs", "logs"],
  ["/traces/", "traces"],
  ["metrics", "metrics"],
  ["/traces/4bf9", null],
  ["/", null],
])("%s", (path, page) => expect(pageOf(path)).toBe(page));
