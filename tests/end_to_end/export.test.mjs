// An export read back into an empty database is equal; under load it loses nothing that was acknowledged before it began.
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { cleanUpAfter } from './support/cleanup.mjs';
import { Client } from './support/client.mjs';
import { binary, environment, eventually, startDaemon, temporaryDirectory } from './support/daemon.mjs';
import { query } from './support/database.mjs';
import { authorization } from './support/token.mjs';

function db(...words) {
  const { status, stdout, stderr } = spawnSync(binary, ['db', ...words], { env: environment({}), encoding: 'utf8', maxBuffer: 2 ** 30 });
  return { status, stdout, stderr };
}

async function connect(t, daemon) {
  const client = new Client(daemon.address);
  cleanUpAfter(t, () => client.close());
  const bearer = await authorization(daemon.dataDir);
  return async (events) => {
    const body = events.map((event) => (typeof event === 'string' ? event : JSON.stringify(event))).join('\n');
    const { status, text } = await client.post('/api/events', body, { ...bearer, 'content-type': 'application/x-ndjson' });
    assert.equal(status, 200, text);
  };
}

// Every row with its key and its names, and the counters.
async function contents(dataDir) {
  return {
    events: await query(dataDir, `SELECT key, tail, level, hex(request) AS request, hex(client_id) AS client_id, msg, data,
      (SELECT name FROM event_type WHERE id = type) AS type, (SELECT name FROM chat WHERE id = chat) AS chat FROM event ORDER BY key`),
    chats: await query(dataDir, 'SELECT name, last_seen_minute FROM chat ORDER BY name'),
    minutes: await query(dataDir, 'SELECT * FROM metric_minute WHERE turns + skipped + errors > 0 ORDER BY minute'),
    turns: await query(dataDir, "SELECT value FROM total WHERE name = 'turns'"),
  };
}

