// One keep-alive connection to the daemon. Rejects with an Error that says in words what went wrong.
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import tls from 'node:tls';
import { objectionToServer } from './listener.js';
import { readToken } from './settings.js';

const REPLY_SIZE_MAX = 4 * 1024 * 1024;

export class Connection {
  #settings;
  #agent;
  #tokenOwner;

  constructor(settings) {
    this.#settings = settings;
    const Agent = settings.server.isTls ? https.Agent : http.Agent;
    this.#agent = new Agent({ keepAlive: true, maxSockets: 2 });
    this.#agent.createConnection = (_options, done) => this.#connect(done);
  }

  // Resolves to { status, headers, text }.
  post(path, body, { contentType, headers = {}, withToken = true, signal }) {
    const { server, timeoutMs } = this.#settings;
    const sent = { host: server.host, 'content-type': contentType, 'content-length': Buffer.byteLength(body), ...headers };
    if (withToken) {
      const token = readToken(this.#settings);
      // On a Unix socket the daemon knows its peers by their user.
      if (token.problem && !server.socketPath) return Promise.reject(new Error(token.problem));
      this.#tokenOwner = token.owner;
      if (token.text) sent.authorization = `Bearer ${token.text}`;
    }
    return new Promise((resolve, reject) => {
      const module = server.isTls ? https : http;
      const request = module.request({
        agent: this.#agent, method: 'POST', path, headers: sent, signal, host: server.hostname, port: server.port,
        socketPath: server.socketPath, setHost: false,
      });
      const timer = setTimeout(() => request.destroy(new Error(`${server.text} did not answer within ${timeoutMs} ms`)), timeoutMs);
      const fail = (error) => {
        clearTimeout(timer);
        reject(this.#explain(error));
      };
      request.on('error', fail);
      request.on('response', (response) => {
        const pieces = [];
        let size = 0;
        response.on('data', (piece) => {
          size += piece.length;
          if (size > REPLY_SIZE_MAX) return response.destroy(new Error(`${server.text} answered with more than 4 MiB`));
          pieces.push(piece);
        });
        response.on('error', fail);
        response.on('end', () => {
          clearTimeout(timer);
          resolve({ status: response.statusCode, headers: response.headers, text: Buffer.concat(pieces).toString('utf8') });
        });
      });
      request.end(body);
    });
  }

  close() {
    this.#agent.destroy();
  }

  #connect(done) {
    const { server } = this.#settings;
    const address = server.socketPath ? { path: server.socketPath } : { host: server.hostname, port: server.port };
    const socket = server.isTls ? tls.connect({ ...address, servername: net.isIP(server.hostname) ? '' : server.hostname })
      : net.connect(address);
    // An idle connection must not keep the process alive; a request holds it while it is in progress.
    let hasFailed = false;
    const fail = (error) => {
      socket.on('error', () => {});
      socket.destroy();
      if (!hasFailed) done(error);
      hasFailed = true;
    };
    socket.once('error', fail);
    socket.once(server.isTls ? 'secureConnect' : 'connect', () => {
      objectionToServer(server, socket, this.#trusted()).then((objection) => {
        socket.removeListener('error', fail);
        // Closed while the server was checked: a request that is given this socket would never hear of it.
        if (socket.destroyed || socket.readableEnded) return fail(Object.assign(new Error('closed'), { code: 'ECONNRESET' }));
        if (!objection) return done(null, socket);
        return fail(new Error(objection));
      }, fail);
    });
  }

  #trusted() {
    return [process.getuid?.(), this.#tokenOwner, this.#settings.serverUid].filter((uid) => uid !== undefined);
  }

  #explain(error) {
    const where = this.#settings.server.text;
    if (['ECONNREFUSED', 'ENOENT'].includes(error.code)) return new Error(`nothing listens on ${where}. Is picortex serve running?`);
    if (['ECONNRESET', 'EPIPE'].includes(error.code)) return new Error(`${where} closed the connection without an answer`);
    return error;
  }
}
