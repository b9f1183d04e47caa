// SIGKILL at random moments under concurrent writers: every acknowledged event is there exactly once, none of the
// others twice, and the counters say what the rows say.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from './support/client.mjs';
import { countersOfEvents, query } from './support/database.mjs';
import { startDaemon, temporaryDirectory } from './support/daemon.mjs';
import { authorization } from './support/token.mjs';

const ROUNDS = 20;
const WRITERS = 8;
const HOUR_MS = 3_600_000;
const TYPES = ['tmux.turn.start', 'discriminator.decision', 'linq.inbound', 'bot.other'];

const any = (list) => list[Math.floor(Math.random() * list.length)];

// Some events lie outside the windows of a day and of a week, none near their edges.
function newEvent(withId) {
  const event = {
    event_type: any(TYPES), level: any(['info', 'info', 'warn', 'error', 'fatal']), nonce: randomUUID(),
    time: Date.now() - any([0, 0, 0, 1, 30, 24 * 6, 24 * 9]) * HOUR_MS, decision: any(['skip', 'reply']),
  };
  if (Math.random() < 0.7) event.chat_id = `chat-${Math.floor(Math.random() * 200)}`;
  if (withId) event.id = randomUUID();
  return event;
}

// What the writers of all rounds know: the nonces acknowledged, and those sent without an id and never acknowledged.
class Ledger {
  acknowledged = new Set();
  uncertain = new Set();
  unsent = [];  // events with ids to be sent again
}

// Posts until the daemon dies; what has an id and was not acknowledged goes to the next round.
async function write(client, bearer, ledger, style) {
  for (;;) {
    const withId = style !== 'plain';
    const batch = style === 'ndjson' ? Array.from({ length: 1 + Math.floor(Math.random() * 40) }, () => newEvent(Math.random() < 0.8))
                                     : [withId && ledger.unsent.length > 0 ? ledger.unsent.pop() : newEvent(withId)];
    if (style === 'ndjson') batch.push(...ledger.unsent.splice(0, 20));
    try {
      const body = batch.map((event) => JSON.stringify(event)).join('\n');
      const response = await client.post('/api/events', body, { ...bearer, 'content-type': 'application/x-ndjson' });
      assert.equal(response.status, 200, response.text);
      assert.equal(response.json.accepted, batch.length);
      for (const event of batch) ledger.acknowledged.add(event.nonce);
    } catch (error) {
      if (error.code === 'ERR_ASSERTION') throw error;
      for (const event of batch) {
        if (event.id) ledger.unsent.push(event);
        else ledger.uncertain.add(event.nonce);
      }
      return;
    }
  }
}

// Also a page: frontend logs count as errors.
async function report(client, ledger) {
  for (;;) {
    const nonce = randomUUID();
    try {
      const response = await client.post('/api/frontend-log', { message: 'm', nonce, context: { nonce } });
      assert.equal(response.status, 204);
      ledger.acknowledged.add(nonce);
    } catch (error) {
      if (error.code === 'ERR_ASSERTION') throw error;
      ledger.uncertain.add(nonce);
      return;
    }
  }
}

async function verify(daemon, ledger) {
  const rows = await query(daemon.dataDir, `SELECT coalesce(json_extract(data, '$.nonce'), json_extract(data, '$.context.nonce')) AS nonce,
    count(*) AS times FROM events WHERE nonce IS NOT NULL GROUP BY nonce`);
  const times = new Map(rows.map((row) => [row.nonce, row.times]));
  const waiting = new Set(ledger.unsent.map((event) => event.nonce));
  const lost = [...ledger.acknowledged].filter((nonce) => !times.has(nonce));
  assert.deepEqual(lost.slice(0, 5), [], `${lost.length} acknowledged events lost`);
  assert.deepEqual(rows.filter((row) => row.times !== 1).slice(0, 5), [], 'stored more than once');
  const known = (nonce) => ledger.acknowledged.has(nonce) || ledger.uncertain.has(nonce) || waiting.has(nonce);
  assert.deepEqual([...times.keys()].filter((nonce) => !known(nonce)).slice(0, 5), [], 'rows that no client sent');
  const client = new Client(daemon.address);
  const { json } = await client.get('/health');
  client.close();
  assert.deepEqual(json.metrics, await countersOfEvents(daemon.dataDir));
}

test(`${ROUNDS} kills lose nothing and store nothing twice`, async (t) => {
  const dataDir = await temporaryDirectory(t);
  const ledger = new Ledger();
  const settings = { PICORTEX_FRONTEND_LOG_RATE: '0' };
  for (let round = 0; round < ROUNDS; ++round) {
    const daemon = await startDaemon(t, { dataDir, settings });
    const bearer = await authorization(dataDir);
    const client = new Client(daemon.address);
    const styles = Array.from({ length: WRITERS }, (_, index) => ['plain', 'one by one', 'ndjson', 'ndjson'][index % 4]);
    const writers = [...styles.map((style) => write(client, bearer, ledger, style)), report(client, ledger)];
    await sleep(50 + Math.random() * 450);  // a crash comes at any moment, whatever has been acknowledged by then
    daemon.kill('SIGKILL');
    assert.deepEqual(await daemon.exited, { code: null, signal: 'SIGKILL' });
    await Promise.all(writers);
    client.close();
    const restarted = await startDaemon(t, { dataDir, settings });
    await verify(restarted, ledger);
    if (round % 2 === 0) await restarted.stop();
    else restarted.kill('SIGKILL');
    await restarted.exited;
  }
  assert.ok(ledger.acknowledged.size > 20 * ROUNDS, `only ${ledger.acknowledged.size} events were acknowledged`);
  const last = await startDaemon(t, { dataDir, settings });
  const client = new Client(last.address);
  const bearer = await authorization(dataDir);
  for (const event of ledger.unsent.splice(0)) {
    assert.equal((await client.post('/api/events', event, bearer)).status, 200);
    ledger.acknowledged.add(event.nonce);
  }
  client.close();
  await verify(last, ledger);
  t.diagnostic(`${ledger.acknowledged.size} acknowledged, ${ledger.uncertain.size} uncertain`);
});
