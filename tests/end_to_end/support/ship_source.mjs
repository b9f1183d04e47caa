// A daemon that events are stored in, to be shipped.
import assert from 'node:assert/strict';
import { picortex } from './answers.mjs';
import { cleanUpAfter } from './cleanup.mjs';
import { Client } from './client.mjs';
import { startDaemon } from './daemon.mjs';
import { authorization } from './token.mjs';

export async function shipSource(t, settings = {}) {
  const daemon = await startDaemon(t, { settings });
  const client = new Client(daemon.address);
  cleanUpAfter(t, () => client.close());
  const bearer = await authorization(daemon.dataDir);
  const store = async (events) => {
    const body = events.map((event) => JSON.stringify(event)).join('\n');
    const { status, text } = await client.post('/api/events?keep=any', body, { ...bearer, 'content-type': 'application/x-ndjson' });
    assert.equal(status, 200, text);
  };
  return { daemon, dataDir: daemon.dataDir, store };
}

// The database's events as `db export` writes them, by ID.
export async function exportedEvents(dataDir) {
  const { stdout, stderr, code } = await picortex(dataDir, ['db', 'export']);
  assert.equal(code, 0, stderr);
  return new Map(stdout.split('\n').filter(Boolean).map((line) => JSON.parse(line)).map((event) => [event.id, event]));
}

export const someEvents = (count, more = {}) => Array.from({ length: count }, (_, i) => ({
  event_type: `type.${i % 5}`, chat_id: i % 3 === 0 ? `chat-${i % 7}` : undefined, level: ['info', 'warn', 'error'][i % 3],
  msg: `message ${i}`, number: i, list: [i, { deep: true }], ...more,
}));
