// Whose work the current code does: the request ID and the chat, carried through asynchronous code by AsyncLocalStorage.
import { AsyncLocalStorage } from 'node:async_hooks';
import { isUuid, newRequestId } from './uuid.js';

// Shared by all copies of this package in the process.
const KEY = Symbol.for('picortex.context');
globalThis[KEY] ??= new AsyncLocalStorage();
const storage = globalThis[KEY];

// On a logger: the context that it logs for, wherever it is called.
export const loggerContext = Symbol.for('picortex.loggerContext');

export class Context {
  #requestId;
  #chatId;

  constructor({ requestId, chatId } = {}) {
    this.#requestId = requestId === undefined ? newRequestId() : checkedRequestId(requestId);
    this.chatId = chatId;
  }

  get requestId() {
    return this.#requestId;
  }

  set requestId(value) {
    this.#requestId = checkedRequestId(value);
  }

  get chatId() {
    return this.#chatId;
  }

  set chatId(value) {
    if (value !== undefined && value !== null && typeof value !== 'string' && typeof value !== 'number') {
      throw new TypeError(`chatId must be a string, not ${typeof value}`);
    }
    this.#chatId = value === undefined || value === null || value === '' ? undefined : String(value);
  }

  // What every log line and event of this context carries.
  fields() {
    return this.#chatId === undefined ? { request_id: this.#requestId }
      : { request_id: this.#requestId, chat_id: this.#chatId };
  }

  // What child processes inherit.
  environment() {
    return this.#chatId === undefined ? { PICORTEX_REQUEST_ID: this.#requestId }
      : { PICORTEX_REQUEST_ID: this.#requestId, PICORTEX_CHAT_ID: this.#chatId };
  }
}

function checkedRequestId(value) {
  if (!isUuid(value)) throw new TypeError(`requestId must be a UUID, not ${JSON.stringify(value)}`);
  return value.toLowerCase();
}

// The context of the running code; undefined outside of requests and turns.
export function currentContext() {
  return storage.getStore();
}

// Calls `work` so that it, and everything asynchronous that it starts, runs in `context`.
export function runInContext(context, work, ...words) {
  return storage.run(context, work, ...words);
}

// The context of a request that has just arrived: until the running code ends, since its first log line is written before
// any hook could run in the context.
let arriving;

export function announceContext(context) {
  arriving = context;
  queueMicrotask(() => {
    if (arriving === context) arriving = undefined;
  });
  return context;
}

// A pino mixin: adds request_id and chat_id to each line.
export function mixin(_merged, _level, logger) {
  const context = logger?.[loggerContext] ?? arriving ?? storage.getStore();
  return context ? context.fields() : {};
}

// The process's environment with the IDs of the current context, for spawn() and exec().
export function childEnvironment(environment = process.env) {
  return { ...environment, ...storage.getStore()?.environment() };
}

// Makes a pino logger, and all of its children, add request_id and chat_id to each line. Its own mixin stays in use.
// Returns false for a logger that is not pino's.
export function instrument(logger) {
  const symbol = findSymbol(logger, 'pino.mixin');
  if (!symbol) return false;
  const own = logger[symbol];
  if (own === mixin || own?.[loggerContext]) return true;
  const joined = own ? (...words) => ({ ...mixin(...words), ...own(...words) }) : mixin;
  if (own) joined[loggerContext] = true;
  logger[symbol] = joined;
  return true;
}

// pino keeps the symbols of its options to itself, but not their descriptions.
function findSymbol(logger, description) {
  for (let object = logger; object && object !== Object.prototype; object = Object.getPrototypeOf(object)) {
    const found = Object.getOwnPropertySymbols(object).find((one) => one.description === description);
    if (found) return found;
  }
  return undefined;
}
