// The release log of the phone site: one signed line for each bundle that was ever built here.
//
// Rules:
// - the bundle's hash is SHA-256 over its files in order of name, one line each: the file's own
//   SHA-256 in hex, two spaces, its path, a newline (what `sha256sum` prints);
// - an entry is a compact JWS (RFC 7515, EdDSA of RFC 8037) of the type that
//   contracts/documents.py names, one on each line;
// - each entry names the SHA-256 of the line before it (64 zeros for the first), so that none can be
//   taken out or put in between; the same bundle as in the last entry adds nothing;
// - a log that another key signed is not continued: it stops the build.
//
// The key is a private JWK (OKP, Ed25519). Without a named one, a development key is made once.

import { createHash, webcrypto } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';

const TYP = 'monocoque-phone-release.v1+jws';
const ISSUER = 'build';
const FIRST_PREVIOUS = '0'.repeat(64);
const LOG_NAME = 'phone-release-log.jws';
const KEY_NAME = 'phone-release-key.jwk';

interface Order {
  /** The folder with the built sites, where log and public key are put. */
  readonly pages: string;
  /** The Python file that says the version. */
  readonly versionFile: string;
  readonly keyFile: string;
  /** Whether a key may be made where there is none: for development only. */
  readonly mayMakeKey: boolean;
  readonly now_s: number;
}

/** What stops the build, and what a person can do now. */
export class ReleaseRefused extends Error {
  readonly hint: string;

  constructor(what: string, hint: string) {
    super(what);
    this.hint = hint;
  }
}

interface Entered {
  readonly bundle_sha256: string;
  readonly outcome: 'entered' | 'already entered';
}

interface Key {
  readonly sign: webcrypto.CryptoKey;
  readonly verify: webcrypto.CryptoKey;
  readonly publicJwk: Readonly<Record<string, string>>;
  readonly kid: string;
}

function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

/** The hash of a folder of files; the same files give the same hash, in whatever order they lie. */
export function bundleHash(folder: string): string {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((found) => found.isFile())
    .map((found) => relative(folder, join(found.parentPath, found.name)).split(sep).join('/'))
    .sort((a, b) => (a < b ? -1 : 1));
  return sha256(
    names.map((name) => `${sha256(readFileSync(join(folder, name)))}  ${name}\n`).join(''),
  );
}

/** Sign an entry for the phone bundle, unless the last entry is for this very bundle. */
export async function enterRelease(order: Order): Promise<Entered> {
  const key = await readKey(order);
  const log = join(order.pages, LOG_NAME);
  const lines = existsSync(log) ? readFileSync(log, 'utf8').split('\n').filter(Boolean) : [];
  const last = lines.at(-1);
  const bundle_sha256 = bundleHash(join(order.pages, 'phone'));
  const version = readVersion(order.versionFile);
  if (last !== undefined) {
    const claims = await readEntry(last, key, log);
    if (claims.bundle_sha256 === bundle_sha256 && claims.version === version) {
      return { bundle_sha256, outcome: 'already entered' };
    }
  }
  const entry = await sign(key, {
    iss: ISSUER,
    iat: order.now_s,
    version,
    bundle_sha256,
    previous_sha256: last === undefined ? FIRST_PREVIOUS : sha256(last),
  });
  writeWhole(log, `${[...lines, entry].join('\n')}\n`);
  writeWhole(join(order.pages, KEY_NAME), `${JSON.stringify(key.publicJwk, null, 2)}\n`);
  return { bundle_sha256, outcome: 'entered' };
}

async function readKey(order: Order): Promise<Key> {
  if (!existsSync(order.keyFile)) {
    if (!order.mayMakeKey) {
      throw new ReleaseRefused(
        `There is no release key at ${order.keyFile}.`,
        'MONOCOQUE_RELEASE_KEY names it; correct that, or unset it to use a development key.',
      );
    }
    await makeKey(order.keyFile);
  }
  const jwk = JSON.parse(readFileSync(order.keyFile, 'utf8')) as Readonly<Record<string, string>>;
  const { kty = '', crv = '', x = '', d = '' } = jwk;
  if (kty !== 'OKP' || crv !== 'Ed25519' || !x || !d) {
    throw new ReleaseRefused(
      `The release key at ${order.keyFile} is not a private Ed25519 JWK.`,
      'Put the right key there; a development key may be removed: the build makes another.',
    );
  }
  // RFC 7638: the thumbprint is the hash of exactly these members, in this order.
  const kid = createHash('sha256').update(JSON.stringify({ crv, kty, x })).digest('base64url');
  const [sign, verify] = await Promise.all([
    webcrypto.subtle.importKey('jwk', { kty, crv, x, d }, 'Ed25519', false, ['sign']),
    webcrypto.subtle.importKey('jwk', { kty, crv, x }, 'Ed25519', false, ['verify']),
  ]);
  return { sign, verify, publicJwk: { kty, crv, x, kid, alg: 'EdDSA', use: 'sig' }, kid };
}

async function makeKey(file: string): Promise<void> {
  const pair = await webcrypto.subtle.generateKey('Ed25519', true, ['sign', 'verify']);
  if (!('privateKey' in pair)) throw new Error('This Node makes no Ed25519 keys.');
  const { kty, crv, x, d } = await webcrypto.subtle.exportKey('jwk', pair.privateKey);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify({ kty, crv, x, d })}\n`, { mode: 0o600, flag: 'wx' });
}

async function sign(key: Key, claims: Readonly<Record<string, string | number>>): Promise<string> {
  const header = { alg: 'EdDSA', kid: key.kid, typ: TYP };
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
  const signed = `${encode(header)}.${encode(claims)}`;
  const signature = await webcrypto.subtle.sign('Ed25519', key.sign, Buffer.from(signed));
  return `${signed}.${Buffer.from(signature).toString('base64url')}`;
}

async function readEntry(
  line: string,
  key: Key,
  log: string,
): Promise<Readonly<Record<string, unknown>>> {
  const [header = '', claims = '', signature = ''] = line.split('.');
  const isOurs = await webcrypto.subtle.verify(
    'Ed25519',
    key.verify,
    Buffer.from(signature, 'base64url'),
    Buffer.from(`${header}.${claims}`),
  );
  if (!isOurs) {
    throw new ReleaseRefused(
      'The last entry of the release log is not signed by this key.',
      `Name the key that signed it in MONOCOQUE_RELEASE_KEY, or remove ${log} to begin a new log.`,
    );
  }
  return JSON.parse(Buffer.from(claims, 'base64url').toString('utf8'));
}

function readVersion(file: string): string {
  const version = /^__version__ = "([^"]+)"$/m.exec(readFileSync(file, 'utf8'))?.[1];
  if (!version) throw new Error(`${file} says no version.`);
  return version;
}

/** Write beside and rename, so that a build that is cut off leaves the old file whole. */
function writeWhole(file: string, text: string): void {
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
}
