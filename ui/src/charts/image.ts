// A chart as a picture: what its canvas shows, with its title above and its lines named below.
import { resolveColour, variable } from "../lib/colour.ts";

export interface ImageLine {
  label: string;
  colour: string;
}

const MARGIN = 12;
const TITLE_PX = 28;
const LINE_PX = 18;
const LINES_MAX = 40;
const FONT = "Inter, system-ui, sans-serif";

/** Null when there is no canvas below `root`. */
export function chartImage(root: Element, title: string, lines: readonly ImageLine[]): HTMLCanvasElement | null {
  const chart = root.querySelector("canvas");
  if (!chart || chart.width === 0) return null;
  const ratio = chart.width / Math.max(1, chart.clientWidth);
  const named = lines.slice(0, LINES_MAX);
  const width = chart.clientWidth + 2 * MARGIN;
  const below = TITLE_PX + chart.clientHeight;
  const rows = named.length + (lines.length > named.length ? 1 : 0);
  const out = document.createElement("canvas");
  out.width = Math.round(width * ratio);
  out.height = Math.round((below + rows * LINE_PX + 2 * MARGIN) * ratio);
  const context = out.getContext("2d");
  if (!context) return null;
  context.scale(ratio, ratio);
  context.fillStyle = variable("--panel");
  context.fillRect(0, 0, width, out.height / ratio);
  context.textBaseline = "middle";
  context.fillStyle = variable("--text");
  context.font = `600 14px ${FONT}`;
  context.fillText(title, MARGIN, MARGIN + TITLE_PX / 2 - 4, width - 2 * MARGIN);
  context.drawImage(chart, MARGIN, MARGIN + TITLE_PX - 4, chart.clientWidth, chart.clientHeight);
  context.font = `12px ${FONT}`;
  named.forEach((line, at) => {
    const y = MARGIN + below + at * LINE_PX + LINE_PX / 2;
    context.fillStyle = resolveColour(line.colour);
    context.fillRect(MARGIN, y - 2, 12, 3);
    context.fillStyle = variable("--muted");
    context.fillText(line.label, MARGIN + 20, y, width - 2 * MARGIN - 20);
  });
  if (rows > named.length) {
    context.fillText(
      `and ${lines.length - named.length} more`,
      MARGIN + 20,
      MARGIN + below + named.length * LINE_PX + LINE_PX / 2,
    );
  }
  return out;
}

/** Saves the picture under the name of the chart; false when there is none. */
export function downloadImage(root: Element | null, title: string, lines: readonly ImageLine[]): boolean {
  const canvas = root ? chartImage(root, title, lines) : null;
  if (!canvas) return false;
  canvas.toBlob((blob) => {
    if (!blob) return;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = `${title.replace(/[^\p{L}\p{N}._-]+/gu, "-").slice(0, 80) || "chart"}.png`;
    link.click();
    // The download reads the blob after the click.
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }, "image/png");
  return true;
}
