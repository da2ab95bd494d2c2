// The address of the page. Few pages, so no router: a path, and links that do not reload.

let current = $state(location.pathname);
let asked = $state(location.search);
let hasMoved = false;

addEventListener('popstate', () => {
  hasMoved = true;
  current = location.pathname;
  asked = location.search;
});

/** The path that is shown. */
export function path(): string {
  return current;
}

/** What stands behind the path, with its question mark; empty when nothing does. */
export function query(): string {
  return asked;
}

/** Whether the reader went from one page to another here, rather than just arrived. */
export function moved(): boolean {
  return hasMoved;
}

/** Go to an address of this site, as a new entry of the history or in place of the present one. */
export function go(to: string, how: 'push' | 'replace' = 'push'): void {
  history[how === 'push' ? 'pushState' : 'replaceState'](null, '', to);
  hasMoved ||= how === 'push' && location.pathname !== current;
  current = location.pathname;
  asked = location.search;
}

/** Lets a plain left click on a link of this site change the page without loading it again. */
export function follow(event: MouseEvent): void {
  const link = event.currentTarget;
  const plain =
    event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
  if (!plain || !(link instanceof HTMLAnchorElement)) return;
  event.preventDefault();
  go(link.pathname + link.search);
}
