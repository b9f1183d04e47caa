// What logs, why, turns, stats, chats and errors print of a fleet's table is what they print of the hosts' own stores.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import test from 'node:test';
import { Agent, environmentOf } from './support/agent.mjs';
import { picortex } from './support/answers.mjs';
import { cleanUpAfter, testFile } from './support/cleanup.mjs';
import { startClickHouse } from './support/clickhouse.mjs';
import { Client } from './support/client.mjs';
import { binary, environment, temporaryDirectory } from './support/daemon.mjs';
import { fleetEvents, generator, question } from './support/fleet_events.mjs';
import { exportedEvents, shipSource } from './support/ship_source.mjs';
import { allShipped, startShipper } from './support/shipper.mjs';
import { authorization } from './support/token.mjs';

const seed = Number(process.env.PICORTEX_TEST_SEED ?? 20_261_129);
const clickhouse = await startClickHouse(testFile);
const table = `clickhouse+http://127.0.0.1:${clickhouse.port}/default?table=fleet`;

// Turns of two chats: one that is interrupted, one that waits, one that was denied hosts, one that failed.
async function storeTurns(host, first) {
  const client = new Client(host.daemon.address);
  cleanUpAfter(testFile, () => client.close());
  const admin = await authorization(host.dataDir);
  const request = (n) => `01900000-0000-7000-8000-${String(first + n).padStart(12, '0')}`;
  const post = async (event) => assert.equal((await client.post('/api/events', event, admin)).status, 200);
  for (const [at, chat] of ['chat-a', 'chat-b'].entries()) {
    const agent = new Agent(client, chat, await environmentOf(host.daemon, chat));
    for (let turn = 0; turn < 3; ++turn) {
      const prompt = `${chat}-${first}-${turn}`;
      await post({ event_type: 'linq.inbound', chat_id: chat, request_id: request(10 * at + turn), msg: 'please' });
      await agent.hook('UserPromptSubmit', prompt, { prompt: 'please' });
      await agent.send([agent.call(prompt, `req_${prompt}`, 1000 * (turn + 1)), agent.tool(prompt, `tool_${prompt}`, turn > 0)]);
      if (turn === 1) await agent.hook('Stop', prompt, { background_tasks: [] });
    }
    // On the host only the fence can say this; a restored store believes it of anybody.
    if (first > 0) await post({ event_type: 'egress.rejected', chat_id: chat, request_id: request(10 * at + 2), level: 'warn', msg: 'denied', host: 'evil.example', port: 443 });
    await agent.hook('Notification', `${chat}-${first}-2`, { notification_type: 'permission_prompt', message: 'Claude needs your permission' });
  }
}

async function startHost(name, place) {
  const host = { name, ...(await shipSource(testFile)) };
  await host.store(fleetEvents(seed + place, place, 1200));
  await host.store([{ event_type: 'error.state', fingerprint: '0123456789abcdef', state: 'muted' }]);
  await storeTurns(host, 100 * place);
  // Without a daemon nothing is stored that the table lacks.
  await host.daemon.stop();
  startShipper(testFile, host.dataDir, table, {}, name);
  await allShipped(host.dataDir);
  const events = [...(await exportedEvents(host.dataDir)).values()];
  host.ids = { events: events.map((event) => event.id), requests: events.map((event) => event.request_id) };
  return host;
}

// A store of this machine with what the hosts have stored.
async function restoredStore(hosts) {
  const directory = await temporaryDirectory(testFile);
  const lines = [];
  for (const host of hosts) lines.push((await picortex(host.dataDir, ['db', 'export'])).stdout);
  const file = join(directory, 'events.ndjson');
  writeFileSync(file, lines.join(''));
  execFileSync(binary, ['db', 'import', '--data-dir', directory, file], { env: environment({}) });
  return directory;
}

const madeTable = await clickhouse.query((await picortex('/nonexistent', ['ship', 'init', '--to', table])).stdout.replace(/;\s*$/, ''));
assert.equal(madeTable, '');
const hosts = [await startHost('host-a', 0), await startHost('host-b', 1)];
const merged = await restoredStore(hosts);
hosts[1].dataDir = await restoredStore([hosts[1]]);
const allIds = { events: hosts.flatMap((host) => host.ids.events), requests: hosts.flatMap((host) => host.ids.requests) };

async function assertSame(dataDir, words, fleetWords) {
  const local = await picortex(dataDir, words);
  const fleet = await picortex('/nonexistent', [...words, ...fleetWords]);
  assert.deepEqual(fleet, local, `seed ${seed}: picortex ${words.map((word) => JSON.stringify(word)).join(' ')} ${fleetWords.join(' ')}`);
  return local;
}

// Asks some at a time; returns how many had an answer.
async function askAtRandom(random, count, dataDir, ids, fleetWords) {
  let answered = 0;
  for (let asked = 0; asked < count; asked += 7) {
    const locals = await Promise.all(Array.from({ length: 7 }, () => assertSame(dataDir, question(random, ids), fleetWords)));
    answered += locals.filter((local) => local.code === 0 && local.stdout !== '').length;
  }
  return answered;
}

for (const host of hosts) {
  test(`random questions about ${host.name} have the answers of its own store`, async () => {
    const answered = await askAtRandom(generator(seed + 17), 70, host.dataDir, host.ids, ['--from', table, '--host', host.name]);
    assert.ok(answered > 30, `only ${answered} questions had an answer`);
  });
}

