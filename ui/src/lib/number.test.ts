import { expect, test } from "vitest";
import { formatRate } from "./number.ts";

test("a rate is told over as long as it takes to be read", () => {
  expect(formatRate(0)).toBe("0/s");
  expect(formatRate(1234)).toBe("1.23 k/s");
  expect(formatRate(0.25)).toBe("0.25/s");
  expect(formatRate(0.01)).toBe("0.01/s");
  expect(formatRate(0.005)).toBe("0.3/min");
  expect(formatRate(2 / 3600)).toBe("2/h");
  expect(formatRate(0.1 / 3600)).toBe("0.1/h");
  expect(formatRate(1e-9)).toBe("<0.01/h");
});

test("no rate is written with an exponent", () => {
  for (let exponent = -12; exponent < 12; exponent++) expect(formatRate(3.3 * 10 ** exponent)).not.toMatch(/\de/);
});
