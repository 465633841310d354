// A text field for a query language: grows with its text, colours it, underlines errors, completes at the caret.
// The coloured text is a copy behind a transparent textarea, so typing, selection and screen readers stay native.
import {
  type KeyboardEvent,
  type ReactNode,
  type Ref,
  useEffect,
  useId,
  useImperativeHandle,
  useRef,
  useState,
} from "react";
import styles from "./QueryInput.module.css";
import { byteRange } from "./States.tsx";

export interface CompletionItem {
  /** What is written into the text. */
  insert: string;
  label: string;
  detail?: string;
}

export interface Completion {
  /** The part of the text that an item replaces. */
  from: number;
  to: number;
  items: CompletionItem[];
  /** "showing 50 of 12,340, type to narrow" */
  note?: string;
}

export interface Piece {
  text: string;
  kind: "plain" | "key" | "operator" | "string" | "number" | "keyword" | "function";
}

export interface QueryInputHandle {
  focus: () => void;
}

export interface QueryInputProps {
  value: string;
  onChange: (value: string) => void;
  onRun: (value: string) => void;
  label: string;
  placeholder: string;
  highlight: (text: string) => Piece[];
  complete: (text: string, caret: number, signal: AbortSignal) => Promise<Completion | null>;
  /** In bytes of `value`; shown as a wavy underline. */
  errorAt?: { offset: number; length: number } | undefined;
  leading?: ReactNode;
  ref?: Ref<QueryInputHandle>;
}

const DEBOUNCE_MS = 120;

export function QueryInput(props: QueryInputProps) {
  const { value, onChange, onRun, label, placeholder, highlight, complete, errorAt, leading, ref } = props;
  const area = useRef<HTMLTextAreaElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const listId = useId();
  const [completion, setCompletion] = useState<Completion | null>(null);
  const [active, setActive] = useState(-1);
  const pending = useRef<{ timer?: ReturnType<typeof setTimeout>; controller?: AbortController }>({});
  useImperativeHandle(ref, () => ({ focus: () => area.current?.focus() }), []);

  const close = () => {
    clearTimeout(pending.current.timer);
    pending.current.controller?.abort();
    setCompletion(null);
    setActive(-1);
  };
  const request = (delay: number) => {
    clearTimeout(pending.current.timer);
    pending.current.controller?.abort();
    const controller = new AbortController();
    pending.current.controller = controller;
    pending.current.timer = setTimeout(async () => {
      const element = area.current;
      if (!element || document.activeElement !== element) return;
      const found = await complete(element.value, element.selectionStart, controller.signal).catch(() => null);
      if (controller.signal.aborted) return;
      setCompletion(found && found.items.length > 0 ? found : null);
      setActive(-1);
    }, delay);
  };
  useEffect(
    () => () => {
      clearTimeout(pending.current.timer);
      pending.current.controller?.abort();
    },
    [],
  );
  useEffect(() => {
    list.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: "nearest" });
  });

  const accept = (item: CompletionItem) => {
    if (!completion) return;
    const next = value.slice(0, completion.from) + item.insert + value.slice(completion.to);
    onChange(next);
    close();
    const caret = completion.from + item.insert.length;
    requestAnimationFrame(() => {
      area.current?.focus();
      area.current?.setSelectionRange(caret, caret);
      if (/[:.({"]$/.test(item.insert)) request(0);
    });
  };

  const onKeyDown = (event: KeyboardEvent) => {
    const count = completion?.items.length ?? 0;
    if (completion && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      const step = event.key === "ArrowDown" ? 1 : -1;
      setActive((old) => (old + step + count + (old === -1 && step === -1 ? 1 : 0)) % count);
      return;
    }
    if (completion && event.key === "Tab" && !event.shiftKey) {
      const item = completion.items[Math.max(0, active)];
      if (item) {
        event.preventDefault();
        accept(item);
        return;
      }
    }
    if (event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing) {
      event.preventDefault();
      const item = completion?.items[active];
      if (item && !event.ctrlKey && !event.metaKey) accept(item);
      else {
        close();
        onRun(value);
      }
    } else if (event.key === "Escape") {
      event.preventDefault();
      if (completion) close();
      else area.current?.blur();
    } else if (event.key === " " && event.ctrlKey) {
      event.preventDefault();
      request(0);
    }
  };

  return (
    <div className={styles.root}>
      {leading}
      <div className={styles.field}>
        <div className={styles.mirror} aria-hidden>
          <Coloured
            pieces={highlight(value)}
            errorAt={errorAt ? byteRange(value, errorAt.offset, errorAt.length) : null}
          />
        </div>
        <textarea
          ref={area}
          className={styles.area}
          value={value}
          rows={1}
          spellCheck={false}
          autoCapitalize="off"
          autoComplete="off"
          aria-label={label}
          role="combobox"
          aria-expanded={completion !== null}
          aria-controls={listId}
          aria-autocomplete="list"
          aria-activedescendant={active >= 0 ? `${listId}-${active}` : undefined}
          aria-invalid={errorAt !== undefined}
          placeholder={placeholder}
          onChange={(event) => {
            onChange(event.target.value);
            request(DEBOUNCE_MS);
          }}
          onKeyDown={onKeyDown}
          onFocus={() => value === "" && request(DEBOUNCE_MS)}
          onBlur={close}
        />
      </div>
      {completion && (
        <div className={styles.popup}>
          <div ref={list} id={listId} role="listbox" aria-label="Completions" className={styles.list}>
            {completion.items.map((item, index) => (
              // biome-ignore lint/a11y/useKeyWithClickEvents: keys are handled by the text field (combobox pattern)
              <div
                key={item.insert + item.label}
                id={`${listId}-${index}`}
                role="option"
                tabIndex={-1}
                aria-selected={index === active}
                className={styles.item}
                onPointerDown={(event) => event.preventDefault()}
                onClick={() => accept(item)}
              >
                <span className="ellipsis">{item.label}</span>
                {item.detail && <span className={styles.detail}>{item.detail}</span>}
              </div>
            ))}
          </div>
          <div className={styles.hint}>
            {completion.note ?? (
              <>
                <span className="kbd">Tab</span> insert <span className="kbd">Enter</span> run
              </>
            )}
          </div>
        </div>
      )}
    </div>
  );
}

function Coloured({ pieces, errorAt }: { pieces: Piece[]; errorAt: [number, number] | null }) {
  let offset = 0;
  return pieces.map((piece, index) => {
    const start = offset;
    offset += piece.text.length;
    const wrong = errorAt !== null && start < errorAt[1] && offset > errorAt[0];
    return (
      <span key={index} className={`${styles[piece.kind]} ${wrong ? styles.wrong : ""}`}>
        {piece.text}
      </span>
    );
  });
}
