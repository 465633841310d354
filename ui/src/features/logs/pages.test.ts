import { expect, test } from "vitest";
import { addBefore, addBehind, firstPage, type LoadedPage, type LogPages } from "./pages.ts";
import type { LogRow } from "./rows.ts";

function page(from: number, to: number): LoadedPage {
  const rows = Array.from({ length: to - from }, (_, i): LogRow => {
    const n = from + i;
    return {
      id: `${n}`,
      nanos: BigInt(n),
      milli: n,
      level: "INFO",
      service: "s",
      line: `${n}`,
      traceId: "",
      spanId: "",
      attributes: [],
      resource: [],
    };
  });
  return { rows, next: `n${to}`, prev: `p${from}` };
}

const ids = (list: LogPages) => list.rows.map((row) => Number(row.id));

test("rows follow each other whatever is added where, and never exceed the limit by more than a page", () => {
  let state = 3;
  const random = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 8) % below;
  };
  let list = firstPage(page(5000, 5010));
  for (let round = 0; round < 400; round++) {
    const size = 1 + random(30);
    const first = ids(list)[0] ?? 0;
    const last = ids(list).at(-1) ?? 0;
    const before = list;
    list =
      random(2) === 0
        ? addBehind(list, page(last + 1, last + 1 + size), 100)
        : addBefore(list, page(first - size, first), 100);
    const now = ids(list);
    expect(now).toEqual(Array.from(now, (_, i) => (now[0] ?? 0) + i));
    expect(now).toEqual(list.pages.flatMap((each) => each.rows.map((row) => Number(row.id))));
    expect(now.length).toBeLessThanOrEqual(130);
    // What stood at row `i` before stands at `i + shift` now, if it is still there.
    const kept = ids(before).findIndex((id) => now.includes(id));
    if (kept >= 0) expect(now[kept + list.shift]).toBe(ids(before)[kept]);
  }
});
