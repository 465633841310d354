import { expect, test } from "vitest";
import { splitPrefix } from "./palette-sources.ts";

test.each([
  ["> theme", ">", "theme"],
  ["@api", "@", "api"],
  ["#  infra", "#", "infra"],
  ["rate(x[5m]) > 3", "", "rate(x[5m]) > 3"],
  ["", "", ""],
])("%s", (text, prefix, rest) => expect(splitPrefix(text)).toEqual({ prefix, rest }));
