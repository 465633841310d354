// The panels over a page, as the URL lists them; the last one is shown, the ones below are its breadcrumbs.
import { useNavigate } from "@tanstack/react-router";
import { Maximize2 } from "lucide-react";
import { lazy, Suspense } from "react";
import { PeekPanel } from "../components/PeekPanel.tsx";
import { Skeleton } from "../components/States.tsx";
import { useKeys } from "../lib/keys.ts";
import { type PeekLevel, usePeek } from "../lib/peek.ts";
import { useTimeSearch } from "../lib/view.ts";
import styles from "./PeekStack.module.css";
import { PEEKS } from "./peeks.ts";

const BODIES = Object.fromEntries(Object.entries(PEEKS).map(([kind, peek]) => [kind, lazy(peek.load)]));

export function PeekStack() {
  const peek = usePeek();
  const top = peek.levels.at(-1);
  // Kinds that are not known here belong to the page, such as the record of a list.
  if (!top || !(top.kind in PEEKS)) return null;
  return <Shown levels={peek.levels} top={top} />;
}

function Shown({ levels, top }: { levels: readonly PeekLevel[]; top: PeekLevel }) {
  const peek = usePeek();
  const navigate = useNavigate();
  const time = useTimeSearch();
  const definition = PEEKS[top.kind];
  const Body = BODIES[top.kind];
  const page = definition?.page?.(top.id);
  const promote = () => page && void navigate({ to: page, search: time });
  useKeys("peek", "Panels over the page", [
    { keys: "shift+Escape", label: "Close all panels", run: peek.close },
    ...(page ? [{ keys: "o", label: "Open as a page", run: () => void promote() }] : []),
  ]);
  if (!definition || !Body) return null;
  return (
    <PeekPanel
      label={`${definition.title} ${definition.nameOf(top.id)}`}
      title={
        <nav className={styles.crumbs} aria-label="Panels">
          {levels.map((level, index) => (
            <span key={`${level.kind}:${level.id}`} className={styles.crumb}>
              {index > 0 && <span aria-hidden>›</span>}
              {index < levels.length - 1 ? (
                <button type="button" className={styles.back} onClick={() => peek.open(level)}>
                  {PEEKS[level.kind]?.nameOf(level.id) ?? level.id}
                </button>
              ) : (
                <span className="ellipsis">
                  <span className="faint">{definition.title}</span> {definition.nameOf(top.id)}
                </span>
              )}
            </span>
          ))}
        </nav>
      }
      actions={
        page && (
          <button
            type="button"
            className="button quiet small icon"
            aria-label="Open as a page"
            title="Open as a page (o)"
            onClick={promote}
          >
            <Maximize2 size={14} aria-hidden />
          </button>
        )
      }
      onClose={peek.pop}
    >
      <Suspense fallback={<Skeleton />}>
        <Body id={top.id} />
      </Suspense>
    </PeekPanel>
  );
}
