// Text as it was written, that scrolls by itself where it is larger than its place.
import { type ComponentProps, useRef } from "react";
import { useOverflow } from "../lib/overflow.ts";

export function Pre(props: ComponentProps<"pre">) {
  const box = useRef<HTMLPreElement>(null);
  const more = useOverflow(box);
  return <pre {...props} ref={box} tabIndex={more ? 0 : undefined} />;
}
