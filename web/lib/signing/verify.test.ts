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
    const findKey = (keyId: string) => vectors.keys[keyId];
    const code = await verify(type, row.document, findKey, vectors.now_s, row.audience).then(
      () => null,
      (error: unknown) => (error instanceof DocumentRefused ? error.code : error),
    );
    expect(code).toBe(row.code);
  });
});

describe('strict JSON', () => {
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
