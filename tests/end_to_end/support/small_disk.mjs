// A file system of its own, as small as a test wants it.
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { cleanUpAfter } from './cleanup.mjs';
import { temporaryDirectory } from './daemon.mjs';

// Options of a test that mounts one.
export const mounts = process.getuid() === 0 ? {} : { skip: 'needs root to mount a small file system' };

// `options`: of tmpfs(5). Gone when the owner ends.
export async function smallDisk(t, options) {
  const path = await temporaryDirectory(t);
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', path]);
  cleanUpAfter(t, () => execFileSync('umount', ['-l', path]));
  return path;
}

// An ext4 of its own in a file, which can be frozen. Whatever happens to the test, it ends thawed and unmounted.
export async function freezableDisk(t) {
  const directory = await temporaryDirectory(t);
  const image = join(directory, 'image');
  const mountPoint = join(directory, 'mounted');
  mkdirSync(mountPoint);
  execFileSync('truncate', ['-s', '64M', image]);
  execFileSync('mkfs.ext4', ['-q', '-F', image]);
  execFileSync('mount', ['-o', 'loop', image, mountPoint]);
  const thaw = () => execFileSync('sh', ['-c', 'fsfreeze -u "$1" 2>/dev/null || true', 'sh', mountPoint]);
  const end = () => execFileSync('sh', ['-c', 'fsfreeze -u "$1" 2>/dev/null; umount -l "$1" || true', 'sh', mountPoint]);
  process.on('exit', thaw);
  cleanUpAfter(t, end);
  const dataDir = join(mountPoint, 'data');
  mkdirSync(dataDir, { mode: 0o700 });
  return { dataDir, freeze: () => execFileSync('fsfreeze', ['-f', mountPoint]), thaw };
}
