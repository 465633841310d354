// A sentence of the server, with what stands in backticks as code.
export function CodeText({ children }: { children: string }) {
  return children
    .split("`")
    .map((part, index) => (index % 2 === 1 ? <code key={index}>{part}</code> : <span key={index}>{part}</span>));
}
