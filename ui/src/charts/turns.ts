// Work that may wait a frame, such as drawing two dozen charts after one answer: done in turns, so that a key or a wheel
// is heard between them.

/** A turn ends after the piece that is running then; one piece takes a few milliseconds. */
const TURN_MS = 10;

const waiting = new Set<() => void>();
let channel: MessageChannel | null = null;

function takeTurn(): void {
  const until = performance.now() + TURN_MS;
  for (const run of waiting) {
    waiting.delete(run);
    run();
    if (performance.now() >= until) break;
  }
  if (waiting.size > 0) channel?.port2.postMessage(null);
}

/** Runs it in one of the next turns; returns how to call it off. */
export function inTurn(run: () => void): () => void {
  if (!channel) {
    channel = new MessageChannel();
    channel.port1.onmessage = takeTurn;
  }
  if (waiting.size === 0) channel.port2.postMessage(null);
  waiting.add(run);
  return () => waiting.delete(run);
}
