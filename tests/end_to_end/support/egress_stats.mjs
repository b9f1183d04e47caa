// The fence's part of GET /api/status, over a connection of its own.
import assert from 'node:assert/strict';
import { Client } from './client.mjs';
import { authorization } from './token.mjs';

export async function egressStats(daemon) {
  const api = new Client(daemon.api, '127.0.0.1:8787');
  try {
    const answer = await api.get('/api/status', await authorization(daemon.dataDir));
    assert.equal(answer.status, 200);
    return answer.json.egress;
  } finally {
    api.close();
  }
}
