// The appearance: the system's, unless somebody chose light or dark.
// `appearance.js` reads the same key before the first paint.

import { keep, kept } from '../storage.ts';

export const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

/** Whether it is one of our themes. */
export function isTheme(value: unknown): value is Theme {
  return THEMES.some((theme) => theme === value);
}

function initial(): Theme {
  const before = kept('theme');
  return isTheme(before) ? before : 'system';
}

let current = $state<Theme>(initial());

/** The appearance that was chosen. */
export function theme(): Theme {
  return current;
}

/** Look so from now on. */
export function setTheme(next: Theme): void {
  current = next;
  keep('theme', next);
  if (next === 'system') {
    delete document.documentElement.dataset.theme;
  } else {
    document.documentElement.dataset.theme = next;
  }
}
