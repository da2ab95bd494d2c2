import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseStrictly } from './json.ts';
import { DocumentRefused, type DocumentType, type PublicKey, verify } from './verify.ts';

interface Case {
  name: string;
  typ: string;
  audience: string | null;
  code: string | null;
  document: string;
  times?: number;
  claims?: unknown;
}
interface Vectors {
  now_s: number;
  keys: Record<string, PublicKey>;
  types: DocumentType[];
  cases: Case[];
}

const FILE = join(import.meta.dirname, '../../../tests/vectors/documents.json');
const vectors: Vectors = JSON.parse(readFileSync(FILE, 'utf8'));

describe('a document', () => {
  it.each(vectors.cases)('is read as the cell reads it: $name', async (row) => {
    const type = vectors.types.find((candidate) => candidate.typ === row.typ);
    if (type === undefined) throw new Error(`The vectors have no type ${row.typ}.`);
    const findKey = (keyId: string) =>
      Object.hasOwn(vectors.keys, keyId) ? vectors.keys[keyId] : undefined;
    const document = row.document.repeat(row.times ?? 1);
    const said = await verify(type, document, findKey, vectors.now_s, row.audience).catch(
      (error: unknown) => (error instanceof DocumentRefused ? error.code : error),
    );
    expect(said).toEqual(row.code ?? row.claims);
  });
});

describe('strict JSON', () => {
  it.each(['1.0', '[1e3]', '{"a":-1.5}', '9007199254740992', '-9007199254740992', '1e999'])(
    'refuses a number that not every language reads alike: %s',
    (text) => {
      expect(() => parseStrictly(text)).toThrow(SyntaxError);
    },
  );

  it('takes the largest numbers, and long texts with what looks like numbers', () => {
    const text = JSON.stringify([Number.MAX_SAFE_INTEGER, -Number.MAX_SAFE_INTEGER, 0]);
    expect(parseStrictly(text)).toEqual(JSON.parse(text));
    const long = JSON.stringify({ a: '1.5\n"1e3'.repeat(8_000) });
    expect(parseStrictly(long)).toEqual(JSON.parse(long));
  });

  it('takes sixteen levels and no more', () => {
    const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);
    expect(() => parseStrictly(nested(16))).not.toThrow();
    expect(() => parseStrictly(nested(17))).toThrow(SyntaxError);
    expect(() => parseStrictly(nested(20_000))).toThrow(SyntaxError);
  });

  it.each(['{"a":1,"a":2}', '{"a":{"b":1,"b":2}}', '[{"a":1,"\\u0061":2}]', '{"a":"a","a":[]}'])(
    'refuses a member that is there twice: %s',
    (text) => {
      expect(() => parseStrictly(text)).toThrow(SyntaxError);
    },
  );

  it.each([
    '{"a":"a","b":"a"}',
    '{"a":["a","a"]}',
    '[{"a":1},{"a":1}]',
    '{"a":"{\\"a\\":1,\\"a\\""}',
  ])('takes what only looks like it: %s', (text) => {
    expect(parseStrictly(text)).toEqual(JSON.parse(text));
  });
});
