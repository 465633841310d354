import { expect, test } from "vitest";
import { readStack, stretches } from "./stack.ts";

test.each([
  [
    "Node",
    "Error: x\n    at handler (/app/src/a.ts:3:9)\n    at next (/app/node_modules/express/lib/r.js:1:2)",
    [true, true, false],
  ],
  [
    "Python",
    'Traceback:\n  File "/app/a.py", line 3, in f\n  File "/usr/lib/python3/site-packages/x.py", line 1, in g',
    [true, true, false],
  ],
  [
    "Java",
    "java.lang.Error: x\n\tat com.shop.Api.get(Api.java:3)\n\tat java.base/java.lang.Thread.run(Thread.java:1)",
    [true, true, false],
  ],
  ["Java libraries", "x\n\tat org.springframework.web.Filter.doFilter(F.java:1)", [true, false]],
])("%s", (_, stack, own) => {
  expect(readStack(stack).map((frame) => frame.own)).toEqual(own);
});

test("a frame of Go is foreign when its file is", () => {
  const stack =
    "main.handle(...)\n\t/app/main.go:10 +0x1d\nnet/http.HandlerFunc.ServeHTTP(...)\n\t/usr/local/go/src/net/http/server.go:2136 +0x2f";
  expect(readStack(stack).map((frame) => frame.own)).toEqual([true, true, false, false]);
});

test("runs of one kind become one stretch, nothing is lost", () => {
  const frames = readStack(
    "E\n    at a (/app/a.js:1:1)\n    at b (/app/node_modules/b.js:1:1)\n    at c (/app/node_modules/c.js:1:1)",
  );
  expect(stretches(frames).map((stretch) => [stretch.own, stretch.frames.length])).toEqual([
    [true, 2],
    [false, 2],
  ]);
});
