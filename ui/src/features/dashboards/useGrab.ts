// Dragging panels with the pointer: the same moves that the arrow keys make, cell by cell.
import { type PointerEvent, useCallback, useRef } from "react";
import { COLUMNS, type Grid, type Panel } from "./model.ts";

export const ROW_PX = 30;
export const GAP_PX = 8;

export type Grab = (id: string, event: PointerEvent, edge: "move" | "size") => void;

export function useGrab(apply: (id: string, change: (grid: Grid) => Grid) => void, panels: readonly Panel[]): Grab {
  const latest = useRef({ apply, panels });
  latest.current = { apply, panels };
  return useCallback((id, event, edge) => {
    const start = latest.current.panels.find((panel) => panel.id === id)?.grid;
    const board = event.currentTarget.closest("[data-editing]");
    if (!start || !board || event.button !== 0) return;
    event.preventDefault();
    const column = (board.clientWidth + GAP_PX) / COLUMNS;
    const from = { x: event.clientX, y: event.clientY };
    let last = "";
    const onMove = (move: globalThis.PointerEvent) => {
      const dx = Math.round((move.clientX - from.x) / column);
      const dy = Math.round((move.clientY - from.y) / (ROW_PX + GAP_PX));
      if (`${dx} ${dy}` === last) return;
      last = `${dx} ${dy}`;
      latest.current.apply(id, () =>
        edge === "move"
          ? { ...start, x: start.x + dx, y: start.y + dy }
          : { ...start, w: start.w + dx, h: start.h + dy },
      );
    };
    const onUp = () => {
      window.removeEventListener("pointermove", onMove);
      window.removeEventListener("pointerup", onUp);
      window.removeEventListener("pointercancel", onUp);
    };
    window.addEventListener("pointermove", onMove);
    window.addEventListener("pointerup", onUp);
    window.addEventListener("pointercancel", onUp);
  }, []);
}
