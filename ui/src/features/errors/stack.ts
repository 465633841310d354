// Stack traces as text, in frames: which of them are the program's own, and which belong to libraries and runtimes.

export interface Frame {
  text: string;
  /** False for frames of libraries and runtimes, which are folded away. */
  own: boolean;
}

/** Marks of frames that nobody on the team wrote, over the languages with OpenTelemetry SDKs. */
const FOREIGN: readonly RegExp[] = [
  /node_modules|node:internal|\(node:|<anonymous>/,
  /site-packages|dist-packages|lib\/python\d|importlib/,
  /\/go\/pkg\/mod\/|\/usr\/local\/go\/src\/|^\s*(runtime|net\/http|database\/sql|encoding\/\w+|reflect|sync)\./,
  /^\s*at (java|javax|jdk|sun|jakarta|kotlin|scala|org\.(apache|springframework|hibernate|postgresql|eclipse)|com\.(sun|zaxxer)|io\.(netty|grpc|undertow))\./,
  /^\s*at (System|Microsoft)\./,
  /\/rustc\/|\.cargo\/registry|^\s*\d+: (std|core|alloc|tokio|hyper)::/,
  /vendor\/bundle|\/gems\//,
];

const FRAME = /^\s*(at |File "|\d+: |goroutine |#\d+ |from )|^\s+\S+:\d+|^\S.*\(.*\)$/;

export function readStack(stack: string): Frame[] {
  const lines = stack
    .split("\n")
    .map((line) => line.trimEnd())
    .filter((line) => line !== "");
  return lines.map((text, index) => ({ text, own: !isForeign(lines, index) }));
}

/** Go writes a frame in two lines; the second one, with the file, decides for both. */
function isForeign(lines: readonly string[], index: number): boolean {
  const line = lines[index] ?? "";
  if (!FRAME.test(line)) return false;
  if (FOREIGN.some((mark) => mark.test(line))) return true;
  const next = lines[index + 1] ?? "";
  return /^\t\S+\.go:\d+/.test(next) && FOREIGN.some((mark) => mark.test(next));
}

export interface Stretch {
  own: boolean;
  frames: Frame[];
}

/** Neighbouring frames of one kind together, so that a run of library frames is one line. */
export function stretches(frames: readonly Frame[]): Stretch[] {
  const out: Stretch[] = [];
  for (const frame of frames) {
    const last = out.at(-1);
    if (last && last.own === frame.own) last.frames.push(frame);
    else out.push({ own: frame.own, frames: [frame] });
  }
  return out;
}