const v7 = (time) => {
  const hex = randomUUID().replaceAll('-', '');
  const stamp = time.toString(16).padStart(12, '0');
  return `${stamp.slice(0, 8)}-${stamp.slice(8)}-7${hex.slice(13, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
};

// Events of every kind that there is, many of them in the same millisecond.
function everyKind(count, now) {
  return Array.from({ length: count }, (_, i) => {
    const time = now - (i % 97) * 60_000;
    switch (i % 10) {
      case 0: return { event_type: 'bare', time };
      case 1: return { event_type: 'with.id', time, id: randomUUID(), msg: 'v4' };
      case 2: return { event_type: 'with.id', time, id: v7(time), msg: 'v7 of its time' };
      case 3: return { event_type: 'with.id', time, id: v7(time - 12_345), msg: 'v7 of another time' };
      case 4: return { event_type: 'names', time, chat_id: `chat-${i % 7}`, data: { id: 1, level: 'x' }, sequence: 5, key: null };
      case 5: return { event_type: 'tmux.turn.start', time, chat_id: `chat-${i % 5}`, request_id: randomUUID() };
      case 6: return { event_type: 'discriminator.decision', time, decision: i % 20 === 6 ? 'skip' : 'go', level: 'error' };
      case 7: return `{"event_type":"numbers","time":${time},"a":12345678901234567890,"b":-0.0,"c":1e300,"d":0.30000000000000004,"e":1E20}`;
      case 8: return { event_type: 'texts', time, msg: 'line\nbreak \u0000 \u001b[31m \u2028 \u{1f600}', 'naïve "key"': '\u007f\u0085', level: 'fatal' };
      default: return { event_type: 'large', time, pad: 'x\t'.repeat(i % 400), deep: JSON.parse('['.repeat(40) + ']'.repeat(40)) };
    }
  });
}

test('what was exported and imported is equal', async (t) => {
  const daemon = await startDaemon(t);
  const post = await connect(t, daemon);
  const all = everyKind(5000, Date.now());
  for (let i = 0; i < all.length; i += 500) await post(all.slice(i, i + 500));
  const live = db('export', '--data-dir', daemon.dataDir);
  assert.equal(live.status, 0, live.stderr);
  assert.equal((await daemon.stop()).code, 0);
  const { status, stdout } = db('export', '--data-dir', daemon.dataDir);
  assert.equal(status, 0);
  assert.equal(stdout, live.stdout, 'with the daemon running and without it');
  assert.equal(stdout.split('\n').length, 5001);

  const directory = await temporaryDirectory(t);
  const file = join(directory, 'export.ndjson');
  const copy = join(directory, 'copy');
  writeFileSync(file, stdout);
  const imported = db('import', '--data-dir', copy, file);
  assert.deepEqual([imported.status, imported.stdout], [0, '5000 events stored, 0 were there already\n'], imported.stderr);
  const before = await contents(daemon.dataDir);
  assert.deepEqual(await contents(copy), before);
  assert.equal(db('export', '--data-dir', copy).stdout, stdout);

  // Once more, from stdin: nothing is stored twice.
  const again = execFileSync(binary, ['db', 'import', '--data-dir', copy], { env: environment({}), input: stdout, encoding: 'utf8' });
  assert.equal(again, '0 events stored, 5000 were there already\n');
  assert.deepEqual(await contents(copy), before);
  const restarted = await startDaemon(t, { dataDir: copy });
  const client = new Client(restarted.address);
  cleanUpAfter(t, () => client.close());
  const { metrics } = (await client.get('/health')).json;
  assert.deepEqual([metrics.turns_total, metrics.discriminator_skipped_24h, metrics.chats_total], [500, 250, 7]);
});

test('an export under load has everything that was acknowledged before it began', async (t) => {
  const daemon = await startDaemon(t);
  const post = await connect(t, daemon);
  const acknowledged = [];
  let stopping = false;
  const load = async () => {
    while (!stopping) {
      const ids = Array.from({ length: 20 }, () => randomUUID());
      await post(ids.map((id, i) => ({ event_type: 'load', id, time: Date.now() - 1000 * i })));
      acknowledged.push(...ids);
    }
  };
  const loads = [load(), load(), load()];
  for (let round = 0; round < 3; round += 1) {
    await eventually('more is acknowledged', () => acknowledged.length >= 1000 * (round + 1), 30_000, 10);
    const known = [...acknowledged];
    const child = spawn(binary, ['db', 'export', '--data-dir', daemon.dataDir], { env: environment({}), stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (piece) => (text += piece));
    assert.deepEqual(await once(child, 'close'), [0, null]);
    const ids = text.trim().split('\n').map((line) => JSON.parse(line).id);
    const exported = new Set(ids);
    assert.equal(exported.size, ids.length, 'nothing twice');
    assert.ok(known.every((id) => exported.has(id)), `${known.length} were acknowledged`);
  }
  stopping = true;
  await Promise.all(loads);
});

test('of a time', async (t) => {
  const daemon = await startDaemon(t);
  const post = await connect(t, daemon);
  const now = Date.now();
  await post([3, 2, 1].map((hours) => ({ event_type: `h${hours}`, time: now - hours * 3_600_000 - 60_000 })));
  const types = (...words) => db('export', '--data-dir', daemon.dataDir, ...words).stdout.trim().split('\n')
    .map((line) => line && JSON.parse(line).event_type);
  assert.deepEqual(types(), ['h3', 'h2', 'h1']);
  assert.deepEqual(types('--since', '3h'), ['h2', 'h1']);
  assert.deepEqual(types('--since', '3h', '--until', '2h'), ['h2']);
  assert.deepEqual(types('--until', '9h'), ['']);
  const wrong = db('export', '--data-dir', daemon.dataDir, '--since', 'someday');
  assert.equal(wrong.status, 2);
  assert.match(wrong.stderr, /^picortex: --since \(flag\): "someday" is not allowed: give a time such as .*\n$/);
});

test('an import that cannot be is one clear line, and what came before stays', async (t) => {
  const daemon = await startDaemon(t);
  const post = await connect(t, daemon);
  await post(everyKind(30, Date.now()));
  const busy = db('import', '--data-dir', daemon.dataDir, '/dev/null');
  assert.equal(busy.status, 1);
  assert.match(busy.stderr, /^picortex: db: another picortex uses the data directory .*; end it, or choose another with --data-dir\n$/);
  const lines = db('export', '--data-dir', daemon.dataDir).stdout;
  const directory = await temporaryDirectory(t);
  const file = join(directory, 'export.ndjson');
  const copy = join(directory, 'copy');
  for (const [bad, reason] of [
    ['{"id":1}', /line 31: id is not a string\n$/], ['nonsense', /line 31: it is not valid JSON: .*\n$/],
    [`{"id":"${'x'.repeat(9 * 2 ** 20)}"}`, /line 31: it is too long\n$/],
  ]) {
    writeFileSync(file, `${lines}${bad}\n`);
    const { status, stdout, stderr } = db('import', '--data-dir', copy, file);
    assert.equal(status, 1);
    assert.match(stdout, /^(30 events stored, 0|0 events stored, 30) were there already\n$/);
    assert.match(stderr, reason);
  }
  const missing = db('import', '--data-dir', copy, join(directory, 'nothing'));
  assert.deepEqual([missing.status, missing.stderr],
    [1, `picortex: db: cannot read ${JSON.stringify(join(directory, 'nothing'))}: No such file or directory\n`]);
  assert.equal(db('export', '--data-dir', join(directory, 'nowhere')).status, 1);
});

test('what logs prints as JSON can be imported', async (t) => {
  const daemon = await startDaemon(t);
  const post = await connect(t, daemon);
  const all = everyKind(300, Date.now()).filter((event) => event.event_type !== 'names');
  await post(all);
  const logs = spawnSync(binary, ['logs', '--json', '--limit', '1000', '--data-dir', daemon.dataDir], { env: environment({}), encoding: 'utf8' });
  assert.equal(logs.status, 0, logs.stderr);
  assert.equal((await daemon.stop()).code, 0);
  const directory = await temporaryDirectory(t);
  const file = join(directory, 'logs.ndjson');
  const copy = join(directory, 'copy');
  writeFileSync(file, logs.stdout);
  const imported = db('import', '--data-dir', copy, file);
  assert.deepEqual([imported.status, imported.stdout], [0, `${all.length} events stored, 0 were there already\n`], imported.stderr);
  const rows = 'SELECT id, time, level, event_type, request_id, chat_id, msg, data FROM events ORDER BY id';
  assert.deepEqual(await query(copy, rows), await query(daemon.dataDir, rows));
});

test('imported events that are older than what the daemon keeps are not deleted by it', async (t) => {
  const directory = await temporaryDirectory(t);
  const settings = { PICORTEX_RETENTION_DAYS: '30' };
  const line = (id, time) => `{"id":"${id}","time":"${time}","level":"info","event_type":"a","request_id":"${randomUUID()}","msg":"","data":null,"sequence":0}\n`;
  execFileSync(binary, ['db', 'import', '--data-dir', directory],
    { env: environment(settings), input: line(randomUUID(), '2020-01-01T00:00:00.000Z') + line(randomUUID(), '2021-01-01T00:00:00.000Z') });
  const daemon = await startDaemon(t, { dataDir: directory, settings });
  // A witness that is too old in a moment: once it has gone, the others would have gone as well.
  const post = await connect(t, daemon);
  await post([{ event_type: 'witness', time: Date.now() - 30 * 86_400_000 + 3_000 }]);
  await eventually('the witness has gone', async () => (await daemon.status()).storage.pruned === 1, 20_000);
  assert.equal((await query(directory, 'SELECT count(*) AS n FROM event'))[0].n, 2);
  assert.equal((await daemon.stop()).code, 0);
});

test('Ctrl-C ends an import at a line, and it can be continued', async (t) => {
  const directory = await temporaryDirectory(t);
  const line = (i) => `{"id":"${randomUUID()}","time":"2026-11-17T14:00:00.000Z","level":"info","event_type":"a","request_id":"${randomUUID()}",` +
    `"chat_id":null,"msg":"${i}","data":null,"sequence":${i}}\n`;
  const child = spawn(binary, ['db', 'import', '--data-dir', directory], { env: environment({}), stdio: ['pipe', 'pipe', 'pipe'] });
  let output = '';
  let errors = '';
  child.stdout.on('data', (piece) => (output += piece));
  child.stderr.on('data', (piece) => (errors += piece));
  const text = Array.from({ length: 2500 }, (_, i) => line(i)).join('');
  child.stdin.write(`${text}{"id":`);
  await eventually('2000 are stored', async () =>
    (await query(directory, 'SELECT count(*) AS n FROM event').catch(() => [{ n: 0 }]))[0].n >= 2000, 30_000, 20);
  child.kill('SIGINT');
  assert.deepEqual(await once(child, 'close'), [1, null]);
  const stored = Number(/^(\d+) events stored, 0 were there already\n$/.exec(output)?.[1]);
  assert.ok(stored >= 2000 && stored <= 2500, output);
  assert.equal(errors, 'picortex: db: ended by a signal; run it again to continue\n');
  assert.equal(execFileSync(binary, ['db', 'import', '--data-dir', directory], { env: environment({}), input: text, encoding: 'utf8' }),
    `${2500 - stored} events stored, ${stored} were there already\n`);
});

test('a reader that has seen enough ends an export quietly', async (t) => {
  const daemon = await startDaemon(t);
  const post = await connect(t, daemon);
  for (let i = 0; i < 10; i += 1) await post(everyKind(500, Date.now()));
  const file = join(await temporaryDirectory(t), 'errors');
  const head = execFileSync('sh', ['-c', `"$0" db export --data-dir "$1" 2>"$2" | head -n 1`, binary, daemon.dataDir, file],
    { env: environment({}), encoding: 'utf8' });
  assert.equal(head.trim().split('\n').length, 1);
  assert.equal(readFileSync(file, 'utf8'), '');
});
