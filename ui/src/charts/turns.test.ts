import { expect, test } from "vitest";
import { inTurn } from "./turns.ts";

const spend = (ms: number) => {
  const until = performance.now() + ms;
  while (performance.now() < until);
};
const settled = () => new Promise((done) => setTimeout(done, 60));

test("work runs in its order, in several turns, and what is called off does not run", async () => {
  const ran: number[] = [];
  const turns = new Set<number>();
  let turn = 0;
  const work = (id: number) => () => {
    spend(8);
    ran.push(id);
    turns.add(turn);
    // Runs when the turn is over.
    void Promise.resolve().then(() => turn++);
  };
  inTurn(work(1));
  inTurn(work(2));
  const off = inTurn(work(3));
  inTurn(work(4));
  inTurn(work(5));
  off();
  expect(ran).toEqual([]);
  while (ran.length < 4) await settled();
  expect(ran).toEqual([1, 2, 4, 5]);
  expect(turns.size).toBeGreaterThan(1);
});
