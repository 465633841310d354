// A panel on the dashboard: heading, badges, menu and body. It asks for its data when it is near the part of the page
// that can be seen.
import { Link } from "@tanstack/react-router";
import {
  BellPlus,
  Copy,
  History,
  ImageDown,
  Maximize2,
  MoreVertical,
  Move,
  Pencil,
  ScanSearch,
  Trash2,
} from "lucide-react";
import { useEffect, useMemo, useRef, useState } from "react";
import { downloadImage } from "../../charts/image.ts";
import { Popover } from "../../components/Popover.tsx";
import { LimitBadge, RefreshBar } from "../../components/States.tsx";
import { formatCount, formatShort } from "../../lib/number.ts";
import { PlainLink } from "../../lib/PlainLink.tsx";
import type { Range } from "../../lib/time/range.ts";
import { useTimeSearch } from "../../lib/view.ts";
import { interpolate, scoped, type Values } from "./interpolate.ts";
import type { Panel } from "./model.ts";
import styles from "./Panel.module.css";
import { lineColour, PanelBody, seriesOf } from "./PanelBody.tsx";
import { type PanelData, usePanelData } from "./usePanelData.ts";

export interface PanelActions {
  full: () => void;
  inspect: () => void;
  /** Only where the dashboard can be changed. */
  edit?: (() => void) | undefined;
  duplicate?: (() => void) | undefined;
  remove?: (() => void) | undefined;
  move?: (() => void) | undefined;
  fix?: ((before: string, after: string) => void) | undefined;
}

export interface PanelFrameProps {
  panel: Panel;
  range: Range;
  values: Values;
  focused: boolean;
  moving: boolean;
  full: boolean;
  actions: PanelActions;
  onFocus: () => void;
  onGrab?: ((event: React.PointerEvent, edge: "move" | "size") => void) | undefined;
}

export function PanelFrame(props: PanelFrameProps) {
  const { panel, range, focused, moving, full, actions, onFocus, onGrab } = props;
  const values = useMemo(() => scoped(props.values, panel.scope), [props.values, panel.scope]);
  const box = useRef<HTMLElement>(null);
  const near = useNear(box);
  const data = usePanelData(panel, range, values, near && panel.kind !== "text" && panel.kind !== "row");
  const [shift, setShift] = useState(0);
  const earlier = useMemo(
    () => ({ fromMilli: range.fromMilli - shift, toMilli: range.toMilli - shift }),
    [range, shift],
  );
  const before = usePanelData(panel, earlier, values, near && shift > 0);
  useEffect(() => {
    if (focused && document.activeElement !== box.current && !box.current?.contains(document.activeElement)) {
      box.current?.focus();
    }
  }, [focused]);
  const title = interpolate(panel.title, values);
  const picture = () => {
    const lines = seriesOf(panel, data.answers).map((each, at) => ({
      label: each.name,
      colour: lineColour(each, at),
    }));
    downloadImage(box.current?.querySelector("[data-chart]") ?? null, title, lines);
  };
  if (panel.kind === "row") {
    return (
      <section ref={box} className={styles.row} aria-label={title} tabIndex={-1}>
        <h2>{title}</h2>
      </section>
    );
  }
  return (
    <section
      ref={box}
      className={styles.panel}
      aria-label={title || "Panel"}
      data-focused={focused}
      data-moving={moving}
      data-full={full}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: arrows walk over panels, keys act on the one that has the focus
      tabIndex={0}
      onFocus={onFocus}
    >
      <RefreshBar busy={data.fetching && !data.pending} />
      <header
        className={styles.head}
        data-grab={onGrab !== undefined}
        onPointerDown={(event) => {
          if (event.target instanceof Element && !event.target.closest("button, a")) onGrab?.(event, "move");
        }}
      >
        <h2 className="ellipsis" title={panel.description ? `${title}\n${panel.description}` : title}>
          {title || "\u00a0"}
        </h2>
        <Badges data={data} />
        {shift > 0 && (
          <span className="badge" title="Dotted: the same of the earlier period">
            {EARLIER.find(([milli]) => milli === shift)?.[1]}
          </span>
        )}
        <span className="grow" />
        <Menu panel={panel} data={data} actions={{ ...actions, picture, shift, setShift }} title={title} />
      </header>
      <div className={styles.body}>
        <PanelBody
          panel={panel}
          data={data}
          before={shift > 0 ? before.answers : null}
          shiftMilli={shift}
          range={range}
          stepSeconds={values.stepSeconds}
          onFix={actions.fix}
        />
      </div>
      {onGrab && <span className={styles.size} aria-hidden onPointerDown={(event) => onGrab(event, "size")} />}
    </section>
  );
}

