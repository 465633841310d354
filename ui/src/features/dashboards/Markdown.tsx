// A text panel, from the tree of its Markdown.

import { Fragment } from "react";
import { Pre } from "../../components/Pre.tsx";
import { type Block, type Inline, parseMarkdown } from "./markdown-tree.ts";
import styles from "./Panel.module.css";

export function Markdown({ text }: { text: string }) {
  return (
    <div className={styles.text}>
      {parseMarkdown(text).map((block, index) => (
        <BlockView key={index} block={block} />
      ))}
    </div>
  );
}

function BlockView({ block }: { block: Block }) {
  switch (block.kind) {
    case "heading":
      return (
        <h3 data-level={block.level}>
          <Inlines inlines={block.inlines} />
        </h3>
      );
    case "list":
      return (
        <ul>
          {block.items.map((item, index) => (
            <li key={index}>
              <Inlines inlines={item} />
            </li>
          ))}
        </ul>
      );
    case "code":
      return <Pre>{block.text}</Pre>;
    default:
      return (
        <p>
          <Inlines inlines={block.inlines} />
        </p>
      );
  }
}

function Inlines({ inlines }: { inlines: readonly Inline[] }) {
  return inlines.map((part, index) => {
    switch (part.kind) {
      case "code":
        return <code key={index}>{part.text}</code>;
      case "bold":
        return <strong key={index}>{part.text}</strong>;
      case "link":
        return (
          <a key={index} href={part.href} rel="noreferrer">
            {part.text}
          </a>
        );
      default:
        return <Fragment key={index}>{part.text}</Fragment>;
    }
  });
}