test('random questions about all hosts have the answers of a store with the events of all', async () => {
  await askAtRandom(generator(seed + 23), 70, merged, allIds, ['--from', table]);
});

test('every command answers about the agents\' turns as their host does', async () => {
  for (const host of hosts) {
    const from = ['--from', table, '--host', host.name];
    const { stdout } = await assertSame(host.dataDir, ['turns', '--json', '--since', '1h'], from);
    const turns = stdout.trim().split('\n').map((line) => JSON.parse(line));
    const states = (state) => turns.filter((turn) => turn.state === state).length;
    assert.deepEqual([turns.length, states('interrupted'), states('done'), states('waiting')], [6, 2, 2, 2]);
    assert.deepEqual(turns.filter((turn) => turn.denied > 0).map((turn) => turn.denied_hosts), host === hosts[1] ? [['evil.example'], ['evil.example']] : []);
    for (const turn of turns) await assertSame(host.dataDir, ['why', turn.request_id], from);
    await assertSame(host.dataDir, ['turns', '--limit', '2'], from);
  }
});

test('events of several hosts in the same place are all there, however few are shown', async () => {
  const sql = (name) => `INSERT INTO ties SELECT '${name}', toDateTime(1790000000), 1790000000000, 0, toUUID('019a0000-0000-4000-8000-00000000000${name}'), 'info', 't', 'c', toUUID('019a0000-0000-7000-8000-000000000000'), '${name}', ''`;
  await clickhouse.query((await picortex('/nonexistent', ['ship', 'init', '--to', table.replace('fleet', 'ties')])).stdout.replace(/;\s*$/, ''));
  for (const name of ['1', '2', '3']) await clickhouse.query(sql(name));
  await clickhouse.query(sql('3'));  // a row that was sent twice
  const ask = async (...words) => (await picortex('/nonexistent', ['logs', '--json', '--from', table.replace('fleet', 'ties'), ...words]));
  const shown = ({ stdout }) => stdout.split('\n').filter(Boolean).map((line) => JSON.parse(line).msg);
  assert.deepEqual(shown(await ask()).sort(), ['1', '2', '3']);
  const two = await ask('--limit', '2');
  assert.equal(shown(two).length, 2);
  assert.match(two.stderr, /these are the newest 2 of 3 events/);
});

const fails = async (words, pattern, code = 1) => {
  const answer = await picortex('/nonexistent', words);
  assert.equal(answer.code, code, answer.stdout + answer.stderr);
  assert.equal(answer.stdout, '');
  assert.match(answer.stderr, pattern);
  assert.equal(answer.stderr.trim().split('\n').length, 1);
};

test('what is wrong is said in one line', async () => {
  const at = (text) => ['--from', `clickhouse+http://${text}`];
  const here = `127.0.0.1:${clickhouse.port}`;
  for (const command of ['logs', 'stats', 'turns', 'chats', 'errors']) {
    await fails([command, ...at(`${here}/default?table=none`)], /there is no table clickhouse\+http:.*none: picortex ship init --apply makes it/);
  }
  await fails(['why', '--last', ...at(`${here}/default?table=none`)], /there is no table/);
  await fails(['logs', ...at(`${here}/nowhere?table=fleet`)], /there is no database nowhere/);
  await fails(['logs', ...at(`default:wrong@${here}/default?table=fleet`)], /rejects the user or the password/);
  await fails(['logs', ...at('127.0.0.1:1/default')], /no answer from http:\/\/127\.0\.0\.1:1/);
  await fails(['logs', '--from', 'otlp+http://127.0.0.1:1'], /only ClickHouse can be asked/, 2);
  await fails(['logs', '--from', 'nonsense:secret'], /--from: .*names no kind of target/, 2);
  await fails(['logs', '--host', 'a'], /give the fleet's table with --from too/, 2);
  await fails(['logs', '--follow', '--from', table], /run it on the host without --from, or ask again with --since 5m/, 2);
  await fails(['errors', '--mute', '0123', '--from', table], /without --from/, 2);
});

test('an answer that breaks off, or that is none, is an error', async (t) => {
  const row = JSON.stringify({ time_ms: '1', sequence: 0, event_id: '019a0000-0000-4000-8000-000000000001', level_number: 30, event_type: 'x', chat_id: '', request_id: '019a0000-0000-4000-8000-000000000001', msg: '', data: '' });
  let body = '';
  let isCut = false;
  const server = createServer((_, response) => {
    response.writeHead(200, isCut ? { 'content-length': 10_000 } : {});
    response.write(body);
    if (isCut) response.socket.destroySoon();
    else response.end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanUpAfter(t, () => server.close());
  const from = ['--from', `clickhouse+http://127.0.0.1:${server.address().port}/default`];
  body = `${row}\nCode: 241, e.displayText() = DB::Exception: Memory limit exceeded\n`;
  await fails(['stats', '--by', 'rule', ...from], /answers: Code: 241.*Memory limit exceeded/);
  body = `${row}\n${row.slice(0, 30)}`;
  await fails(['stats', '--by', 'rule', ...from], /answers: \{/);
  isCut = true;
  await fails(['stats', '--by', 'rule', ...from], /no answer from/);
});
