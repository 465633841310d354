// Another retention, tried before it is configured: what would go at once, and what to write into the configuration.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { previewRetention, type RetentionEffect } from "../../api/storage.ts";
import { CopyButton } from "../../components/CopyButton.tsx";
import { ErrorBox } from "../../components/States.tsx";
import { formatCount, plural } from "../../lib/number.ts";
import { formatInstant } from "../../lib/time/format.ts";
import { formatBytes } from "../../lib/units.ts";
import { useTime } from "../../lib/view.ts";
import type { Kept } from "./retention.ts";
import styles from "./Settings.module.css";

const SIGNALS = ["traces", "logs", "metrics"] as const;
const SHOWN = 12;

export function RetentionForm({ kept }: { kept: ReadonlyMap<string, Kept> }) {
  const [signal, setSignal] = useState<string>("traces");
  const [retention, setRetention] = useState("");
  const [sizeMax, setSizeMax] = useState("");
  const asked = { signal, retention: retention.trim(), sizeMax: sizeMax.trim() };
  const nothing = asked.retention === "" && asked.sizeMax === "";
  const effect = useQuery({
    queryKey: ["retention-preview", asked],
    queryFn: ({ signal: abort }) => previewRetention(asked, abort),
    enabled: !nothing,
    retry: false,
    staleTime: 10_000,
  });
  const configured = kept.get(signal);
  return (
    <section className={styles.stack} aria-label="Try another retention">
      <h3>Try another retention</h3>
      <div className={styles.line}>
        <select
          className="input"
          aria-label="Signal"
          value={signal}
          onChange={(event) => setSignal(event.target.value)}
        >
          {SIGNALS.map((each) => (
            <option key={each}>{each}</option>
          ))}
        </select>
        <label className={styles.line}>
          keep for
          <input
            className="input"
            size={8}
            value={retention}
            placeholder={configured?.retention ?? "7d"}
            onChange={(event) => setRetention(event.target.value)}
          />
        </label>
        <label className={styles.line}>
          at most
          <input
            className="input"
            size={10}
            value={sizeMax}
            placeholder={configured && !/^0+B?$/.test(configured.sizeMax) ? configured.sizeMax : "20GiB"}
            onChange={(event) => setSizeMax(event.target.value)}
          />
        </label>
        <span className="faint">0 is no limit; nothing is removed or changed here</span>
      </div>
      {!nothing && effect.error && <ErrorBox error={effect.error} />}
      {!nothing && effect.data && <Effect signal={signal} effect={effect.data} />}
    </section>
  );
}

function Effect({ signal, effect }: { signal: string; effect: RetentionEffect }) {
  const { zone } = useTime();
  const { removals, before_unix_milli: before } = effect;
  return (
    <div className={styles.changes} role="status">
      {removals.length === 0 ? (
        <p>Nothing of {signal} would go at once.</p>
      ) : (
        <>
          <p>
            <strong>
              {formatBytes(effect.bytes)} and {formatCount(effect.records)} records of {signal} would go at once
            </strong>
            {before !== null && `: what is older than ${formatInstant(before, zone, false)}, in `}
            {plural(removals.length, "partition")}.
          </p>
          <ul>
            {removals.slice(0, SHOWN).map((each) => (
              <li key={each.name}>
                {each.name}: {formatBytes(each.bytes)} <span className="muted">{each.reason}</span>
              </li>
            ))}
            {removals.length > SHOWN && <li className="faint">and {removals.length - SHOWN} more</li>}
          </ul>
        </>
      )}
      <p className="muted">
        To make it so, write this into the configuration and start the server again{" "}
        <CopyButton text={effect.yaml} label="Copy the lines" />
      </p>
      <pre className={styles.code}>{effect.yaml}</pre>
    </div>
  );
}
