// A TCP proxy in front of a daemon, for what a daemon does not do by itself: answers that come late, or never.
import { once } from 'node:events';
import net from 'node:net';
import { cleanUpAfter } from './cleanup.mjs';

// `target` must be set before a client connects, and may be replaced at any time. `mode`: 'open', 'slow' (answers come `delayMs` late), 'deaf' (the request arrives,
// the answer does not).
export class SwitchableProxy {
  constructor(target) {
    this.target = target;
    this.mode = 'open';
    this.delayMs = 0;
    this.sockets = new Set();
    this.server = net.createServer((client) => this.#join(client));
  }

  async listen(owner) {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    this.port = this.server.address().port;
    cleanUpAfter(owner, () => {
      this.server.close();
      this.dropAll();
    });
    return this;
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  // Ends all connections that there are.
  dropAll() {
    for (const socket of this.sockets) socket.destroy();
  }

  #join(client) {
    const daemon = net.connect(this.target);
    for (const [socket, other] of [[client, daemon], [daemon, client]]) {
      this.sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        this.sockets.delete(socket);
        other.destroy();
      });
    }
    client.on('data', (bytes) => daemon.write(bytes));
    daemon.on('data', (bytes) => {
      if (this.mode === 'deaf') return this.dropAll();
      if (this.mode === 'slow') return setTimeout(() => client.destroyed || client.write(bytes), this.delayMs);
      return client.write(bytes);
    });
  }
}
