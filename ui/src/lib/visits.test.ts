import { expect, test } from "vitest";
import { withVisit } from "./visits.ts";

test("the newest is in front, once, and only some are kept", () => {
  let list = withVisit([], { url: "/a?x=1", title: "A" });
  list = withVisit(list, { url: "/b", title: "B" });
  list = withVisit(list, { url: "/a?x=2", title: "A" });
  expect(list).toEqual([
    { url: "/a?x=2", title: "A" },
    { url: "/b", title: "B" },
  ]);
  for (let i = 0; i < 30; i++) list = withVisit(list, { url: `/${i}`, title: `${i}` });
  expect(list).toHaveLength(12);
});
