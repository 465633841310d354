// Values of a series as base64 of little-endian floats, as crates/api/src/workspace/batch/packed.rs writes them, and the
// times that belong to values which the server has cut.

/** Values of one column of a cut series: first, the two extremes in their order, last. */
const PER_COLUMN = 4;

export interface Grid {
  startMilli: number;
  stepMilli: number;
  steps: number;
  /** Null when every step has a value. */
  columns: number | null;
}

/** The times of the values, in unix milliseconds: ends of columns are exact, the times between lie within a pixel. */
export function gridTimes({ startMilli, stepMilli, steps, columns }: Grid): number[] {
  if (columns === null) return Array.from({ length: steps }, (_, at) => startMilli + at * stepMilli);
  const out = new Array<number>(columns * PER_COLUMN);
  for (let column = 0; column < columns; column++) {
    const from = Math.floor((column * steps) / columns);
    const to = Math.floor(((column + 1) * steps) / columns) - 1;
    for (let slot = 0; slot < PER_COLUMN; slot++) {
      const step = from + ((to - from) * slot) / (PER_COLUMN - 1);
      out[column * PER_COLUMN + slot] = startMilli + step * stepMilli;
    }
  }
  return out;
}

/** With a base: 4 bytes a value, as distances from it; else 8 bytes. NaN is no value. */
export function unpackValues(data: string, base: number | null): (number | null)[] {
  const bytes = fromBase64(data);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const width = base === null ? 8 : 4;
  const out = new Array<number | null>(Math.floor(bytes.byteLength / width));
  for (let at = 0; at < out.length; at++) {
    const value = base === null ? view.getFloat64(at * 8, true) : view.getFloat32(at * 4, true) + base;
    out[at] = Number.isNaN(value) ? null : value;
  }
  return out;
}

function fromBase64(data: string): Uint8Array {
  const text = atob(data);
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
  return bytes;
}
