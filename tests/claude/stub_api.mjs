// A stand-in for the model's API: streams scripted answers in the form of POST /v1/messages, and keeps what it has counted.
import { once } from 'node:events';
import { createServer } from 'node:http';

// What an answer is made of: { text } or { tool, input }.
export async function startStubApi() {
  const script = [];  // for the main conversation
  const requests = [];
  let calls = 0;
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    requests.push({ method: request.method, url: request.url, body });
    if (request.method !== 'POST' || !request.url.startsWith('/v1/messages')) {
      response.writeHead(404, { 'content-type': 'application/json' }).end('{"type":"error","error":{"type":"not_found_error","message":"none"}}');
      return;
    }
    const asked = JSON.parse(body);
    if (request.url.includes('count_tokens')) {
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"input_tokens":10}');
      return;
    }
    // Requests without tools are the client's own, such as a title's.
    const isMain = (asked.tools ?? []).length > 0;
    const answer = isMain && script.length > 0 ? script.shift() : { text: isMain ? 'nothing is scripted' : 'a title' };
    calls += 1;
    if (answer.status) {
      response.writeHead(answer.status, { 'content-type': 'application/json', 'request-id': `req_stub${calls}` })
        .end(JSON.stringify({ type: 'error', error: { type: 'invalid_request_error', message: answer.message ?? 'no' } }));
      return;
    }
    stream(response, asked, answer, calls);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { origin: `http://127.0.0.1:${server.address().port}`, script, requests, close: () => server.close() };
}

function stream(response, asked, answer, number) {
  const usage = { input_tokens: 100 + number, output_tokens: 1, cache_creation_input_tokens: 20 + number, cache_read_input_tokens: 300 + number };
  const send = (type, more) => response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...more })}\n\n`);
  const message = { id: `msg_stub${number}`, type: 'message', role: 'assistant', model: asked.model, content: [], stop_reason: null, stop_sequence: null, usage };
  const write = () => {
    send('message_start', { message });
    if (answer.tool) {
      send('content_block_start', { index: 0, content_block: { type: 'tool_use', id: `toolu_stub${number}`, name: answer.tool, input: {} } });
      send('content_block_delta', { index: 0, delta: { type: 'input_json_delta', partial_json: JSON.stringify(answer.input) } });
    } else {
      send('content_block_start', { index: 0, content_block: { type: 'text', text: '' } });
      send('content_block_delta', { index: 0, delta: { type: 'text_delta', text: answer.text } });
    }
    send('content_block_stop', { index: 0 });
    send('message_delta', { delta: { stop_reason: answer.tool ? 'tool_use' : 'end_turn', stop_sequence: null }, usage: { output_tokens: 40 + number } });
    send('message_stop', {});
    response.end();
  };
  if (asked.stream === false || asked.stream === undefined) {
    const content = answer.tool ? [{ type: 'tool_use', id: `toolu_stub${number}`, name: answer.tool, input: answer.input }] : [{ type: 'text', text: answer.text }];
    response.writeHead(200, { 'content-type': 'application/json', 'request-id': `req_stub${number}` })
      .end(JSON.stringify({ ...message, content, stop_reason: answer.tool ? 'tool_use' : 'end_turn', usage: { ...usage, output_tokens: 40 + number } }));
    return;
  }
  response.writeHead(200, { 'content-type': 'text/event-stream', 'request-id': `req_stub${number}` });
  write();
}
