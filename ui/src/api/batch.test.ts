import { afterEach, expect, test, vi } from "vitest";
import { type BatchAnswer, readAnswer, runBatch } from "./batch.ts";
import { ApiError } from "./client.ts";

afterEach(() => vi.unstubAllGlobals());

/** A server that answers with these pieces of text, cut anywhere. */
function server(pieces: readonly string[], status = 200) {
  vi.stubGlobal("document", { baseURI: "http://bellrock.test/" });
  vi.stubGlobal("fetch", async () => {
    const body = new ReadableStream({
      start(controller) {
        for (const piece of pieces) controller.enqueue(new TextEncoder().encode(piece));
        controller.close();
      },
    });
    return new Response(body, { status });
  });
}

async function run(ids: readonly string[]) {
  const out: [string, BatchAnswer | ApiError][] = [];
  const query = { kind: "instant", query: "up", time_unix_milli: 0, max_series: 1 } as const;
  await runBatch(
    new Map(ids.map((id) => [id, query])),
    (id, result) => out.push([id, result]),
    new AbortController().signal,
  );
  return out;
}

test("lines are read however the network cuts them, in the order of completion", async () => {
  const line = JSON.stringify({ id: "b", ok: true, type: "vector", series: [], total_series: 0 });
  const bad = JSON.stringify({
    id: "a",
    ok: false,
    error: { kind: "bad_data", message: "no", position: { offset: 3, length: 2 } },
  });
  server([line.slice(0, 10), `${line.slice(10)}\n${bad}\n{"done"`, ':true,"elapsed_ms":1}']);
  const [first, second] = await run(["a", "b"]);
  expect(first?.[0]).toBe("b");
  expect(second?.[1]).toBeInstanceOf(ApiError);
  expect(second?.[1]).toMatchObject({ facts: { position: { offset: 3, length: 2 } } });
});

test("a query without an answer is an error, and so is a refusal of the whole", async () => {
  server(['{"done":true}']);
  expect((await run(["a"]))[0]?.[1]).toMatchObject({ kind: "unexpected" });
  server(['{"error":{"kind":"too_large","message":"at most 200"}}'], 413);
  expect((await run(["a", "b"])).map(([, result]) => (result as ApiError).kind)).toEqual(["too_large", "too_large"]);
});

test("values stand at their steps, and a series that ends early has gaps", () => {
  const answer = readAnswer({
    type: "matrix",
    start_unix_milli: 5000,
    step_milli: 1000,
    steps: 4,
    columns: null,
    total_series: 9,
    series: [{ labels: { a: "1" }, start_unix_milli: 5000, values: [1, null, "+Inf"] }],
  });
  expect(answer.series[0]).toEqual({
    labels: { a: "1" },
    times: [5000, 6000, 7000, 8000],
    values: [1, null, Number.POSITIVE_INFINITY, null],
    all: null,
  });
  expect(answer.totalSeries).toBe(9);
});

test("what the server has cut has four values a column, and its mean is that of all", () => {
  const floats = Float32Array.of(0, 1, 4, 2, 5, 5, 5, 5);
  const data = btoa(String.fromCharCode(...new Uint8Array(floats.buffer)));
  const answer = readAnswer({
    type: "matrix",
    start_unix_milli: 0,
    step_milli: 1000,
    steps: 8,
    columns: 2,
    total_series: 1,
    decimated: { from: 8, to: 8 },
    series: [{ labels: {}, data, base: 10, count: 8, mean: 12.5 }],
  });
  expect(answer.series[0]).toMatchObject({
    times: [0, 1000, 2000, 3000, 4000, 5000, 6000, 7000],
    values: [10, 11, 14, 12, 15, 15, 15, 15],
    all: { count: 8, mean: 12.5 },
  });
});
