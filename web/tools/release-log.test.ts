import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bundleHash, enterRelease } from './release-log.ts';

let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'release-log-'));
  mkdirSync(join(folder, 'pages/phone/assets'), { recursive: true });
  writeFileSync(join(folder, 'version.py'), '__version__ = "1.2.3"\n');
  put('index.html', '<html>');
  put('assets/index-1.js', 'one()');
});

afterEach(() => rmSync(folder, { recursive: true }));

function put(name: string, text: string): void {
  writeFileSync(join(folder, 'pages/phone', name), text);
}

function enter(keyName = 'key.jwk', now_s = 1_000, mayMakeKey = true) {
  return enterRelease({
    pages: join(folder, 'pages'),
    versionFile: join(folder, 'version.py'),
    keyFile: join(folder, keyName),
    mayMakeKey,
    now_s,
  });
}

function lines(): string[] {
  return readFileSync(join(folder, 'pages/phone-release-log.jws'), 'utf8').trimEnd().split('\n');
}

function claims(line: string | undefined): Record<string, unknown> {
  return JSON.parse(Buffer.from(line?.split('.')[1] ?? '', 'base64url').toString());
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

describe('the hash of a bundle', () => {
  it('is that of the list which sha256sum prints', () => {
    expect(bundleHash(join(folder, 'pages/phone'))).toBe(
      sha256(`${sha256('one()')}  assets/index-1.js\n${sha256('<html>')}  index.html\n`),
    );
  });

  it('changes with a name and with a byte', () => {
    const before = bundleHash(join(folder, 'pages/phone'));
    put('index.html', '<html >');
    const byte = bundleHash(join(folder, 'pages/phone'));
    put('index.html', '<html>');
    put('other.html', '');
    expect(new Set([before, byte, bundleHash(join(folder, 'pages/phone'))]).size).toBe(3);
  });
});

describe('the release log', () => {
  it('gets one chained entry for each bundle, and none for the same one again', async () => {
    await enter();
    expect((await enter('key.jwk', 2_000)).outcome).toBe('already entered');
    put('index.html', '<html lang="en">');
    await enter('key.jwk', 3_000);
    const [first, second] = lines();
    expect(lines()).toHaveLength(2);
    expect(claims(first)).toMatchObject({
      iss: 'build',
      iat: 1_000,
      version: '1.2.3',
      previous_sha256: '0'.repeat(64),
    });
    expect(claims(second)).toMatchObject({ iat: 3_000, previous_sha256: sha256(first ?? '') });
  });

  it('gets an entry for a new version of the same bundle', async () => {
    await enter();
    writeFileSync(join(folder, 'version.py'), '__version__ = "1.2.4"\n');
    expect((await enter()).outcome).toBe('entered');
  });

  it('is not continued by another key, nor when its last entry was altered', async () => {
    await enter();
    await expect(enter('other.jwk')).rejects.toMatchObject({
      message: expect.stringContaining('not signed by this key'),
      hint: expect.stringContaining('phone-release-log.jws to begin a new log'),
    });
    const file = join(folder, 'pages/phone-release-log.jws');
    const [header = '', , signature = ''] = (lines()[0] ?? '').split('.');
    const forged = Buffer.from('{"bundle_sha256":""}').toString('base64url');
    writeFileSync(file, `${header}.${forged}.${signature}\n`);
    await expect(enter()).rejects.toThrow('not signed by this key');
  });

  it('makes a key that only its owner can read, and never where a key was named', async () => {
    await expect(enter('named.jwk', 1_000, false)).rejects.toThrow('no release key');
    await enter();
    expect(statSync(join(folder, 'key.jwk')).mode & 0o777).toBe(0o600);
    const shown = readFileSync(join(folder, 'pages/phone-release-key.jwk'), 'utf8');
    expect(JSON.parse(shown)).not.toHaveProperty('d');
  });
});
