// Fills the list: follows the stream of new events and reads result pages of older ones. Converts what happens to them into inputs of the
// list's state.

import { ask } from '../base/ask.js';
import { sleep } from '../base/dom.js';
import { arrived, clearList, dispatch, loadPage, note, stateOfList } from './list.js';

const OPEN_MS_MAX = 3000;      // after this, stored events are shown although the stream is not open
const RETRY_MS_MAX = 10_000;

// Yields the events of a server-sent stream (WHATWG HTML, 9.2.6) as { name, data, id }.
async function* serverEvents(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  let fields = {};
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (rest + value).split('\n');
    rest = lines.pop();
    for (const line of lines) {
      if (line === '') {
        yield fields;
        fields = {};
      } else if (!line.startsWith(':')) {
        const colon = line.indexOf(': ');
        fields[line.slice(0, colon)] = line.slice(colon + 2);
      }
    }
  }
}

// Follows one set of filters until stop(). Only the last instance fills the list.
export class ListRun {
  #abort = new AbortController();
  #page = new AbortController();  // of the newest result page, while it is being read
  #lastId = '';
  #hasGap = false;                // the next stream does not continue where the last one ended
  #hasPage = false;
  #failures = 0;

  constructor(query) {
    this.query = query;
  }

  get signal() {
    return this.#abort.signal;
  }

  stop() {
    this.#abort.abort();
    this.#page.abort();
  }

  async start() {
    while (!this.signal.aborted) {
      let failure = null;
      try {
        failure = await this.#follow();
      } catch (error) {
        failure = error;
      }
      if (this.signal.aborted || failure?.status === 401) return;
      if (failure?.status === 400 && this.#lastId !== '') {
        // The daemon does not know that position.
        this.#lastId = '';
        this.#hasGap = true;
        continue;
      }
      if (failure?.status === 400) {
        dispatch({ type: 'rejected', reason: failure.message });
        note(`The daemon does not take these filters: ${failure.message}`);
        return;
      }
      dispatch({ type: 'lost' });
      if (!this.#hasPage) this.#showStored();
      await sleep(Math.min(RETRY_MS_MAX, 500 * 2 ** this.#failures++), this.signal);
    }
  }

  // Reads one stream to its end, and the newest result page if the list is not complete. Returns why it ended, or throws; null: the stream
  // ended.
  async #follow() {
    const attempt = new AbortController();
    const stop = () => attempt.abort();
    this.signal.addEventListener('abort', stop, { once: true });
    let isOpen = false;
    let isCatchingUp = false;
    let failure = null;
    const opened = () => {
      if (isOpen || attempt.signal.aborted) return;
      isOpen = true;
      clearTimeout(late);
      this.#failures = 0;
      dispatch({ type: this.#hasGap ? 'gap' : 'opened' });
      this.#hasGap = false;
      if (stateOfList().name !== 'loading') return;
      // Opens the stream first and then reads older events, so that no event is missed between the two.
      this.#loadNewest(attempt.signal).catch((error) => {
        failure = error;
        attempt.abort();
      });
    };
    const late = setTimeout(() => {
      dispatch({ type: 'lost' });
      if (!this.#hasPage) this.#showStored();
    }, OPEN_MS_MAX);
    try {
      const headers = this.#lastId ? { 'last-event-id': this.#lastId } : {};
      const response = await ask(`/api/events/stream?${this.query}`, { signal: attempt.signal, headers });
      for await (const { event, data, id, retry } of serverEvents(response.body)) {
        if (event === 'lagged' || event === 'unavailable') break;
        if (event === 'resync') isCatchingUp = true;
        // A stream that resumes without a gap sends nothing until the next event; `resync` would arrive in the same piece.
        if (retry !== undefined && this.#lastId !== '') setTimeout(() => isCatchingUp || opened());
        if (id === undefined) continue;
        this.#lastId = id;
        // An id without data means that the stream has caught up with the stored events.
        if (data === undefined || !isCatchingUp) opened();
        if (data !== undefined) arrived(JSON.parse(data));
      }
    } catch (error) {
      failure ??= error;
    } finally {
      clearTimeout(late);
      this.signal.removeEventListener('abort', stop);
      attempt.abort();
    }
    return failure;
  }

  async #loadNewest(signal) {
    this.#page.abort();
    this.#page = new AbortController();
    const page = this.#page;
    signal.addEventListener('abort', () => page.abort(), { once: true });
    this.#hasPage = false;
    // Events since the stream began are newer than the result page.
    clearList({ keepsHeld: true });
    await loadPage(this.query, page.signal);
    if (page.signal.aborted) return;
    this.#hasPage = true;
    dispatch({ type: 'loaded' });
  }

  // Shows what can be read while nothing can be followed; the state says that the list is not live.
  async #showStored() {
    this.#page.abort();
    this.#page = new AbortController();
    const { signal } = this.#page;
    clearList();
    try {
      await loadPage(this.query, signal);
    } catch (error) {
      if (!signal.aborted && error.status !== 401) note(`The events cannot be read: ${error.message}`);
    }
  }
}
