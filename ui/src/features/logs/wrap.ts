// Heights of wrapped rows: the table's font has one width for all characters, so lines are counted, not measured.
import type { LogRow } from "./rows.ts";

const LINE_PX = 18;
const PADDING_PX = 4;

/** The top of each row, and of the row after the last. */
export function rowTops(
  rows: readonly LogRow[],
  columns: number,
  lines = (row: LogRow) => linesOf(row.line, columns),
): Float64Array {
  const tops = new Float64Array(rows.length + 1);
  rows.forEach((row, at) => {
    tops[at + 1] = (tops[at] ?? 0) + lines(row) * LINE_PX + PADDING_PX;
  });
  return tops;
}

/** How many lines of `columns` characters a text takes when it may break anywhere; wide characters count twice. */
export function linesOf(text: string, columns: number): number {
  if (columns < 1) return 1;
  let lines = 0;
  for (const line of text.split("\n")) lines += Math.max(1, Math.ceil(widthOf(line) / columns));
  return lines;
}

const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}]/gu;

function widthOf(line: string): number {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the range is that of plain ASCII
  if (/^[\u0000-\u007f]*$/.test(line)) return line.length;
  return [...line].length + (line.match(WIDE)?.length ?? 0);
}
