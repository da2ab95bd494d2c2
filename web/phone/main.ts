import '../lib/design/base.css';
import { mount } from 'svelte';
import { readLink } from '../lib/signing/index.ts';
import App from './App.svelte';
import { cell } from './cell.ts';

/** The link's code is a secret: it leaves the address at once, and so stays in no history. */
function takeLink() {
  if (location.pathname !== '/hand-over') return null;
  const link = readLink(location.hash);
  history.replaceState(null, '', '/hand-over');
  return link;
}

/** So is the code of a home, as long as nobody has taken it. */
function takeHomeCode() {
  if (location.pathname !== '/home') return '';
  const code = location.hash.slice(1);
  history.replaceState(null, '', '/home');
  return code;
}

// A link that is opened where the page already is changes nothing but what is behind the #.
addEventListener('hashchange', () => {
  const takes = location.pathname === '/home' || location.pathname === '/hand-over';
  if (takes && location.hash !== '#content') location.reload();
});

const target = document.getElementById('page');
if (target) {
  mount(App, { target, props: { port: cell, link: takeLink(), homeCode: takeHomeCode() } });
}
