// Raw HTTP/1.1 over TCP and Unix sockets: bytes go out exactly as given, and what comes back is read by a parser that
// forgives nothing (RFC 9112).
import net from 'node:net';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

// The first response in `bytes`, or null while it is incomplete. `method` is that of its request: HEAD has no body.
export function parseResponse(bytes, method = 'GET') {
  const headEnd = bytes.indexOf('\r\n\r\n');
  if (headEnd < 0) {
    if (bytes.length > 64 * 1024) throw new Error('a response header without an end');
    return null;
  }
  const [statusLine, ...fieldLines] = bytes.toString('latin1', 0, headEnd).split('\r\n');
  const start = /^HTTP\/1\.1 ([1-5]\d\d) ([\x20-\x7e]*)$/.exec(statusLine);
  if (!start) throw new Error(`bad status line ${JSON.stringify(statusLine)}`);
  const status = Number(start[1]);
  const headers = {};
  for (const line of fieldLines) {
    const field = /^([^:\s]+):[ \t]*([\x20-\x7e\t]*?)[ \t]*$/.exec(line);
    if (!field || !TOKEN.test(field[1])) throw new Error(`bad field line ${JSON.stringify(line)}`);
    const name = field[1].toLowerCase();
    if (name in headers) throw new Error(`field ${name} twice`);
    headers[name] = field[2];
  }
  const bodyless = status < 200 || status === 204 || status === 304;
  if (bodyless && ('content-length' in headers || 'transfer-encoding' in headers)) {
    throw new Error(`${status} with a body's framing`);  // RFC 9110, 8.6
  }
  if (!bodyless && !/^\d+$/.test(headers['content-length'] ?? '')) throw new Error(`${status} without Content-Length`);
  const bodySize = bodyless || method === 'HEAD' ? 0 : Number(headers['content-length']);
  const size = headEnd + 4 + bodySize;
  if (bytes.length < size) return null;
  return { status, reason: start[2], headers, body: bytes.toString('utf8', headEnd + 4, size), size };
}

export class RawConnection {
  constructor(socket) {
    this.socket = socket;
    this.received = Buffer.alloc(0);
    this.ended = false;
    this.failure = null;
    this.wake = () => {};
    socket.setNoDelay(true);
    socket.on('data', (bytes) => {
      this.received = this.received.length ? Buffer.concat([this.received, bytes]) : bytes;
      this.wake();
    });
    const onEnd = () => {
      this.ended = true;
      this.wake();
    };
    socket.on('end', onEnd);
    socket.on('error', (error) => {
      this.failure = error;
      this.wake();
    });
    socket.on('close', onEnd);
  }

  static async open(address) {
    const socket = net.connect({ ...address, allowHalfOpen: true });
    const connection = new RawConnection(socket);
    await once(socket, 'connect');
    return connection;
  }

  // Hands all bytes to the kernel; a peer that has gone is seen when its answer is read.
  async send(bytes) {
    if (this.socket.destroyed) return;
    await new Promise((resolve) => this.socket.write(bytes, resolve));
  }

  // Sends the pieces one after the other, with time for the other side to read each by itself.
  async sendPieces(pieces, pauseMs = 2) {
    for (const [index, piece] of pieces.entries()) {
      if (index > 0) await sleep(pauseMs);
      await this.send(piece);
    }
  }

  // No more bytes from here: the half-close.
  end() {
    this.socket.end();
  }

  async #changed(until) {
    const left = until - Date.now();
    if (left <= 0) throw new Error(`nothing more came; so far: ${JSON.stringify(this.received.toString('latin1', 0, 300))}`);
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, left);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.wake = () => {};
  }

  // The next response, interim ones included; null when the connection ended before one began.
  async response(method = 'GET', timeoutMs = 5_000) {
    const until = Date.now() + timeoutMs;
    for (;;) {
      const response = parseResponse(this.received, method);
      if (response) {
        this.received = this.received.subarray(response.size);
        return response;
      }
      if (this.failure) throw this.failure;
      if (this.ended) {
        if (this.received.length > 0) throw new Error(`half a response: ${JSON.stringify(this.received.toString('latin1'))}`);
        return null;
      }
      await this.#changed(until);
    }
  }

  // The next response that is not interim.
  async finalResponse(method = 'GET', timeoutMs = 5_000) {
    for (;;) {
      const response = await this.response(method, timeoutMs);
      if (response === null || response.status >= 200) return response;
    }
  }

  // Waits for the other side's end; an error if bytes come instead.
  async closed(timeoutMs = 5_000) {
    const until = Date.now() + timeoutMs;
    while (!this.ended && !this.failure) {
      if (this.received.length > 0) break;
      await this.#changed(until);
    }
    if (this.received.length > 0) throw new Error(`bytes before the end: ${JSON.stringify(this.received.toString('latin1', 0, 300))}`);
  }

  // Closes at once, without TIME_WAIT.
  destroy() {
    // Once one side has ended, node leaves the handle of a reset socket open for ever.
    const whole = !this.ended && !this.socket.writableEnded && !this.socket.destroyed;
    if (this.socket.resetAndDestroy && whole && this.socket.remoteAddress) this.socket.resetAndDestroy();
    else this.socket.destroy();
  }
}

// One exchange on a connection of its own.
export async function exchange(address, bytes, { method = 'GET', timeoutMs = 5_000 } = {}) {
  const connection = await RawConnection.open(address);
  try {
    await connection.send(bytes);
    return await connection.finalResponse(method, timeoutMs);
  } finally {
    connection.destroy();
  }
}

// The bytes of a request; `headers` as [name, value] pairs, the body's length added when there is a body.
export function requestBytes(method, target, headers, body) {
  const lines = [`${method} ${target} HTTP/1.1`, ...headers.map(([name, value]) => `${name}: ${value}`)];
  const bodyBytes = body === undefined ? Buffer.alloc(0) : Buffer.from(body);
  if (body !== undefined) lines.push(`Content-Length: ${bodyBytes.length}`);
  return Buffer.concat([Buffer.from(lines.join('\r\n') + '\r\n\r\n', 'latin1'), bodyBytes]);
}
