// How one site is built, and how the tests run.
//
// Rules: every site is a bundle of its own; nothing is inlined (the pages run under
// `default-src 'self'`, which forbids inline scripts, inline styles and data: addresses);
// nothing is fetched from anywhere but the site itself.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import type { InlineConfig, Plugin } from 'vite';
import { defineConfig } from 'vitest/config';

export const SITES = ['doors', 'shop', 'phone', 'console'] as const;
export type SiteName = (typeof SITES)[number];

const WEB = import.meta.dirname;

/** Puts the appearance script before everything else, as a small blocking file of its own. */
function appearanceFirst(): Plugin {
  const source = readFileSync(join(WEB, 'lib/design/appearance.js'), 'utf8');
  const hash = createHash('sha256').update(source).digest('hex').slice(0, 8);
  const fileName = `assets/appearance-${hash}.js`;
  return {
    name: 'monocoque-appearance-first',
    generateBundle() {
      this.emitFile({ type: 'asset', fileName, source });
    },
    transformIndexHtml: () => [
      { tag: 'script', attrs: { src: `/${fileName}` }, injectTo: 'head-prepend' },
    ],
  };
}

/** The configuration that builds one site into one folder. */
export function siteConfig(site: SiteName, outDir: string): InlineConfig {
  return {
    configFile: false,
    root: join(WEB, site),
    publicDir: false,
    logLevel: 'warn',
    plugins: [svelte({ configFile: join(WEB, 'svelte.config.js') }), appearanceFirst()],
    build: {
      outDir,
      emptyOutDir: true,
      assetsInlineLimit: 0,
      modulePreload: false,
      reportCompressedSize: false,
      target: ['chrome123', 'safari17.5', 'firefox121'],
    },
  };
}

export default defineConfig({
  plugins: [svelte()],
  test: {
    include: ['{lib,console,phone,shop,tools}/**/*.test.ts'],
    environment: 'node',
    sequence: { shuffle: true },
  },
});
