// Reads a large answer of the query API off the main thread and hands its numbers over as buffers.
import { pack } from "./prom-packed.ts";
import { readResult } from "./prom-result.ts";

self.onmessage = ({ data }: MessageEvent<ArrayBuffer>) => {
  try {
    const packed = pack(readResult(JSON.parse(new TextDecoder().decode(data))));
    self.postMessage(packed, { transfer: [packed.numbers.buffer as ArrayBuffer] });
  } catch (error) {
    self.postMessage({ ok: false, message: error instanceof Error ? error.message : String(error) });
  }
};
