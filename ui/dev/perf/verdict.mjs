// What a figure says about its budget, beside the noise of the machine.

/** Gates of a machine that others use, too. */
const SLACK = 2;
/** From here on the machine had other work. */
const BUSY = 1.15;
/**
 * Frames come in turns of the display, of 16.67 ms, and are told in steps of 0.1 ms: one turn reads 16.6 to 16.8 here, of an
 * empty page too. What is at most this much above its budget is that turn, not a frame that was missed, which reads 33.
 */
const FRAME_SLACK_MS = 0.4;

/**
 * `ok`, `one turn` (above its budget by what a turn of the display is told unevenly), `by CPU` (only other work kept it from
 * its budget), `above`, or `OVER`: more than twice its budget.
 */
export function judge(measured, budget, kind, noise) {
  const { wall: value, cpu } = typeof measured === "number" ? { wall: measured } : measured;
  const facts = { value, kind, ...(cpu === undefined ? {} : { cpu }) };
  if (value <= budget) return { ...facts, state: "ok" };
  if (kind === "frame" && value <= budget + FRAME_SLACK_MS) return { ...facts, state: "one turn" };
  const busy = noise.waiting > BUSY || (kind === "frame" && noise.frame > budget + FRAME_SLACK_MS);
  if (cpu !== undefined && cpu <= budget && busy) return { ...facts, state: "by CPU" };
  return { ...facts, state: value <= budget * SLACK ? "above" : "OVER" };
}
