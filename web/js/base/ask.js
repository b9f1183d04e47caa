// Requests to the daemon, with the token of this tab.

const TOKEN_KEY = 'picortex-token';

let token = sessionStorage.getItem(TOKEN_KEY) ?? '';
let onRejected = () => {};

export const hasToken = () => token !== '';

export function keepToken(value) {
  token = value;
  sessionStorage.setItem(TOKEN_KEY, value);
}

export function forgetToken() {
  token = '';
  sessionStorage.removeItem(TOKEN_KEY);
}

// `work` is called when the daemon no longer accepts the token.
export function whenTokenRejected(work) {
  onRejected = work;
}

export class RequestError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

async function send(path, options, secret) {
  const response = await fetch(path, { ...options, cache: 'no-store', headers: { ...options.headers, authorization: `Bearer ${secret}` } });
  if (response.ok) return response;
  let message = `${response.status} ${response.statusText}`;
  try {
    message = (await response.json()).message ?? message;
  } catch { /* not one of the daemon's own answers: its status has to do */ }
  throw new RequestError(response.status, message);
}

export async function ask(path, options = {}) {
  try {
    return await send(path, options, token);
  } catch (error) {
    if (error.status === 401) onRejected();
    throw error;
  }
}

export const askJson = async (path, options) => (await ask(path, options)).json();

export const postJson = (path, body) =>
  askJson(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });

// Throws a RequestError unless the daemon takes `secret`.
export async function tryToken(secret) {
  // A header cannot carry other characters.
  if (!/^[\x21-\x7e]+$/.test(secret)) throw new RequestError(401, '');
  await send('/api/status', {}, secret);
}

// Runs one request at a time for one place of the screen: a newer one cancels the one before.
export class Latest {
  #abort = new AbortController();

  // Calls work(signal). Returns its result, or undefined if a newer call or cancel() came first.
  async run(work) {
    this.cancel();
    const { signal } = this.#abort;
    try {
      const result = await work(signal);
      return signal.aborted ? undefined : result;
    } catch (error) {
      if (signal.aborted || error.status === 401) return undefined;
      throw error;
    }
  }

  cancel() {
    this.#abort.abort();
    this.#abort = new AbortController();
  }
}
