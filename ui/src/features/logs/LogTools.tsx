// What the list of records does: live, wrapped, newest or oldest first.
import { Radio, WrapText } from "lucide-react";

export interface LogToolsProps {
  live: boolean;
  onLive: () => void;
  wrap: boolean;
  onWrap: () => void;
  order: "asc" | "desc";
  onOrder: (order: "asc" | "desc") => void;
}

export function LogTools({ live, onLive, wrap, onWrap, order, onOrder }: LogToolsProps) {
  return (
    <>
      <button type="button" className="button" aria-pressed={live} title="Records as they arrive (l)" onClick={onLive}>
        <Radio size={14} aria-hidden /> Live
      </button>
      <button
        type="button"
        className="button icon"
        aria-pressed={wrap}
        aria-label="Wrap long lines"
        title="Wrap long lines (w)"
        onClick={onWrap}
      >
        <WrapText size={14} aria-hidden />
      </button>
      <select
        className="input"
        aria-label="Order"
        value={order}
        disabled={live}
        onChange={(event) => onOrder(event.target.value === "asc" ? "asc" : "desc")}
      >
        <option value="desc">Newest first</option>
        <option value="asc">Oldest first</option>
      </select>
    </>
  );
}
