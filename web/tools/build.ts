// Builds the four sites into the package: `node tools/build.ts [FOLDER]`.
// Then enters the phone site's hash into the release log.

import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'vite';
import { SITES, siteConfig } from '../vite.config.ts';
import { enterRelease, ReleaseRefused } from './release-log.ts';

const PROJECT = resolve(import.meta.dirname, '../..');
const pages = resolve(process.argv[2] ?? join(PROJECT, 'src/monocoque/roles/pages'));

mkdirSync(pages, { recursive: true });
for (const site of SITES) {
  await build(siteConfig(site, join(pages, site)));
}
try {
  const entry = await enterRelease({
    pages,
    versionFile: join(PROJECT, 'src/monocoque/__init__.py'),
    keyFile:
      process.env.MONOCOQUE_RELEASE_KEY ?? join(PROJECT, 'build/phone-release-key.private.jwk'),
    mayMakeKey: process.env.MONOCOQUE_RELEASE_KEY === undefined,
    now_s: Math.floor(Date.now() / 1_000),
  });
  console.log(`${SITES.length} sites in ${pages}; phone ${entry.bundle_sha256} (${entry.outcome})`);
} catch (error) {
  if (!(error instanceof ReleaseRefused)) throw error;
  console.error(`${error.message}\n${error.hint}`);
  process.exitCode = 1;
}
