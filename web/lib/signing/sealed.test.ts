import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { decodeBase64url } from './bytes.ts';
import { openSealed, type ReaderKey, seal } from './sealed.ts';
import { DocumentRefused } from './verify.ts';

interface Case {
  name: string;
  key: JsonWebKey;
  purpose: string;
  sealed: string;
  plaintext: string | null;
  code: string | null;
}

const FILE = join(import.meta.dirname, '../../../tests/vectors/sealed.json');
const vectors: { cases: Case[] } = JSON.parse(readFileSync(FILE, 'utf8'));
const P256 = { name: 'ECDH', namedCurve: 'P-256' };

async function readerOf(key: JsonWebKey): Promise<ReaderKey> {
  const { d: _, ...publicMembers } = key;
  return {
    privateKey: await crypto.subtle.importKey('jwk', key, P256, false, ['deriveBits']),
    publicKey: await crypto.subtle.importKey('jwk', publicMembers, P256, true, []),
  };
}

describe('a sealed message', () => {
  it.each(vectors.cases)('is opened as the cell opens it: $name', async (row) => {
    const [sealed, purpose] = [decodeBase64url(row.sealed), decodeBase64url(row.purpose)];
    const said = await openSealed(await readerOf(row.key), sealed, purpose).catch(
      (error: unknown) => (error instanceof DocumentRefused ? error.code : error),
    );
    expect(said).toEqual(row.code ?? decodeBase64url(row.plaintext ?? ''));
  });

  it('opens for its reader and purpose alone, and is never sealed alike twice', async () => {
    const reader: ReaderKey = await crypto.subtle.generateKey(P256, false, ['deriveBits']);
    const other: ReaderKey = await crypto.subtle.generateKey(P256, false, ['deriveBits']);
    const bytes = (text: string) => new TextEncoder().encode(text);
    const sealed = await seal(reader.publicKey, bytes('unlock'), bytes('one'));
    expect(await openSealed(reader, sealed, bytes('one'))).toEqual(bytes('unlock'));
    await expect(openSealed(other, sealed, bytes('one'))).rejects.toThrow(DocumentRefused);
    await expect(openSealed(reader, sealed, bytes('two'))).rejects.toThrow(DocumentRefused);
    expect(await seal(reader.publicKey, bytes('unlock'), bytes('one'))).not.toEqual(sealed);
  });
});
