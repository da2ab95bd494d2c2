// JSON whose objects have no member twice (readers differ in which of the two counts), and whose
// texts are whole letters.

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]/gs;

/** The value of a JSON text; throws SyntaxError, also for a member that is there twice. */
export function parseStrictly(text: string): unknown {
  const value: unknown = JSON.parse(text);
  // The text is JSON from here on, so its tokens alone say where a member's name stands.
  const open: (Set<string> | null)[] = [];
  let previous = '';
  for (const [token] of text.matchAll(TOKEN)) {
    if (token === '{') open.push(new Set());
    else if (token === '[') open.push(null);
    else if (token === '}' || token === ']') open.pop();
    else if (token.startsWith('"') && /\p{Surrogate}/u.test(JSON.parse(token))) {
      throw new SyntaxError('A text has half of a surrogate pair.'); // RFC 7493 section 2.1
    }
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
