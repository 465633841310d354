// Which lines of a stack trace are somebody else's code. Known by the places where package managers put it.

const LIBRARY =
  /node_modules[\\/]|node:internal|\binternal\/|site-packages[\\/]|[\\/]lib[\\/]python\d|\/go\/pkg\/mod\/|\/usr\/local\/go\/src\/|\bat (?:java|javax|jdk|sun|org\.springframework|org\.apache|io\.netty)\.|\.cargo[\\/]registry|\/rustc\/|System\.|Microsoft\./;

export interface FramePart {
  lines: string[];
  library: boolean;
}

/** Runs of at least two library lines are parts of their own; the first line, the exception itself, never is. */
export function foldFrames(stack: string): FramePart[] {
  const lines = stack.split(/\r?\n/).filter((line, at, all) => line !== "" || at < all.length - 1);
  const parts: FramePart[] = [];
  lines.forEach((line, at) => {
    const library = at > 0 && LIBRARY.test(line);
    const last = parts.at(-1);
    if (last && last.library === library) last.lines.push(line);
    else parts.push({ lines: [line], library });
  });
  return parts.reduce<FramePart[]>((out, part) => {
    const shown = part.library && part.lines.length < 2 ? { ...part, library: false } : part;
    const last = out.at(-1);
    if (last && !last.library && !shown.library) last.lines.push(...shown.lines);
    else out.push({ ...shown, lines: [...shown.lines] });
    return out;
  }, []);
}
