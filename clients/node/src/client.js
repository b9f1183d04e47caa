// Events from code that has no pino logger. Never throws for a daemon that is away: events wait in the spool.
import { currentContext } from './context.js';
import { Sender } from './sender.js';
import { resolveSettings } from './settings.js';

export class EventClient {
  #sender;
  #isClosed = false;
  #onBeforeExit = () => this.flush();
  #onExit = () => this.#sender.spoolNow();

  constructor(options = {}) {
    this.#sender = new Sender(resolveSettings(options));
    process.once('beforeExit', this.#onBeforeExit);
    process.once('exit', this.#onExit);  // also after process.exit()
  }

  // Takes an event for delivery. request_id and chat_id are those of the current context unless it has its own.
  emit(event) {
    if (this.#isClosed) throw new Error('The client is closed: nothing can be emitted any more.');
    if (typeof event?.event_type !== 'string' || event.event_type === '') throw new TypeError('An event needs an event_type.');
    this.#sender.pushEvent({ ...currentContext()?.fields(), ...event });
  }

  // Resolves once everything emitted so far is stored, or is in the spool because the daemon does not answer.
  flush(timeoutMs) {
    return this.#sender.flush(timeoutMs);
  }

  async close() {
    this.#isClosed = true;
    await this.#sender.close();
    process.removeListener('beforeExit', this.#onBeforeExit);
    process.removeListener('exit', this.#onExit);
  }

  get counts() {
    return { ...this.#sender.counts };
  }
}

let shared;

// The one client of this process, configured by the environment.
export function defaultClient() {
  shared ??= new EventClient();
  return shared;
}
