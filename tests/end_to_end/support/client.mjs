// Whole requests by Node's own HTTP client, for tests that are not about the bytes of HTTP.
import http from 'node:http';

export class Client {
  // `address` as { host, port } or { path }; `authority` goes into Host.
  constructor(address, authority = address.path ? 'localhost' : `${address.host}:${address.port}`) {
    this.target = address.path ? { socketPath: address.path } : address;
    this.authority = authority;
    this.agent = new http.Agent({ keepAlive: true });
  }

  // Resolves to { status, headers, text, json }; rejects when the connection fails or `timeoutMs` pass.
  request(method, path, { headers = {}, body, timeoutMs = 10_000 } = {}) {
    return new Promise((resolve, reject) => {
      const request = http.request({
        ...this.target, agent: this.agent, method, path, timeout: timeoutMs, headers: { host: this.authority, ...headers },
      });
      request.on('timeout', () => request.destroy(new Error(`no answer within ${timeoutMs} ms`)));
      request.on('error', reject);
      request.on('response', (response) => {
        const pieces = [];
        response.on('data', (piece) => pieces.push(piece));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(pieces).toString('utf8');
          const json = /json/.test(response.headers['content-type'] ?? '') ? JSON.parse(text) : undefined;
          resolve({ status: response.statusCode, headers: response.headers, text, json });
        });
      });
      request.end(body);
    });
  }

  get(path, headers) {
    return this.request('GET', path, { headers });
  }

  post(path, value, headers = {}) {
    const body = typeof value === 'string' || Buffer.isBuffer(value) ? value : JSON.stringify(value);
    return this.request('POST', path, { headers: { 'content-type': 'application/json', ...headers }, body });
  }

  close() {
    this.agent.destroy();
  }
}
