// A file system of its own, as small as a test wants it.
import { execFileSync } from 'node:child_process';
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
