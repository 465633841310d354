// A link for rows that come and go by the hundred while somebody scrolls: the address is put together here, the router
// is asked only when the link is followed. A `Link` of the router listens to every change of the address.
import { useRouter } from "@tanstack/react-router";
import type { AnchorHTMLAttributes, MouseEvent } from "react";
import { type Search, stringifySearch } from "./search.ts";

export interface PlainLinkProps extends Omit<AnchorHTMLAttributes<HTMLAnchorElement>, "href"> {
  /** Without a slash at its beginning: relative to the base of the page. */
  path: string;
  search?: Search;
}

export function PlainLink({ path, search = {}, onClick, children, ...rest }: PlainLinkProps) {
  const router = useRouter();
  const address = path + stringifySearch({ ...search });
  const follow = (event: MouseEvent<HTMLAnchorElement>) => {
    onClick?.(event);
    const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    if (event.defaultPrevented || !plain) return;
    event.preventDefault();
    router.history.push(`${router.basepath.replace(/\/$/, "")}/${address}`);
  };
  return (
    <a {...rest} href={address} onClick={follow}>
      {children}
    </a>
  );
}
