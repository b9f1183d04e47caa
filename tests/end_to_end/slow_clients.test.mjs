// More slow clients than there are connections, in every state in which one can be slow: every new client gets in, and what
// the crowd took is given back.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import test from 'node:test';
import { cleanUpAfter } from './support/cleanup.mjs';
import { Client } from './support/client.mjs';
import { eventually, startDaemon } from './support/daemon.mjs';
import { authorization } from './support/token.mjs';

const CONNECTIONS_MAX = 20;
const host = (daemon) => `Host: ${daemon.authority}\r\n`;
const kinds = {
  'that send nothing': () => '',
  'that send half a head': (daemon) => `GET / HTTP/1.1\r\n${host(daemon)}X-A: `,
  'that send half a body': (daemon) => `POST /api/frontend-log HTTP/1.1\r\n${host(daemon)}Content-Type: text/plain\r\nContent-Length: 9000\r\n\r\nx`,
  'that read nothing': (daemon) => `GET / HTTP/1.1\r\n${host(daemon)}\r\n`.repeat(200),
  'that listen to a stream': (daemon, bearer) => `GET /api/events/stream HTTP/1.1\r\n${host(daemon)}Authorization: ${bearer.authorization ?? bearer.Authorization}\r\n\r\n`,
};

for (const [name, make] of Object.entries(kinds)) {
  test(`a crowd of clients ${name} keeps no other client out`, async (t) => {
    const daemon = await startDaemon(t, { settings: { PICORTEX_CONNECTIONS_MAX: String(CONNECTIONS_MAX) } });
    const bearer = await authorization(daemon.dataDir);
    const crowd = [];
    cleanUpAfter(t, () => {
      for (const socket of crowd) socket.destroy();
    });
    for (let i = 0; i < 3 * CONNECTIONS_MAX; ++i) {
      const socket = connect(daemon.address);
      socket.on('error', () => {});
      await once(socket, 'connect');
      socket.pause();
      socket.write(make(daemon, bearer));
      crowd.push(socket);
    }
    for (let i = 0; i < 20; ++i) {
      const client = new Client(daemon.address);
      assert.equal((await client.get('/health')).status, 200);
      client.close();
    }
    const client = new Client(daemon.address);
    cleanUpAfter(t, () => client.close());
    const { http } = (await client.get('/api/status', bearer)).json;
    assert.ok(http.evicted >= 2 * CONNECTIONS_MAX, `${http.evicted} evicted`);
    assert.equal(http.turned_away, 0);
    for (const socket of crowd) socket.destroy();
    await eventually('all is given back', async () => {
      const now = (await client.get('/api/status', bearer)).json.http;
      return now.connections === 1 && now.answer_bytes <= 4096 && now.input_bytes === 0;
    });
  });
}
