// JSON that every language reads alike: no object has a member twice (readers differ in which of
// the two counts), numbers are whole and not too large, texts are whole letters, and nothing is
// nested deeper than the limit.

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|-?\d[\d.eE+-]*/gs;
const DEPTH_MAX = 16;

/** The value of a JSON text; throws SyntaxError, also for what is JSON and not read alike. */
export function parseStrictly(text: string): unknown {
  const value: unknown = JSON.parse(text);
  // The text is JSON from here on, so its tokens alone say where a member's name stands.
  const open: (Set<string> | null)[] = [];
  let previous = '';
  for (const [token] of text.matchAll(TOKEN)) {
    if (token === '{') open.push(new Set());
    else if (token === '[') open.push(null);
    else if (token === '}' || token === ']') open.pop();
    else checkValue(token);
    if (open.length > DEPTH_MAX) throw new SyntaxError('A part is nested too deeply.');
    const names = open.at(-1);
    if (names && token.startsWith('"') && previous !== ':') {
      const name: string = JSON.parse(token);
      if (names.has(name)) throw new SyntaxError('A member is there twice.');
      names.add(name);
    }
    previous = token;
  }
  return value;
}

function checkValue(token: string): void {
  if (token.startsWith('"')) {
    if (!/\p{Surrogate}/u.test(JSON.parse(token))) return;
    throw new SyntaxError('A text has half of a surrogate pair.'); // RFC 7493 section 2.1
  }
  if (token === ',' || token === ':') return;
  if (/^-?\d+$/.test(token) && Number.isSafeInteger(Number(token))) return;
  throw new SyntaxError('A number is not whole, or too large.'); // RFC 7493 section 2.2
}
