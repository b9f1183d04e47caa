// An application's folder as its author has it: the package of clients/node installed from a tarball, with the npm packages
// of these tests.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporaryDirectory } from './daemon.mjs';

export const repository = resolve(dirname(fileURLToPath(import.meta.url)), '../../..');
const installed = join(repository, 'tests/end_to_end/node_modules');

// The path of a fresh folder with node_modules in it.
export async function applicationFolder(owner) {
  const folder = await temporaryDirectory(owner);
  const modules = join(folder, 'node_modules');
  mkdirSync(modules);
  for (const name of readdirSync(installed)) {
    if (!name.startsWith('.')) symlinkSync(join(installed, name), join(modules, name));
  }
  installPicortex(folder);
  return folder;
}

// As `npm install picortex-VERSION.tgz` does it, without asking a registry.
function installPicortex(folder) {
  const target = join(folder, 'node_modules', 'picortex');
  execFileSync('npm', ['pack', '--silent', '--pack-destination', folder, join(repository, 'clients/node')], { stdio: ['ignore', 'ignore', 'inherit'] });
  const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz'));
  mkdirSync(target);
  execFileSync('tar', ['xzf', join(folder, tarball), '--strip-components=1', '-C', target]);
  rmSync(join(folder, tarball));
}
