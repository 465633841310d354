// The difference of two texts, line by line.

export interface DiffLine {
  kind: "same" | "added" | "removed";
  text: string;
}

/** More lines in the middle than this are shown as removed and added as a whole. */
const LINES_MAX = 3000;

export function diffLines(before: string, after: string): DiffLine[] {
  const a = before.split("\n");
  const b = after.split("\n");
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a.at(-1 - end) === b.at(-1 - end)) end++;
  const same = (text: string): DiffLine => ({ kind: "same", text });
  return [
    ...a.slice(0, start).map(same),
    ...middle(a.slice(start, a.length - end), b.slice(start, b.length - end)),
    ...a.slice(a.length - end).map(same),
  ];
}

function middle(a: readonly string[], b: readonly string[]): DiffLine[] {
  if (a.length > LINES_MAX || b.length > LINES_MAX) {
    return [
      ...a.map((text): DiffLine => ({ kind: "removed", text })),
      ...b.map((text): DiffLine => ({ kind: "added", text })),
    ];
  }
  // Longest common subsequence, from the end, so that the walk below goes forward.
  const width = b.length + 1;
  const lengths = new Uint16Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      lengths[i * width + j] =
        a[i] === b[j]
          ? (lengths[(i + 1) * width + j + 1] ?? 0) + 1
          : Math.max(lengths[(i + 1) * width + j] ?? 0, lengths[i * width + j + 1] ?? 0);
    }
  }
  const out: DiffLine[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      out.push({ kind: "same", text: a[i] ?? "" });
      i++;
      j++;
    } else if (
      i < a.length &&
      (j >= b.length || (lengths[(i + 1) * width + j] ?? 0) >= (lengths[i * width + j + 1] ?? 0))
    ) {
      out.push({ kind: "removed", text: a[i++] ?? "" });
    } else out.push({ kind: "added", text: b[j++] ?? "" });
  }
  return out;
}

export interface Hunk {
  /** Lines left out before this hunk. */
  skipped: number;
  lines: DiffLine[];
}

/** Only what changed, with some lines around it. */
export function hunks(lines: readonly DiffLine[], context = 3): Hunk[] {
  const near = lines.map((_, index) =>
    lines.slice(Math.max(0, index - context), index + context + 1).some((line) => line.kind !== "same"),
  );
  const out: Hunk[] = [];
  let skipped = 0;
  let current: DiffLine[] | null = null;
  lines.forEach((line, index) => {
    if (!near[index]) {
      skipped++;
      current = null;
      return;
    }
    if (current === null) {
      current = [];
      out.push({ skipped, lines: current });
      skipped = 0;
    }
    current.push(line);
  });
  return out;
}
