// Notes of a release: the small part of Markdown that they use, as plain values. Pure.
//
// Rules: nothing becomes HTML; what is not a heading, a list or a paragraph is shown as it stands.
// Left out on purpose: links, pictures and everything else that could lead away from the page.

/** A piece of a line; strong where it stood between two stars. */
export interface Span {
  readonly text: string;
  readonly isStrong: boolean;
}

export type Block =
  | { readonly kind: 'heading' | 'paragraph'; readonly spans: readonly Span[] }
  | { readonly kind: 'list'; readonly items: readonly (readonly Span[])[] };

const HEADING = /^#{1,6}\s+(.*)$/;
const ITEM = /^\s*(?:[-*+]|\d{1,3}[.)])\s+(.*)$/;

/** The blocks of a text. */
export function blocksOf(text: string): Block[] {
  const blocks: Block[] = [];
  for (const piece of text.replaceAll('\r\n', '\n').split(/\n\s*\n/)) {
    let lines: string[] = [];
    let items: string[] = [];
    const end = () => {
      if (lines.length > 0) blocks.push({ kind: 'paragraph', spans: spansOf(lines.join(' ')) });
      if (items.length > 0) blocks.push({ kind: 'list', items: items.map(spansOf) });
      lines = [];
      items = [];
    };
    for (const line of piece.split('\n')) {
      const heading = HEADING.exec(line)?.[1];
      const item = ITEM.exec(line)?.[1];
      if (heading !== undefined) {
        end();
        blocks.push({ kind: 'heading', spans: spansOf(heading) });
      } else if (item !== undefined) {
        if (lines.length > 0) end();
        items.push(item);
      } else if (line.trim() !== '') {
        const last = items.pop();
        if (last === undefined) lines.push(line.trim());
        else items.push(`${last} ${line.trim()}`); // the item goes on
      }
    }
    end();
  }
  return blocks;
}

/** The pieces of a line, without the stars. */
export function spansOf(line: string): Span[] {
  return line
    .split(/\*\*([^*]+)\*\*/) // every second piece stood between stars
    .map((text, place) => ({ text, isStrong: place % 2 === 1 }))
    .filter(({ text }) => text !== '');
}
