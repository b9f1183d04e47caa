// Posts events one by one at a steady rate over a few connections, and prints how many were acknowledged in the end, and how
// many of these in time, as a server that keeps up acknowledges them.
//
//   TOKEN=… node paced_events.mjs PORT EVENTS_A_SECOND SECONDS

import { connect } from 'node:net';

const [port, rate, seconds] = process.argv.slice(2).map(Number);
const connectionCount = 32;
const tickMs = 4;

const data = `"method":"POST","path":"/webhooks/linq","status":200,"bytes":1834,"duration_ms":12.4,\
"trace_id":"b7d1f3a09c5e4d2f8a6b1c3e5f709182","service":"iMessage","direction":"inbound",\
"handle":"+15551234567","parts":[{"type":"text","value":"could you look at the build?"}],\
"sent_at":"2026-11-17T14:00:00.000Z"`;

const requests = Array.from({ length: 50 }, (_, number) => {
  const type = number % 4 === 0 ? 'tmux.turn.start' : 'linq.inbound';
  const body = `{"event_type":"${type}","chat_id":"chat-${(number * 7919) % 50}",` +
    `"msg":"a message of the usual length, some 40 bytes",${data}}`;
  return `POST /api/events HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${process.env.TOKEN}\r\n` +
    `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
});

let sent = 0;
let acknowledged = 0;
let rejected = 0;

// An answer begins with its status line; a status line that is split over two pieces is counted with the second.
function counter() {
  let rest = '';
  return (piece) => {
    const text = rest + piece.toString('latin1');
    let at = 0;
    for (;;) {
      const next = text.indexOf('HTTP/1.1 ', at);
      if (next < 0 || next + 12 > text.length) break;
      if (text.startsWith('200', next + 9)) acknowledged += 1;
      else rejected += 1;
      at = next + 12;
    }
    rest = text.slice(Math.max(at, text.length - 11));
  };
}

const sockets = await Promise.all(
  Array.from({ length: connectionCount }, () => new Promise((done, failed) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true }, () => done(socket));
    socket.on('error', failed);
    socket.on('data', counter());
  })),
);

const startedAt = performance.now();
const timer = setInterval(() => {
  const elapsed = Math.min((performance.now() - startedAt) / 1000, seconds);
  for (const due = Math.floor(elapsed * rate); sent < due; sent += 1) {
    sockets[sent % connectionCount].write(requests[sent % requests.length]);
  }
  if (elapsed >= seconds) {
    clearInterval(timer);
    finish();
  }
}, tickMs);

function finish() {
  const inTime = acknowledged;
  const wait = setInterval(() => {
    if (acknowledged + rejected < sent && performance.now() - startedAt < 1000 * (seconds + 60)) return;
    clearInterval(wait);
    for (const socket of sockets) socket.destroy();
    console.log(JSON.stringify({ sent, acknowledged, inTime, rejected }));
    process.exitCode = acknowledged === sent ? 0 : 1;
  }, 5);
}
