// A stand-in for the model's API that says on stdout what it was asked, a line of JSON each. Answers a stream of two events, the
// second once another request has come to /continue.
import { createServer } from 'node:http';

const waiting = [];
const server = createServer(async (request, response) => {
  if (request.url === '/continue') {
    response.end();
    for (const finish of waiting.splice(0)) finish();
    return;
  }
  let body = '';
  for await (const chunk of request) body += chunk;
  console.log(JSON.stringify({ method: request.method, url: request.url, headers: request.headers, body }));
  response.writeHead(200, { 'content-type': 'text/event-stream' }).write('event: message_start\ndata: {}\n\n');
  waiting.push(() => response.end('event: message_stop\ndata: {}\n\n'));
});
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ port: server.address().port })));
