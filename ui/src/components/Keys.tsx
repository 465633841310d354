// A key combination in the notation of the registry, as keys: `mod+k`, `g t`, `shift+p`.
const NAMES: Record<string, string> = {
  mod: typeof navigator !== "undefined" && navigator.platform.startsWith("Mac") ? "\u2318" : "Ctrl",
  shift: "Shift",
  alt: "Alt",
  ArrowLeft: "\u2190",
  ArrowRight: "\u2192",
  ArrowUp: "\u2191",
  ArrowDown: "\u2193",
  Escape: "Esc",
};

export function Keys({ keys }: { keys: string }) {
  const parts = keys.split(" ").flatMap((chord) => chord.split(/\+(?=.)/));
  return parts.map((part, index) => (
    <kbd key={index} className="kbd">
      {NAMES[part] ?? part}
    </kbd>
  ));
}
