// The daemon's secret, and the header that carries it.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

export async function readToken(dataDir) {
  return (await readFile(join(dataDir, 'token'), 'utf8')).trim();
}

export async function authorization(dataDir) {
  return { authorization: `Bearer ${await readToken(dataDir)}` };
}
