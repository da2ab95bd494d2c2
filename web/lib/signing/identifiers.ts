// Identifiers, as monocoque.contracts.identifiers has them: a prefix and 128 random bits in 26
// characters of Crockford's base 32.

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const BODY = /^[0-7][0-9a-hjkmnp-tv-z]{25}$/;

/** A new identifier by the browser's chance, such as `command_0123456789abcdefghjkmnpqrs`. */
export function newIdentifier(prefix: string): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  let number = bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  let body = '';
  for (let place = 0; place < 26; place += 1) {
    body = ALPHABET.charAt(Number(number & 31n)) + body;
    number >>= 5n;
  }
  return `${prefix}_${body}`;
}

/** Whether the value is an identifier of that prefix. */
export function isIdentifier(value: unknown, prefix: string): value is string {
  if (typeof value !== 'string' || !value.startsWith(`${prefix}_`)) return false;
  return BODY.test(value.slice(prefix.length + 1));
}
