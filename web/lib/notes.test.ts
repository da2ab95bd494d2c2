import { describe, expect, it } from 'vitest';
import { blocksOf, spansOf } from './notes.ts';

const plain = (text: string) => [{ text, isStrong: false }];

describe('notes', () => {
  it('are headings, lists and paragraphs', () => {
    expect(blocksOf('# New\nOne line\nand its end\n\n- first\n  goes on\n- **second**')).toEqual([
      { kind: 'heading', spans: plain('New') },
      { kind: 'paragraph', spans: plain('One line and its end') },
      { kind: 'list', items: [plain('first goes on'), [{ text: 'second', isStrong: true }]] },
    ]);
  });

  it('keep what looks like a page, a link or a lone star as the text that it is', () => {
    const text = '<b onclick="x()">[here](http://example.com)</b> 2 * 3 ** 4';
    expect(blocksOf(text)).toEqual([{ kind: 'paragraph', spans: plain(text) }]);
  });

  it('of nothing are nothing', () => {
    expect(blocksOf(' \n\n ')).toEqual([]);
  });

  it('have strong pieces within a line', () => {
    expect(spansOf('a **b** c').map(({ isStrong }) => isStrong)).toEqual([false, true, false]);
  });
});
