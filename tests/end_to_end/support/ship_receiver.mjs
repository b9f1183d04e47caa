// An HTTP server that takes what is shipped, and answers as a test wants it.
import http from 'node:http';
import { once } from 'node:events';
import { cleanUpAfter } from './cleanup.mjs';

export async function shipReceiver(owner, answer = () => ({ status: 200 })) {
  const receiver = { requests: [], answer };
  const server = http.createServer(async (request, response) => {
    const pieces = [];
    for await (const piece of request) pieces.push(piece);
    const taken = { path: request.url, headers: request.headers, body: Buffer.concat(pieces) };
    taken.answered = await receiver.answer(taken, receiver.requests.length);
    receiver.requests.push(taken);
    if (taken.answered === 'cut') request.socket.destroy();
    else response.writeHead(taken.answered.status, taken.answered.headers).end(taken.answered.body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  receiver.port = server.address().port;
  receiver.accepted = () => receiver.requests.filter(({ answered }) => answered.status >= 200 && answered.status < 300);
  receiver.lines = () => receiver.accepted().flatMap(({ body }) => body.toString().split('\n').filter(Boolean).map((line) => JSON.parse(line)));
  cleanUpAfter(owner, () => {
    server.closeAllConnections();
    server.close();
  });
  return receiver;
}
