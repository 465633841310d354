// A canvas that follows the size of its box, the device pixel ratio and the theme.
import { type RefObject, useEffect, useLayoutEffect, useRef } from "react";

export interface Frame {
  context: CanvasRenderingContext2D;
  /** CSS pixels. */
  width: number;
  height: number;
  /** Resolves a CSS variable such as `--text`. */
  colour: (name: string) => string;
}

function paint(element: HTMLCanvasElement, draw: (frame: Frame) => void): void {
  const context = element.getContext("2d");
  const { clientWidth: width, clientHeight: height } = element;
  if (!context || width === 0 || height === 0) return;
  const ratio = window.devicePixelRatio || 1;
  const [wide, high] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (element.width !== wide) element.width = wide;
  if (element.height !== high) element.height = high;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  const style = getComputedStyle(element);
  const known = new Map<string, string>();
  const colour = (name: string) => {
    let value = known.get(name);
    if (value === undefined) {
      value = style.getPropertyValue(name).trim();
      known.set(name, value);
    }
    return value;
  };
  draw({ context, width, height, colour });
}

/** Calls `draw` when the size, the theme or `draw` itself changes; the canvas is cleared before. */
export function useCanvas(draw: (frame: Frame) => void): RefObject<HTMLCanvasElement | null> {
  const canvas = useRef<HTMLCanvasElement>(null);
  const latest = useRef(draw);
  // Before the browser paints: the canvas moves together with the rows beside it.
  useLayoutEffect(() => {
    latest.current = draw;
    if (canvas.current) paint(canvas.current, draw);
  }, [draw]);
  useEffect(() => {
    const element = canvas.current;
    if (!element) return;
    const again = () => paint(element, latest.current);
    const observer = new ResizeObserver(again);
    observer.observe(element);
    window.addEventListener("bellrock:theme", again);
    return () => {
      observer.disconnect();
      window.removeEventListener("bellrock:theme", again);
    };
  }, []);
  return canvas;
}
