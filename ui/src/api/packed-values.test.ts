import { expect, test } from "vitest";
import { gridTimes, unpackValues } from "./packed-values.ts";

const base64 = (bytes: Uint8Array) => btoa(String.fromCharCode(...bytes));

test("values of eight bytes are exact, NaN is none", () => {
  // The text of the test in packed.rs.
  expect(unpackValues("AAAAAAAA8D8AAAAAAAD4fw==", null)).toEqual([1, null]);
});

test("values of four bytes are distances from the base", () => {
  const floats = Float32Array.of(0, 0.5, Number.NaN, 2e6);
  expect(unpackValues(base64(new Uint8Array(floats.buffer)), 4e12)).toEqual([4e12, 4e12 + 0.5, null, 4e12 + 2e6]);
});

test("each step has its time, or each column four", () => {
  const grid = { startMilli: 5000, stepMilli: 1000, steps: 7, columns: null };
  expect(gridTimes(grid)).toEqual([5000, 6000, 7000, 8000, 9000, 10_000, 11_000]);
  const cut = gridTimes({ ...grid, steps: 8, columns: 2 });
  expect(cut).toEqual([5000, 6000, 7000, 8000, 9000, 10_000, 11_000, 12_000]);
  for (const steps of [100, 1003, 11_001]) {
    const times = gridTimes({ ...grid, steps, columns: 25 });
    expect(times).toHaveLength(100);
    expect(times.every((time, at) => at === 0 || time >= (times[at - 1] ?? 0))).toBe(true);
    expect(times.at(-1)).toBe(5000 + (steps - 1) * 1000);
  }
});
