// The keys that work everywhere, from the registry, and the switch for single keys.
import { useEffect, useState } from "react";
import { Keys } from "../../components/Keys.tsx";
import { type Group, registry, singleKeys } from "../../lib/keys.ts";
import { useStore } from "../../lib/store.ts";
import styles from "./Settings.module.css";

export function Shortcuts() {
  const single = useStore(singleKeys) === "on";
  const [groups, setGroups] = useState<readonly Group[]>([]);
  // The frame around the page registers its keys after the page does.
  useEffect(() => {
    const frame = requestAnimationFrame(() => setGroups(registry.all().filter(({ scope }) => scope === "global")));
    return () => cancelAnimationFrame(frame);
  }, []);
  const titles = [...new Set(groups.map(({ title }) => title))];
  return (
    <>
      <label className={styles.line}>
        <input
          type="checkbox"
          checked={single}
          onChange={(event) => singleKeys.set(event.target.checked ? "on" : "off")}
        />
        Single keys and chords such as <Keys keys="g t" />
      </label>
      <p className="muted">
        Each page has more: <Keys keys="?" /> shows those that work where you are.
      </p>
      {titles.map((title) => (
        <div key={title}>
          <h3>{title}</h3>
          <table className="table">
            <tbody>
              {groups
                .filter((group) => group.title === title)
                .flatMap((group) => group.bindings)
                .map(({ keys, label }) => (
                  <tr key={keys}>
                    <td className={styles.keys}>
                      <Keys keys={keys} />
                    </td>
                    <td>{label}</td>
                  </tr>
                ))}
            </tbody>
          </table>
        </div>
      ))}
    </>
  );
}