function Badges({ data }: { data: PanelData }) {
  const total = data.answers.reduce((sum, answer) => sum + (answer?.totalSeries ?? 0), 0);
  const shown = data.answers.reduce((sum, answer) => sum + (answer?.series.length ?? 0), 0);
  const decimated = data.answers.map((answer) => answer?.decimated ?? null).find((each) => each !== null);
  const warnings = data.answers.flatMap((answer) => answer?.warnings ?? []);
  return (
    <>
      {total > shown && (
        <LimitBadge title="Those with the largest values are shown">
          {shown} of {formatCount(total)} series
        </LimitBadge>
      )}
      {decimated && (
        <span className="badge" title="First, last, smallest and largest value of each pixel">
          M4 {formatShort(decimated.from)} → {formatShort(decimated.to)}
        </span>
      )}
      {data.partial && <LimitBadge title={data.partial}>partial</LimitBadge>}
      {warnings.length > 0 && (
        <LimitBadge title={warnings.join("\n")}>
          {warnings.length === 1 ? "note" : `${warnings.length} notes`}
        </LimitBadge>
      )}
      {data.error && data.answers.some((answer) => answer !== null) && (
        <span className="badge error" title={data.error.message}>
          error
        </span>
      )}
    </>
  );
}

const HOUR_MILLI = 3_600_000;
/** Periods that a panel is laid over, dotted. */
const EARLIER: readonly [number, string][] = [
  [0, "nothing"],
  [HOUR_MILLI, "1 h before"],
  [24 * HOUR_MILLI, "a day before"],
  [7 * 24 * HOUR_MILLI, "a week before"],
];

function Menu({
  panel,
  data,
  actions,
  title,
}: {
  panel: Panel;
  data: PanelData;
  actions: PanelActions & { picture: () => void; shift: number; setShift: (milli: number) => void };
  title: string;
}) {
  const [open, setOpen] = useState(false);
  const timeSearch = useTimeSearch();
  const act = (run: () => void) => () => {
    setOpen(false);
    run();
  };
  return (
    <div className={styles.menu}>
      <Popover
        open={open}
        onOpenChange={setOpen}
        title={`Menu of ${title}`}
        align="right"
        button={<MoreVertical size={14} aria-hidden />}
        buttonLabel={`Menu of ${title || "the panel"}`}
        buttonClass="button quiet small icon"
      >
        <ul className={styles.items}>
          <Item icon={Maximize2} keys="v" label="Full screen" onClick={act(actions.full)} />
          <Item icon={ScanSearch} keys="i" label="Inspect" onClick={act(actions.inspect)} />
          {panel.targets.length > 0 && (
            <li>
              <Link to="/metrics" search={{ ...timeSearch, q: data.exprs[0] ?? "" }} className={styles.item ?? ""}>
                <ScanSearch size={14} aria-hidden />
                <span className="grow">Open in Metrics</span>
                <kbd className="kbd">x</kbd>
              </Link>
            </li>
          )}
          {panel.targets.length > 0 && (
            <li>
              <PlainLink
                path="alerts/rules/new"
                search={{ expr: data.exprs[0] ?? "", name: title }}
                className={styles.item}
              >
                <BellPlus size={14} aria-hidden />
                <span className="grow">Create alert</span>
              </PlainLink>
            </li>
          )}
          {panel.kind === "timeseries" && (
            <li>
              <label className={styles.item}>
                <History size={14} aria-hidden />
                <span className="grow">Compare to</span>
                <select
                  className="input"
                  value={actions.shift}
                  onChange={(event) => act(() => actions.setShift(Number(event.target.value)))()}
                >
                  {EARLIER.map(([milli, label]) => (
                    <option key={milli} value={milli}>
                      {label}
                    </option>
                  ))}
                </select>
              </label>
            </li>
          )}
          {panel.kind === "timeseries" && (
            <Item icon={ImageDown} keys="" label="Download as PNG" onClick={act(actions.picture)} />
          )}
          {actions.edit && <Item icon={Pencil} keys="e" label="Edit" onClick={act(actions.edit)} />}
          {actions.move && <Item icon={Move} keys="m" label="Move and resize" onClick={act(actions.move)} />}
          {actions.duplicate && <Item icon={Copy} keys="Shift D" label="Duplicate" onClick={act(actions.duplicate)} />}
          {actions.remove && <Item icon={Trash2} keys="" label="Remove" onClick={act(actions.remove)} />}
        </ul>
      </Popover>
    </div>
  );
}

interface ItemProps {
  icon: typeof Copy;
  keys: string;
  label: string;
  onClick: () => void;
}

function Item({ icon: Icon, keys, label, onClick }: ItemProps) {
  return (
    <li>
      <button type="button" className={styles.item} onClick={onClick}>
        <Icon size={14} aria-hidden />
        <span className="grow">{label}</span>
        {keys && <kbd className="kbd">{keys}</kbd>}
      </button>
    </li>
  );
}

/** Whether an element is within a screen's height of what can be seen; once true it stays so. */
function useNear(box: React.RefObject<HTMLElement | null>): boolean {
  const [near, setNear] = useState(false);
  useEffect(() => {
    const element = box.current;
    if (!element || near) return;
    const observer = new IntersectionObserver(
      (entries) => entries.some((entry) => entry.isIntersecting) && setNear(true),
      // Margins count for the box that scrolls, not for those that clip inside of it.
      { root: element.closest("[data-scroll]"), rootMargin: "100% 0px" },
    );
    observer.observe(element);
    return () => observer.disconnect();
  }, [box, near]);
  return near;
}
