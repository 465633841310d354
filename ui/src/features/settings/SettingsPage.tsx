// Settings: storage and retention, health, queries, everything as one file, appearance, keys, people, about.
import { Link, useParams } from "@tanstack/react-router";
import { type ComponentType, useEffect } from "react";
import { EMPTY_REPORT, report } from "../../lib/report.ts";
import { About } from "./About.tsx";
import { Appearance } from "./Appearance.tsx";
import { Health } from "./Health.tsx";
import { People } from "./People.tsx";
import { Provisioning } from "./Provisioning.tsx";
import { Queries } from "./Queries.tsx";
import styles from "./Settings.module.css";
import { Shortcuts } from "./Shortcuts.tsx";
import { StorageSection } from "./StorageSection.tsx";

const SECTIONS: readonly { id: string; title: string; Body: ComponentType }[] = [
  { id: "retention", title: "Storage and retention", Body: StorageSection },
  { id: "health", title: "Health", Body: Health },
  { id: "queries", title: "Queries", Body: Queries },
  { id: "provisioning", title: "Export and import", Body: Provisioning },
  { id: "appearance", title: "Appearance", Body: Appearance },
  { id: "shortcuts", title: "Keyboard", Body: Shortcuts },
  { id: "members", title: "People and access", Body: People },
  { id: "about", title: "About", Body: About },
];

export function SettingsPage() {
  const { section } = useParams({ strict: false });
  useEffect(() => report.set(EMPTY_REPORT), []);
  const current = SECTIONS.find(({ id }) => id === section) ?? SECTIONS[0];
  if (!current) return null;
  return (
    <div className={styles.page}>
      <nav className={styles.nav} aria-label="Settings">
        <ul>
          {SECTIONS.map(({ id, title }) => (
            <li key={id}>
              <Link
                to="/settings/$section"
                params={{ section: id }}
                search={{}}
                className={styles.link ?? ""}
                aria-current={id === current.id ? "page" : undefined}
              >
                {title}
              </Link>
            </li>
          ))}
        </ul>
      </nav>
      <section className={styles.body} aria-label={current.title}>
        <h2>{current.title}</h2>
        <current.Body />
      </section>
    </div>
  );
}
