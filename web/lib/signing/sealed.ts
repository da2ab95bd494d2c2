// Seals bytes for one reader, and opens them: HPKE in base mode (RFC 9180) by WebCrypto, the
// suite and the bytes of monocoque.trust.sealing: DHKEM(P-256, HKDF-SHA256), HKDF-SHA256,
// AES-256-GCM. Both sides read tests/vectors/sealed.json.
//
// Rules: the purpose is HPKE's `info`: what was sealed for one use opens for no other. Sealed bytes
// are the sender's one-time public key (65 bytes), then the ciphertext with its tag.
// Left out on purpose: who sealed it (sign a document for that), the other modes, and streams.

import { joined } from './bytes.ts';
import { DocumentRefused } from './verify.ts';

type Bytes = Uint8Array<ArrayBuffer>;

const P256 = { name: 'ECDH', namedCurve: 'P-256' };
const POINT_BYTES = 65;
const UNCOMPRESSED = 4;
const HASH_BYTES = 32;
const KEM_ID = joined(ascii('KEM'), Uint8Array.of(0, 0x10));
const HPKE_ID = joined(ascii('HPKE'), Uint8Array.of(0, 0x10, 0, 1, 0, 2));
const MODE_BASE = Uint8Array.of(0);
const NOTHING = new Uint8Array(0);

/** A reader's key pair for ECDH on P-256; the private half need not be extractable. */
export interface ReaderKey {
  privateKey: CryptoKey;
  publicKey: CryptoKey;
}

/** The bytes, for the holder of this ECDH public key alone and for this purpose alone. */
export async function seal(reader: CryptoKey, plaintext: Bytes, purpose: Bytes): Promise<Bytes> {
  const own = await crypto.subtle.generateKey(P256, false, ['deriveBits']);
  const sender = await pointOf(own.publicKey);
  const agreed = await agree(own.privateKey, reader);
  const { key, nonce } = await schedule(agreed, joined(sender, await pointOf(reader)), purpose);
  const sealed = await crypto.subtle.encrypt({ name: 'AES-GCM', iv: nonce }, key, plaintext);
  return joined(sender, new Uint8Array(sealed));
}

/** What was sealed for this reader and purpose; throws DocumentRefused. */
export async function openSealed(reader: ReaderKey, sealed: Bytes, purpose: Bytes): Promise<Bytes> {
  const point = sealed.slice(0, POINT_BYTES);
  try {
    if (point[0] !== UNCOMPRESSED) throw new SyntaxError('A key is written out whole.');
    const sender = await crypto.subtle.importKey('raw', point, P256, true, []);
    const agreed = await agree(reader.privateKey, sender);
    const pair = joined(point, await pointOf(reader.publicKey));
    const { key, nonce } = await schedule(agreed, pair, purpose);
    const how = { name: 'AES-GCM', iv: nonce };
    return new Uint8Array(await crypto.subtle.decrypt(how, key, sealed.slice(POINT_BYTES)));
  } catch {
    throw new DocumentRefused('decryption_failed');
  }
}

/** ExtractAndExpand and KeySchedule of RFC 9180, sections 4.1 and 5.1. */
async function schedule(
  agreed: Bytes,
  pair: Bytes,
  purpose: Bytes,
): Promise<{ key: CryptoKey; nonce: Bytes }> {
  const extracted = await extract(KEM_ID, NOTHING, 'eae_prk', agreed);
  const shared = await expand(KEM_ID, extracted, 'shared_secret', pair, HASH_BYTES);
  const context = joined(
    MODE_BASE,
    await extract(HPKE_ID, NOTHING, 'psk_id_hash', NOTHING),
    await extract(HPKE_ID, NOTHING, 'info_hash', purpose),
  );
  const secret = await extract(HPKE_ID, shared, 'secret', NOTHING);
  const key = await expand(HPKE_ID, secret, 'key', context, 32);
  const nonce = await expand(HPKE_ID, secret, 'base_nonce', context, 12);
  const usages: KeyUsage[] = ['encrypt', 'decrypt'];
  return { key: await crypto.subtle.importKey('raw', key, 'AES-GCM', false, usages), nonce };
}

async function agree(privateKey: CryptoKey, publicKey: CryptoKey): Promise<Bytes> {
  const how = { name: 'ECDH', public: publicKey };
  return new Uint8Array(await crypto.subtle.deriveBits(how, privateKey, 8 * HASH_BYTES));
}

async function pointOf(publicKey: CryptoKey): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.exportKey('raw', publicKey));
}

/** LabeledExtract of RFC 9180 section 4. */
function extract(suiteId: Bytes, salt: Bytes, label: string, secret: Bytes): Promise<Bytes> {
  return authenticate(salt, joined(ascii('HPKE-v1'), suiteId, ascii(label), secret));
}

/** LabeledExpand of RFC 9180 section 4; one block of HKDF is enough for us. */
async function expand(
  suiteId: Bytes,
  secret: Bytes,
  label: string,
  info: Bytes,
  lengthBytes: number,
): Promise<Bytes> {
  const labelled = joined(ascii('HPKE-v1'), suiteId, ascii(label), info);
  const block = joined(Uint8Array.of(0, lengthBytes), labelled, Uint8Array.of(1));
  return (await authenticate(secret, block)).slice(0, lengthBytes);
}

async function authenticate(secret: Bytes, message: Bytes): Promise<Bytes> {
  // WebCrypto takes no empty key; HMAC fills a short one with zeros (RFC 2104), so this is the same.
  const raw = secret.length === 0 ? new Uint8Array(HASH_BYTES) : secret;
  const how = { name: 'HMAC', hash: 'SHA-256' };
  const key = await crypto.subtle.importKey('raw', raw, how, false, ['sign']);
  return new Uint8Array(await crypto.subtle.sign('HMAC', key, message));
}

function ascii(text: string): Bytes {
  return new TextEncoder().encode(text);
}
