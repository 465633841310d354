// What a figure says about its budget, beside the noise of the machine.

/** Gates of a machine that others use, too. */
const SLACK = 2;
/** From here on the machine had other work. */
const BUSY = 1.15;
/** Frames come in turns of the display, which are told a little unevenly. */
const FRAME_SLACK_MS = 0.4;

/** `ok`, `by CPU` (only other work kept it from its budget), `above`, or `OVER`: more than twice its budget. */
export function judge(measured, budget, kind, noise) {
  const { wall: value, cpu } = typeof measured === "number" ? { wall: measured } : measured;
  const facts = { value, kind, ...(cpu === undefined ? {} : { cpu }) };
  if (value <= budget + (kind === "frame" ? FRAME_SLACK_MS : 0)) return { ...facts, state: "ok" };
  const busy = noise.waiting > BUSY || (kind === "frame" && noise.frame > budget + FRAME_SLACK_MS);
  if (cpu !== undefined && cpu <= budget && busy) return { ...facts, state: "by CPU" };
  return { ...facts, state: value <= budget * SLACK ? "above" : "OVER" };
}
