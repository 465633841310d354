// A canvas that follows the size of its box, the device pixel ratio and the theme.
import { type RefObject, useEffect, useRef } from "react";

export interface Frame {
  context: CanvasRenderingContext2D;
  /** CSS pixels. */
  width: number;
  height: number;
  /** Resolves a CSS variable such as `--text`. */
  colour: (name: string) => string;
}

/** Calls `draw` when the size, the theme or `draw` itself changes; the canvas is cleared before. */
export function useCanvas(draw: (frame: Frame) => void): RefObject<HTMLCanvasElement | null> {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const element = canvas.current;
    if (!element) return;
    const paint = () => {
      const context = element.getContext("2d");
      const { clientWidth: width, clientHeight: height } = element;
      if (!context || width === 0 || height === 0) return;
      const ratio = window.devicePixelRatio || 1;
      element.width = Math.round(width * ratio);
      element.height = Math.round(height * ratio);
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      context.clearRect(0, 0, width, height);
      const style = getComputedStyle(element);
      draw({ context, width, height, colour: (name) => style.getPropertyValue(name).trim() });
    };
    paint();
    const observer = new ResizeObserver(paint);
    observer.observe(element);
    window.addEventListener("bellrock:theme", paint);
    return () => {
      observer.disconnect();
      window.removeEventListener("bellrock:theme", paint);
    };
  }, [draw]);
  return canvas;
}
