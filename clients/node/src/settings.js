// Where the daemon is, and with what it is talked to: options first, then the variables that picortex's own commands read.
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const MiB = 1024 * 1024;
const DEFAULT_URL = 'http://127.0.0.1:8787';

const NUMBERS = {
  delayMs: { fallback: 100, min: 0, max: 60_000 },
  timeoutMs: { fallback: 30_000, min: 100, max: 600_000 },
  exitTimeoutMs: { fallback: 3_000, min: 0, max: 8_000 },
  memoryMaxBytes: { fallback: 8 * MiB, min: MiB, max: 1024 * MiB },
  spoolMaxBytes: { fallback: 64 * MiB, min: 0, max: 64 * 1024 * MiB },
};
const NAMES = ['url', 'token', 'tokenFile', 'serverUid', 'spoolDirectory', 'quiet', ...Object.keys(NUMBERS)];

export function resolveSettings(options = {}, environment = process.env) {
  for (const name of Object.keys(options)) {
    if (!NAMES.includes(name)) throw new TypeError(`Unknown option ${JSON.stringify(name)}. The options are ${NAMES.join(', ')}.`);
  }
  const settings = {
    server: parseServer(options.url ?? environment.PICORTEX_URL ?? urlOfListen(environment.PICORTEX_LISTEN) ?? DEFAULT_URL),
    serverUid: options.serverUid,
    token: options.token ?? (environment.PICORTEX_TOKEN || undefined),
    tokenFiles: tokenFiles(options, environment),
    spoolDirectory: options.spoolDirectory ?? spoolDirectory(environment),
    quiet: options.quiet === true,
  };
  for (const [name, { fallback, min, max }] of Object.entries(NUMBERS)) {
    const value = options[name] ?? fallback;
    if (!Number.isInteger(value) || value < min || value > max) {
      throw new TypeError(`${name} ${JSON.stringify(value)} is not allowed. Give a whole number from ${min} to ${max}.`);
    }
    settings[name] = value;
  }
  return settings;
}

// PICORTEX_LISTEN names what the daemon listens on: the first address is used.
function urlOfListen(listen) {
  const first = listen?.split(',')[0].trim();
  if (!first) return undefined;
  return first.startsWith('unix:') ? first : `http://${first}`;
}

function parseServer(url) {
  if (typeof url === 'string' && url.startsWith('unix:/')) return { text: url, socketPath: url.slice(5), host: 'localhost' };
  let parsed;
  try {
    parsed = new URL(url);
  } catch {
    throw new TypeError(`url ${JSON.stringify(url)} is not allowed. Give http://HOST:PORT, https://HOST or unix:/PATH.`);
  }
  const isPlain = parsed.pathname === '/' && !parsed.search && !parsed.hash && !parsed.username && !parsed.password;
  if (!['http:', 'https:'].includes(parsed.protocol) || !isPlain) {
    throw new TypeError(`url ${JSON.stringify(url)} is not allowed. Give http://HOST:PORT, https://HOST or unix:/PATH.`);
  }
  const isTls = parsed.protocol === 'https:';
  return {
    text: parsed.origin,
    isTls,
    hostname: parsed.hostname.replace(/^\[|\]$/g, ''),
    port: Number(parsed.port) || (isTls ? 443 : 80),
    host: parsed.host,
  };
}

function tokenFiles(options, environment) {
  if (options.tokenFile) return [options.tokenFile];
  if (environment.PICORTEX_TOKEN_FILE) return [environment.PICORTEX_TOKEN_FILE];
  if (environment.PICORTEX_DATA_DIR) return [join(environment.PICORTEX_DATA_DIR, 'token')];
  return ['var/token', '/var/lib/picortex/token'];
}

function spoolDirectory(environment) {
  const state = [environment.XDG_STATE_HOME, environment.HOME && join(environment.HOME, '.local/state')]
    .find((path) => path?.startsWith('/'));
  return state && join(state, 'picortex', 'spool');
}

// { text, owner }: the secret and the user whose file it was in (undefined when it came as text), or { problem }.
// Reads again each time, since a token may be rotated.
export function readToken(settings) {
  if (settings.token !== undefined) {
    return isToken(settings.token) ? { text: settings.token } : { problem: 'the token has characters that no token has' };
  }
  const problems = [];
  for (const path of settings.tokenFiles) {
    let file;
    try {
      file = openSync(path, 'r');
      const text = readFileSync(file, 'utf8').trim();
      if (!isToken(text)) return { problem: `${path} does not hold a token` };
      return { text, owner: fstatSync(file).uid };
    } catch (error) {
      problems.push(`cannot read the token in ${path} (${error.code ?? error.message})`);
    } finally {
      if (file !== undefined) closeSync(file);
    }
  }
  return { problem: `${problems.join(', ')}. Set PICORTEX_TOKEN or PICORTEX_TOKEN_FILE.` };
}

function isToken(text) {
  return typeof text === 'string' && /^[!-~]{1,4096}$/.test(text);
}
