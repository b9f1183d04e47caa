// A reader of GET /api/events/stream by Node's own HTTP client: what came, as the specification of server-sent events
// (WHATWG HTML, 9.2.6) says that a browser would see it.
import http from 'node:http';
import { once } from 'node:events';

export class EventStream {
  constructor(request, response) {
    this.request = request;
    this.response = response;
    this.messages = [];  // { event, data, id }
    this.comments = [];
    this.lastId = '';
    this.ended = false;
    this.wake = () => {};
    let rest = '';
    let fields = {};
    response.setEncoding('utf8');
    response.on('data', (text) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop();
      for (const line of lines) {
        if (line.startsWith(':')) {
          this.comments.push(line);
        } else if (line !== '') {
          const colon = line.indexOf(':');
          fields[line.slice(0, colon)] = line.slice(colon + 1).replace(/^ /, '');
        } else {
          if (fields.id !== undefined) this.lastId = fields.id;
          if (fields.data !== undefined) {
            this.messages.push({ event: fields.event ?? 'message', data: JSON.parse(fields.data), id: this.lastId });
          }
          fields = {};
        }
      }
      this.wake();
    });
    response.on('close', () => {
      this.ended = true;
      this.wake();
    });
    response.on('error', () => {});
  }

  // Resolves once the daemon has said where the stream is.
  static async open(address, headers, query = '', lastId = '') {
    const request = http.request({
      ...address, agent: false, path: `/api/events/stream${query}`,
      headers: { ...headers, ...(lastId ? { 'last-event-id': lastId } : {}) },
    });
    request.end();
    const [response] = await once(request, 'response');
    request.on('error', () => {});
    const stream = new EventStream(request, response);
    if (response.statusCode === 200 && lastId === '') await stream.until(() => stream.lastId !== '');
    return stream;
  }

  get status() {
    return this.response.statusCode;
  }

  // The msg of each event, in the order of their coming.
  get texts() {
    return this.messages.filter(({ event }) => event === 'message').map(({ data }) => data.msg);
  }

  named(name) {
    return this.messages.filter(({ event }) => event === name);
  }

  async until(condition, timeoutMs = 10_000) {
    const end = Date.now() + timeoutMs;
    while (!condition()) {
      const left = end - Date.now();
      if (left <= 0) throw new Error(`the stream did not come so far; it has ${JSON.stringify(this.messages.slice(-5))}`);
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, Math.min(left, 200));
        this.wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  close() {
    this.request.destroy();
  }
}
