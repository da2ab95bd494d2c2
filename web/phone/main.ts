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

const target = document.getElementById('page');
if (target) {
  mount(App, { target, props: { port: cell, link: takeLink() } });
}
