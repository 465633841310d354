// Handing on what is shown: links, short links, and views saved under a name.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useRouter } from "@tanstack/react-router";
import { Bookmark, Link2, Share2, Star, Trash2 } from "lucide-react";
import { useState } from "react";
import { ApiError } from "../api/client.ts";
import { changeView, deleteView, fetchViews, saveView } from "../api/views.ts";
import { copyText } from "../components/CopyButton.tsx";
import { Popover } from "../components/Popover.tsx";
import { useKeys } from "../lib/keys.ts";
import { shareable, shorten, useLinks } from "./link.ts";
import styles from "./ShareMenu.module.css";

export function ShareMenu() {
  const [open, setOpen] = useState(false);
  const links = useLinks();
  useKeys("global", "General", [
    {
      keys: "y",
      label: "Copy link with the range made absolute",
      run: () => void shareable(links.path(true)).then(copyText),
    },
    { keys: "shift+y", label: "Copy link as it is", run: () => void shareable(links.path(false)).then(copyText) },
    { keys: "shift+s", label: "Share and saved views", run: () => setOpen(true) },
  ]);
  return (
    <Popover
      open={open}
      onOpenChange={setOpen}
      title="Share"
      align="right"
      button={<Share2 size={14} aria-hidden />}
      buttonLabel="Share and saved views"
      buttonClass="button quiet icon"
    >
      <div className={styles.menu}>
        <Copy label="Copy link, range fixed" keys="y" text={() => shareable(links.path(true))} />
        <Copy label="Copy link as it is" keys="Shift Y" text={() => shareable(links.path(false))} />
        <Copy label="Copy short link" text={() => shorten(links.path(true))} />
        <Views path={links.path(false)} onDone={() => setOpen(false)} />
      </div>
    </Popover>
  );
}

function Copy({ label, keys, text }: { label: string; keys?: string; text: () => Promise<string> }) {
  const [said, setSaid] = useState<string | null>(null);
  const run = async () => {
    try {
      setSaid((await copyText(await text())) ? "copied" : "the browser does not allow copying");
    } catch (error) {
      setSaid(error instanceof ApiError && error.facts.status === 404 ? "not offered by this server" : String(error));
    }
  };
  return (
    <button type="button" className={styles.item} onClick={() => void run()}>
      <Link2 size={14} aria-hidden />
      <span className="grow">{label}</span>
      <span role="status" className="faint">
        {said}
      </span>
      {keys && !said && <kbd className="kbd">{keys}</kbd>}
    </button>
  );
}

function Views({ path, onDone }: { path: string; onDone: () => void }) {
  const router = useRouter();
  const client = useQueryClient();
  const [name, setName] = useState("");
  const [problem, setProblem] = useState<string | null>(null);
  const views = useQuery({
    queryKey: ["views"],
    queryFn: ({ signal }) => fetchViews(signal),
    retry: false,
    staleTime: 0,
  });
  const act = async (run: () => Promise<unknown>) => {
    setProblem(null);
    try {
      await run();
      await client.invalidateQueries({ queryKey: ["views"] });
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
  };
  if (views.error instanceof ApiError && views.error.facts.status === 404) return null;
  const base = router.basepath.replace(/\/$/, "");
  return (
    <section className={styles.views} aria-label="Saved views">
      <h2>Saved views</h2>
      <form
        className={styles.form}
        onSubmit={(event) => {
          event.preventDefault();
          if (name.trim() === "") return;
          void act(async () => {
            await saveView(name.trim(), path);
            setName("");
          });
        }}
      >
        <input
          className="input grow"
          placeholder="Name for what is shown now"
          aria-label="Name of the view"
          maxLength={120}
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
        <button type="submit" className="button" disabled={name.trim() === ""}>
          <Bookmark size={14} aria-hidden /> Save
        </button>
      </form>
      {problem && (
        <p role="alert" className={styles.problem}>
          {problem}
        </p>
      )}
      <ul className={styles.list}>
        {views.data?.map((view) => (
          <li key={view.id} className={styles.view}>
            <button
              type="button"
              className="button quiet small icon"
              aria-pressed={view.starred}
              aria-label={`Star ${view.name}`}
              onClick={() => void act(() => changeView(view.id, { starred: !view.starred }))}
            >
              <Star size={13} aria-hidden fill={view.starred ? "currentColor" : "none"} />
            </button>
            <a
              href={base + view.url}
              className="grow ellipsis"
              title={view.url}
              onClick={(event) => {
                if (event.ctrlKey || event.metaKey || event.shiftKey) return;
                event.preventDefault();
                onDone();
                router.history.push(base + view.url);
              }}
            >
              {view.name}
            </a>
            <button
              type="button"
              className="button quiet small icon"
              aria-label={`Delete ${view.name}`}
              onClick={() => void act(() => deleteView(view.id))}
            >
              <Trash2 size={13} aria-hidden />
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
