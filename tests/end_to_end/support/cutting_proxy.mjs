// An HTTP proxy before one server of loopback that keeps each body, and can lose answers, as a network that is cut does.
import http from 'node:http';
import { once } from 'node:events';
import { cleanUpAfter } from './cleanup.mjs';

export async function cuttingProxy(owner, port) {
  const proxy = { bodies: [], requests: [], cutAnswers: false, answer: undefined };
  const agent = new http.Agent({ keepAlive: false });
  const server = http.createServer(async (request, response) => {
    const pieces = [];
    try {
      for await (const piece of request) pieces.push(piece);
    } catch {
      return;  // the client went in the middle of it
    }
    const body = Buffer.concat(pieces);
    proxy.requests.push({ path: request.url, headers: request.headers, body });
    proxy.bodies.push(body.toString());
    const own = proxy.answer?.(proxy.requests.at(-1));
    if (own) {
      response.writeHead(own.status, own.headers).end(own.body ?? '');
      return;
    }
    const { host, connection, ...headers } = request.headers;
    const forwarded = http.request({ port, host: '127.0.0.1', agent, method: request.method, path: request.url, headers }, (answer) => {
      const parts = [];
      answer.on('data', (part) => parts.push(part));
      answer.on('end', () => {
        if (proxy.cutAnswers) {
          request.socket.destroy();
          return;
        }
        const { connection: ignored, 'transfer-encoding': alsoIgnored, ...kept } = answer.headers;
        response.writeHead(answer.statusCode, kept).end(Buffer.concat(parts));
      });
    });
    forwarded.on('error', () => request.socket.destroy());
    forwarded.end(body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  proxy.port = server.address().port;
  cleanUpAfter(owner, () => {
    server.closeAllConnections();
    server.close();
  });
  return proxy;
}
