// Silences and maintenance windows: what is kept quiet, by whom, why, until when, and what that hides now.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useMemo, useRef, useState } from "react";
import { previewSilence } from "../../api/alerts.ts";
import { serverNow } from "../../api/client.ts";
import { expireSilence, fetchSilences, matcherText, type Silence, type SilenceMatcher } from "../../api/silences.ts";
import { FilterBox } from "../../components/FilterBox.tsx";
import { QueryState } from "../../components/QueryState.tsx";
import { Empty } from "../../components/States.tsx";
import { useKeys } from "../../lib/keys.ts";
import { plural } from "../../lib/number.ts";
import { useReport } from "../../lib/report.ts";
import { formatInstant, formatRelative } from "../../lib/time/format.ts";
import { useTime, useView } from "../../lib/view.ts";
import styles from "./Alerts.module.css";
import { AlertsNav } from "./AlertsNav.tsx";
import { Maintenance } from "./Maintenance.tsx";
import { SilenceDialog } from "./SilenceDialog.tsx";

const REFRESH_MS = 15_000;
const EXPIRED_MAX = 50;
const ANY: SilenceMatcher = { name: "alertname", value: "", isEqual: true, isRegex: false };

export function SilencesPage() {
  const { search, patch } = useView();
  const client = useQueryClient();
  const filter = useRef<HTMLInputElement>(null);
  const [open, setOpen] = useState<{ silence?: Silence; matchers: readonly SilenceMatcher[] } | null>(null);
  const [notice, setNotice] = useState("");
  const silences = useQuery({
    queryKey: ["silences"],
    queryFn: ({ signal }) => fetchSilences(signal),
    refetchInterval: REFRESH_MS,
  });
  const q = (search.q ?? "").toLowerCase();
  const all = search.only === "all";
  const shown = useMemo(() => {
    const text = (each: Silence) =>
      [each.id, each.createdBy, each.comment, ...each.matchers.map(matcherText)].join("\n").toLowerCase();
    const fits = (silences.data ?? []).filter((each) => text(each).includes(q));
    const live = fits.filter((each) => each.status.state !== "expired");
    const over = fits.filter((each) => each.status.state === "expired").slice(0, EXPIRED_MAX);
    return all || (q !== "" && live.length === 0) ? [...live, ...over] : live;
  }, [silences.data, q, all]);
  useReport({
    asOfMilli: silences.dataUpdatedAt || null,
    elapsedMs: null,
    rowsScanned: null,
    partial: null,
    notes: [plural(shown.length, "silence")],
    busy: silences.isFetching,
  });
  useKeys("page", "Silences", [
    { keys: "n", label: "New silence", run: () => setOpen({ matchers: [ANY] }) },
    { keys: "/", label: "Filter", run: () => filter.current?.focus() },
  ]);
  const expire = async (silence: Silence) => {
    await expireSilence(silence.id).then(
      () => setNotice("Expired: what it hid is told again"),
      (error: unknown) => setNotice(String(error)),
    );
    for (const key of [["silences"], ["managed"]]) void client.invalidateQueries({ queryKey: key });
  };
  return (
    <>
      <AlertsNav>
        <button type="button" className="button small primary" onClick={() => setOpen({ matchers: [ANY] })}>
          New silence
        </button>
      </AlertsNav>
      <div className={styles.tools}>
        <FilterBox
          ref={filter}
          label="Filter silences"
          placeholder="Filter silences (/)"
          value={search.q ?? ""}
          onChange={(value) => patch({ q: value || undefined }, { replace: true })}
        />
        <button
          type="button"
          className="button"
          aria-pressed={all}
          onClick={() => patch({ only: all ? undefined : "all" })}
        >
          Expired ones, too
        </button>
      </div>
      {notice && (
        <p className={styles.notice} role="status">
          {notice}
        </p>
      )}
      <div className={styles.scroll}>
        <QueryState
          result={silences}
          queryKey={["silences"]}
          isEmpty={() => shown.length === 0}
          empty={
            <Empty reason={q ? "filtered" : "none"} title={q ? "No silence matches" : "Nothing is silenced"}>
              <p>A silence keeps matching alerts from being told for some time. They are still evaluated and shown.</p>
              <button type="button" className="button primary" onClick={() => setOpen({ matchers: [ANY] })}>
                New silence
              </button>
            </Empty>
          }
        >
          {() => (
            <ul className={styles.cards}>
              {shown.map((silence) => (
                <SilenceCard
                  key={silence.id}
                  silence={silence}
                  onEdit={() => setOpen({ silence, matchers: silence.matchers })}
                  onAgain={() => setOpen({ matchers: silence.matchers })}
                  onExpire={() => void expire(silence)}
                />
              ))}
            </ul>
          )}
        </QueryState>
        <Maintenance />
      </div>
      {open && (
        <SilenceDialog
          {...open}
          onClose={() => setOpen(null)}
          onDone={(words) => {
            setOpen(null);
            setNotice(words);
          }}
        />
      )}
    </>
  );
}

interface CardProps {
  silence: Silence;
  onEdit: () => void;
  onAgain: () => void;
  onExpire: () => void;
}

function SilenceCard({ silence, onEdit, onAgain, onExpire }: CardProps) {
  const { zone } = useTime();
  const now = serverNow();
  const expired = silence.status.state === "expired";
  const texts = silence.matchers.map(matcherText);
  const hides = useQuery({
    queryKey: ["silence-preview", texts.join(",")],
    queryFn: ({ signal }) => previewSilence(texts, signal),
    enabled: !expired,
    refetchInterval: REFRESH_MS,
    retry: false,
  });
  const start = Date.parse(silence.startsAt);
  const end = Date.parse(silence.endsAt);
  return (
    <li className={styles.card}>
      <div className={styles.cardMain}>
        <span className={`badge ${silence.status.state === "active" ? "ok" : ""}`}>{silence.status.state}</span>
        <code className={styles.matchers}>{texts.join("  ")}</code>
        <p>
          {silence.comment || <span className="faint">without a reason</span>}{" "}
          <span className="muted">by {silence.createdBy || "somebody"}</span>
        </p>
        <p className="muted">
          {silence.status.state === "pending"
            ? `begins ${formatInstant(start, zone, false)}, ${formatRelative(start, now)}`
            : `since ${formatInstant(start, zone, false)}`}
          , {expired ? "ended" : "ends"} {formatInstant(end, zone, false)} ({formatRelative(end, now)})
          {hides.data &&
            (hides.data.count > 0 ? (
              <>
                , hides <strong>{plural(hides.data.count, "alert")}</strong>
              </>
            ) : (
              ", hides nothing now"
            ))}
        </p>
      </div>
      <div className={styles.actions}>
        {expired ? (
          <button type="button" className="button small" onClick={onAgain}>
            Silence again
          </button>
        ) : (
          <>
            <button type="button" className="button small" onClick={onEdit}>
              Change
            </button>
            <button type="button" className="button small" onClick={onExpire}>
              Expire now
            </button>
          </>
        )}
      </div>
    </li>
  );
}
