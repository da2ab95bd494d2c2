// What this browser remembers between visits: the language, the appearance, which of one's cars was
// looked at last, and which release was put off; nothing else.
// A browser may forbid storage; then nothing is remembered and nothing breaks.

type Remembered = 'locale' | 'theme' | 'car' | 'later';

/** What was kept, or null. */
export function kept(name: Remembered): string | null {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

/** Keep a value; in vain where storage is forbidden. */
export function keep(name: Remembered, value: string): void {
  try {
    localStorage.setItem(name, value);
  } catch {
    // Nothing to do: the choice holds until the page is closed.
  }
}
