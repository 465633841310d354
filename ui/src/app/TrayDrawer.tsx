// The drawer of the evidence tray: pins with their notes, as Markdown, or saved for others.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useRouter } from "@tanstack/react-router";
import { ClipboardCopy, Pin as PinIcon, Save, Trash2, X } from "lucide-react";
import { useState } from "react";
import { ApiError } from "../api/client.ts";
import { isObject } from "../api/decode.ts";
import { fetchInvestigation, fetchInvestigations, saveInvestigation } from "../api/investigations.ts";
import { copyText } from "../components/CopyButton.tsx";
import { plural } from "../lib/number.ts";
import { useStore } from "../lib/store.ts";
import { formatClock, formatInstant } from "../lib/time/format.ts";
import { type Pin, setPins, tray, trayMarkdown, trayOpen } from "../lib/tray.ts";
import { useTime } from "../lib/view.ts";
import { fullUrl } from "./link.ts";
import styles from "./Tray.module.css";

export function TrayDrawer({ pin }: { pin: () => void }) {
  const pins = useStore(tray);
  return (
    <section className={styles.tray} aria-label="Evidence tray">
      <header className={styles.head}>
        <h2>Evidence</h2>
        <span className="faint">{plural(pins.length, "pin")}</span>
        <button type="button" className="button small" onClick={pin}>
          <PinIcon size={13} aria-hidden /> Pin this page
        </button>
        <span className="grow" />
        <Actions pins={pins} />
        <button
          type="button"
          className="button quiet small icon"
          aria-label="Close the tray"
          onClick={() => trayOpen.set(false)}
        >
          <X size={15} aria-hidden />
        </button>
      </header>
      {pins.length === 0 ? (
        <p className={styles.none}>
          Pin pages, panels and traces with <kbd className="kbd">Shift</kbd> <kbd className="kbd">P</kbd>; each keeps
          its time range.
        </p>
      ) : (
        <ol className={styles.pins}>
          {pins.map((each) => (
            <PinRow key={each.id} pin={each} />
          ))}
        </ol>
      )}
    </section>
  );
}

function PinRow({ pin }: { pin: Pin }) {
  const router = useRouter();
  const { zone } = useTime();
  const base = router.basepath.replace(/\/$/, "");
  const change = (note: string) => setPins(tray.get().map((each) => (each.id === pin.id ? { ...each, note } : each)));
  return (
    <li className={styles.pin}>
      <span className="faint" title={formatInstant(pin.pinnedUnixMilli, zone)}>
        {formatClock(pin.pinnedUnixMilli, zone)}
      </span>
      <a
        href={base + pin.url}
        className={`ellipsis ${styles.title}`}
        title={pin.url}
        onClick={(event) => {
          if (event.ctrlKey || event.metaKey || event.shiftKey) return;
          event.preventDefault();
          router.history.push(base + pin.url);
        }}
      >
        {pin.title}
      </a>
      <span className={`faint ellipsis ${styles.range}`}>{pin.range}</span>
      <input
        className="input grow"
        aria-label={`Note on ${pin.title}`}
        placeholder="what it shows"
        maxLength={300}
        value={pin.note}
        onChange={(event) => change(event.target.value)}
      />
      <button
        type="button"
        className="button quiet small icon"
        aria-label={`Remove ${pin.title}`}
        onClick={() => setPins(tray.get().filter((each) => each.id !== pin.id))}
      >
        <Trash2 size={13} aria-hidden />
      </button>
    </li>
  );
}

function Actions({ pins }: { pins: readonly Pin[] }) {
  const { zone } = useTime();
  const client = useQueryClient();
  const [title, setTitle] = useState("");
  const [said, setSaid] = useState<string | null>(null);
  const saved = useQuery({
    queryKey: ["investigations"],
    queryFn: ({ signal }) => fetchInvestigations(signal),
    retry: false,
  });
  const offered = !(saved.error instanceof ApiError && saved.error.facts.status === 404);
  const name = title.trim() || "Investigation";
  const copy = async () => {
    const text = trayMarkdown(name, pins, fullUrl, (milli) => formatInstant(milli, zone, false));
    setSaid((await copyText(text)) ? "copied" : "the browser does not allow copying");
  };
  const save = async () => {
    try {
      await saveInvestigation(name, JSON.stringify({ pins }));
      setSaid("saved");
      void client.invalidateQueries({ queryKey: ["investigations"] });
    } catch (error) {
      setSaid(error instanceof Error ? error.message : String(error));
    }
  };
  const load = async (id: string) => {
    try {
      const document: unknown = JSON.parse((await fetchInvestigation(id)).document);
      if (isObject(document) && Array.isArray(document.pins)) setPins(document.pins as Pin[]);
    } catch (error) {
      setSaid(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <>
      <span role="status" className="faint">
        {said}
      </span>
      <input
        className={`input ${styles.name}`}
        placeholder="Investigation"
        aria-label="Name of the investigation"
        maxLength={120}
        value={title}
        onChange={(event) => setTitle(event.target.value)}
      />
      <button type="button" className="button small" disabled={pins.length === 0} onClick={() => void copy()}>
        <ClipboardCopy size={13} aria-hidden /> Copy as Markdown
      </button>
      {offered && (
        <button type="button" className="button small" disabled={pins.length === 0} onClick={() => void save()}>
          <Save size={13} aria-hidden /> Save
        </button>
      )}
      {(saved.data?.length ?? 0) > 0 && (
        <select
          className="input"
          aria-label="Open a saved investigation"
          value=""
          onChange={(event) => void load(event.target.value)}
        >
          <option value="">Open …</option>
          {saved.data?.map((each) => (
            <option key={each.id} value={each.id}>
              {each.title}
            </option>
          ))}
        </select>
      )}
      {pins.length > 0 && (
        <button type="button" className="button quiet small" onClick={() => setPins([])}>
          Clear
        </button>
      )}
    </>
  );
}
