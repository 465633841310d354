// A canvas that follows the size of its box, the device pixel ratio and the theme.
import { type RefObject, useEffect, useLayoutEffect, useRef } from "react";
import { variable } from "../lib/colour.ts";

export interface Frame {
  context: CanvasRenderingContext2D;
  /** CSS pixels. */
  width: number;
  height: number;
  /** Resolves a CSS variable such as `--text`. */
  colour: (name: string) => string;
}

interface Size {
  width: number;
  height: number;
}

function paint(element: HTMLCanvasElement, { width, height }: Size, draw: (frame: Frame) => void): void {
  const context = element.getContext("2d");
  if (!context || width === 0 || height === 0) return;
  const ratio = window.devicePixelRatio || 1;
  const [wide, high] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (element.width !== wide) element.width = wide;
  if (element.height !== high) element.height = high;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  draw({ context, width, height, colour: variable });
}

/** Calls `draw` when the size, the theme or `draw` itself changes; the canvas is cleared before. */
export function useCanvas(draw: (frame: Frame) => void): RefObject<HTMLCanvasElement | null> {
  const canvas = useRef<HTMLCanvasElement>(null);
  const latest = useRef(draw);
  // Told by the observer, and not asked for: asking in the middle of a change makes the browser lay out the page.
  const size = useRef<Size>({ width: 0, height: 0 });
  // Before the browser paints: the canvas moves together with the rows beside it.
  useLayoutEffect(() => {
    latest.current = draw;
    if (canvas.current) paint(canvas.current, size.current, draw);
  }, [draw]);
  useEffect(() => {
    const element = canvas.current;
    if (!element) return;
    const again = () => paint(element, size.current, latest.current);
    const observer = new ResizeObserver(([entry]) => {
      if (!entry) return;
      const { width, height } = entry.contentRect;
      size.current = { width: Math.round(width), height: Math.round(height) };
      again();
    });
    observer.observe(element);
    window.addEventListener("bellrock:theme", again);
    return () => {
      observer.disconnect();
      window.removeEventListener("bellrock:theme", again);
    };
  }, []);
  return canvas;
}
