// Import: files of other systems are looked at first, with every finding and its line, and taken when one says so.
import { Upload } from "lucide-react";
import { useRef, useState } from "react";
import { plural } from "../../../lib/number.ts";
import { useReport } from "../../../lib/report.ts";
import styles from "../Alerts.module.css";
import { AlertsNav } from "../AlertsNav.tsx";
import { FileCard } from "./FileCard.tsx";
import own from "./Import.module.css";

interface Dropped {
  id: number;
  name: string;
  text: string;
}

const BYTES_MAX = 8 * 1024 * 1024;
const FILES_MAX = 50;

export function ImportPage() {
  const [files, setFiles] = useState<Dropped[]>([]);
  const [problem, setProblem] = useState("");
  const [pasted, setPasted] = useState("");
  const [over, setOver] = useState(false);
  const picker = useRef<HTMLInputElement>(null);
  const next = useRef(1);
  const add = async (list: Iterable<File>) => {
    const read: Dropped[] = [];
    const left: string[] = [];
    for (const file of list) {
      if (file.size > BYTES_MAX) left.push(`${file.name} is larger than 8 MiB`);
      else read.push({ id: next.current++, name: file.name, text: await file.text() });
    }
    setProblem(left.join(", "));
    setFiles((old) => [...old, ...read].slice(0, FILES_MAX));
  };
  useReport({
    asOfMilli: null,
    elapsedMs: null,
    rowsScanned: null,
    partial: null,
    notes: files.length > 0 ? [plural(files.length, "file")] : [],
    busy: false,
  });
  return (
    <>
      <AlertsNav />
      <div className={styles.page}>
        {/* biome-ignore lint/a11y/noStaticElementInteractions: dropping files is a shortcut for the button */}
        <div
          className={own.drop}
          data-over={over}
          onDragOver={(event) => {
            event.preventDefault();
            setOver(true);
          }}
          onDragLeave={() => setOver(false)}
          onDrop={(event) => {
            event.preventDefault();
            setOver(false);
            void add([...event.dataTransfer.files]);
          }}
        >
          <Upload size={24} strokeWidth={1.5} aria-hidden />
          <h2>Drop files here</h2>
          <p className="muted">
            Rule files of Prometheus, alertmanager.yml, dashboards (Grafana or plain), error budgets and OpenSLO, the
            configuration of an OpenTelemetry Collector. Nothing is taken before you say so.
          </p>
          <p className={styles.actions}>
            <button type="button" className="button primary" onClick={() => picker.current?.click()}>
              Choose files
            </button>
            <input
              ref={picker}
              type="file"
              multiple
              className="sr-only"
              tabIndex={-1}
              aria-label="Files to import"
              accept=".yaml,.yml,.json"
              onChange={(event) => {
                // The list is emptied with the field; the files stay.
                void add([...(event.target.files ?? [])]);
                event.target.value = "";
              }}
            />
          </p>
          <details className={own.paste}>
            <summary>Or paste a text</summary>
            <textarea
              className={styles.code}
              aria-label="Text of a file"
              value={pasted}
              rows={8}
              spellCheck={false}
              onChange={(event) => setPasted(event.target.value)}
            />
            <button
              type="button"
              className="button"
              disabled={pasted.trim() === ""}
              onClick={() => {
                setFiles((old) => [...old, { id: next.current++, name: "pasted text", text: pasted }]);
                setPasted("");
              }}
            >
              Look at it
            </button>
          </details>
          {problem && <p className={styles.problem}>{problem}</p>}
        </div>
        {files.map((file) => (
          <FileCard
            key={file.id}
            name={file.name}
            text={file.text}
            onRemove={() => setFiles((old) => old.filter((each) => each.id !== file.id))}
          />
        ))}
      </div>
    </>
  );
}
