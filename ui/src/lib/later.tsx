// Parts that are fetched when they are first needed: what opens on a key or a click is no part of the first page.
import { type ComponentType, lazy, Suspense } from "react";

/** A component of another chunk. Until it is here, nothing is shown; `fetch` asks for it before it is needed. */
export function later<P extends object>(load: () => Promise<ComponentType<P>>) {
  const fetched = () => load().then((component) => ({ default: component }));
  const Lazy = lazy(fetched) as unknown as ComponentType<P>;
  const Later = (props: P) => (
    <Suspense fallback={null}>
      <Lazy {...props} />
    </Suspense>
  );
  return Object.assign(Later, { fetch: () => void load().catch(() => {}) });
}

/** When the page has come to rest: what is likely to be opened next is fetched then. */
export function whenIdle(run: () => void): void {
  const idle = (globalThis as { requestIdleCallback?: (run: () => void, options: { timeout: number }) => void })
    .requestIdleCallback;
  if (idle) idle(run, { timeout: 10_000 });
  else setTimeout(run, 3000);
}
