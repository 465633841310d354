// The evidence tray: what is pinned, and the drawer at the bottom that shows it.
import { useRouterState } from "@tanstack/react-router";
import { serverNow } from "../api/client.ts";
import { useKeys } from "../lib/keys.ts";
import { later } from "../lib/later.tsx";
import { useStore } from "../lib/store.ts";
import { absoluteRange, describeRange } from "../lib/time/range.ts";
import { setPins, tray, trayOpen, withPin } from "../lib/tray.ts";
import { useTime } from "../lib/view.ts";
import { useLinks } from "./link.ts";

const TrayDrawer = later(async () => (await import("./TrayDrawer.tsx")).TrayDrawer);

export function usePinning(): () => void {
  const links = useLinks();
  const time = useTime();
  const detail = useRouterState({
    select: (state) => {
      const match = state.matches.at(-1);
      const params: Record<string, string> = match?.params ?? {};
      return [
        match?.staticData.title ?? "Page",
        params.name ?? params.traceId?.slice(0, 8) ?? params.uid ?? params.group?.slice(0, 8),
      ]
        .filter(Boolean)
        .join(": ");
    },
  });
  return () => {
    const url = links.path(true);
    const query = new URLSearchParams(url.split("?")[1] ?? "").get("q");
    setPins(
      withPin(tray.get(), {
        id: crypto.randomUUID?.() ?? String(Math.random()),
        title: query ? `${detail}: ${query}` : detail,
        url,
        note: "",
        pinnedUnixMilli: serverNow(),
        range: describeRange(absoluteRange(time.range), time.range, time.zone),
      }),
    );
    trayOpen.set(true);
  };
}

export function Tray() {
  const open = useStore(trayOpen);
  const pin = usePinning();
  useKeys("global", "General", [
    { keys: "shift+p", label: "Pin what is shown to the evidence tray", run: pin },
    { keys: "g v", label: "Evidence tray", run: () => trayOpen.set(!trayOpen.get()) },
  ]);
  return open ? <TrayDrawer pin={pin} /> : null;
}
