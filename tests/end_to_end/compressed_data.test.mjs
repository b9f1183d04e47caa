// With PICORTEX_COMPRESS_DATA the data of events take less of the disk, and every command reads them as before.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import test from 'node:test';
import { cleanUpAfter } from './support/cleanup.mjs';
import { Client } from './support/client.mjs';
import { binary, environment, startDaemon, temporaryDirectory } from './support/daemon.mjs';
import { query } from './support/database.mjs';
import { authorization } from './support/token.mjs';

const events = 1500;

function run(words, input) {
  const { status, stdout, stderr } = spawnSync(binary, words, { env: environment({}), encoding: 'utf8', maxBuffer: 2 ** 28, input });
  assert.equal(status, 0, stderr);
  return stdout;
}

const dataOf = (number) => ({
  service: 'iMessage', direction: 'inbound', number, handle: `+1555${1_000_000 + number}`,
  digest: createHash('sha256').update(String(number)).digest('hex'),
  parts: [{ type: 'text', value: `what message ${number} says${number % 3 === 1 ? ' of a zebra' : ''}` }],
});

async function fill(daemon) {
  const client = new Client(daemon.address);
  const fields = { ...(await authorization(daemon.dataDir)), 'content-type': 'application/x-ndjson' };
  const now = Date.now();
  for (let first = 0; first < events; first += 100) {
    const lines = Array.from({ length: 100 }, (_, i) => JSON.stringify(
      { event_type: 'linq.inbound', time: now - events + first + i, chat_id: `chat-${(first + i) % 3}`, ...dataOf(first + i) }));
    const { status, text } = await client.post('/api/events', lines.join('\n'), fields);
    assert.equal(status, 200, text);
  }
  client.close();
}

// All that the commands say of the events.
function answers(dataDir) {
  const ask = (...words) => run([...words, '--data-dir', dataDir]);
  return {
    events: ask('logs', '--json', '--limit', '10000').trim().split('\n').map((line) => JSON.parse(line)),
    found: ask('logs', '--json', '--text', 'what message 1234 says'),
    where: ask('logs', '--json', '--where', 'number>=1400', '--limit', '10000'),
    export: ask('db', 'export'),
  };
}

test('compressed data are answered like others, by a daemon that compresses and by one that does not', async (t) => {
  const daemon = await startDaemon(t, { settings: { PICORTEX_COMPRESS_DATA: 'true' } });
  await fill(daemon);
  const [stored] = await query(daemon.dataDir, 'SELECT count(compressed) AS compressed, sum(length(compressed)) AS bytes FROM event');
  assert.ok(stored.compressed > 1000, `${stored.compressed} of ${events} are compressed`);
  assert.ok(stored.bytes / stored.compressed < JSON.stringify(dataOf(1)).length / 2, `${stored.bytes / stored.compressed} bytes each`);
  const said = answers(daemon.dataDir);
  assert.deepEqual(said.events.map(({ number }) => number), Array.from({ length: events }, (_, i) => i));
  for (const event of said.events) {
    const { service, direction, number, handle, digest, parts } = event;
    assert.deepEqual({ service, direction, number, handle, digest, parts }, dataOf(number));
  }
  assert.equal(said.found.trim().split('\n').length, 1);
  assert.equal(said.where.trim().split('\n').length, 100);

  assert.equal((await daemon.stop()).code, 0);
  assert.deepEqual(answers(daemon.dataDir), said);
  const restarted = await startDaemon(t, { dataDir: daemon.dataDir });
  const client = new Client(restarted.address);
  cleanUpAfter(t, () => client.close());
  const { json } = await client.get('/api/events?text=what%20message%201234%20says', await authorization(daemon.dataDir));
  assert.deepEqual(json.events.map(({ data, number }) => number ?? data.number), [1234]);

  const copy = `${await temporaryDirectory(t)}/copy`;
  run(['db', 'import', '--data-dir', copy], said.export);
  assert.deepEqual(answers(copy), said);
});

test('forgetting a chat leaves no word of it in the file', async (t) => {
  const daemon = await startDaemon(t, { settings: { PICORTEX_COMPRESS_DATA: 'true' } });
  await fill(daemon);
  run(['forget', '--chat', 'chat-1', '--data-dir', daemon.dataDir, '--listen', daemon.authority]);
  const left = answers(daemon.dataDir).events.filter(({ event_type: type }) => type === 'linq.inbound');
  assert.equal(left.length, 1000);
  const [{ shared, own }] = await query(daemon.dataDir, "SELECT sum(instr(content, 'message') > 0) AS shared, sum(instr(content, 'zebra') > 0) AS own FROM dictionary");
  assert.deepEqual([shared, own], [1, 0]);
});
