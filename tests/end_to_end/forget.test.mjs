// A person's messages are deleted on request: all of a chat, in slices, through the daemon.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { Agent, environmentOf } from './support/agent.mjs';
import { picortex } from './support/answers.mjs';
import { cleanUpAfter } from './support/cleanup.mjs';
import { Client } from './support/client.mjs';
import { events, query } from './support/database.mjs';
import { startDaemon, temporaryDirectory } from './support/daemon.mjs';
import { authorization } from './support/token.mjs';

async function start(t, settings = {}) {
  const daemon = await startDaemon(t, { settings });
  const client = new Client(daemon.address);
  cleanUpAfter(t, () => client.close());
  const admin = await authorization(daemon.dataDir);
  const post = async (list) => assert.equal((await client.post('/api/events', list, admin)).status, 200);
  const forget = (chat, ...more) => picortex(daemon.dataDir, ['forget', '--chat', chat, ...more], { PICORTEX_LISTEN: daemon.authority });
  return { daemon, client, admin, post, forget };
}

test('forget deletes what is stored of a chat, and nothing else', async (t) => {
  const { daemon, client, admin, post, forget } = await start(t);
  for (let batch = 0; batch < 6; batch += 1) {
    await post(Array.from({ length: 500 }, (_, i) => ({ event_type: 'linq.inbound', chat_id: i % 2 ? 'chat-gone' : 'chat-kept', msg: `message ${i} plugh` })));
  }
  const request = randomUUID();
  await post([{ event_type: 'linq.inbound', chat_id: 'chat-agent', request_id: request, msg: 'please' }]);
  const agent = new Agent(client, 'chat-agent', await environmentOf(daemon, 'chat-agent'));
  await agent.hook('UserPromptSubmit', 'p-1', { prompt: 'please' });
  await agent.send([agent.call('p-1', 'req_1', 1000), agent.tool('p-1', 'toolu_1')]);
  const gone = await forget('chat-gone');
  assert.deepEqual([gone.code, gone.stdout, gone.stderr], [0, '1500 events and 0 turns of chat "chat-gone" deleted\n', '']);
  const agents = await forget('chat-agent');
  assert.match(agents.stdout, /^[456] events and 1 turns of chat "chat-agent" deleted\n$/);
  const again = await forget('chat-gone');
  assert.equal(again.stdout, '0 events and 0 turns of chat "chat-gone" deleted\n');
  const left = await events(daemon.dataDir, "chat_id IS NOT 'chat-kept' AND event_type <> 'child.start' AND event_type <> 'child.exit'");
  assert.deepEqual(left, []);
  assert.equal((await events(daemon.dataDir, "chat_id = 'chat-kept'")).length, 1500);
  assert.deepEqual((await client.get('/api/turns', admin)).json.turns, []);
  assert.equal((await client.get(`/api/story?id=${request}`, admin)).status, 404);
  assert.deepEqual((await query(daemon.dataDir, 'SELECT name FROM chat')).map(({ name }) => name), ['chat-kept']);
  const line = await daemon.line(({ event_type }) => event_type === 'db.forgotten');
  assert.ok(!JSON.stringify(line).includes('chat-gone'), 'the log does not name it');
});

test('the daemon serves and stores while it forgets', async (t) => {
  const { daemon, client, post } = await start(t);
  for (let batch = 0; batch < 10; batch += 1) {
    await post(Array.from({ length: 1000 }, (_, i) => ({ event_type: 'note', chat_id: 'chat-gone', msg: `message ${batch} ${i}` })));
  }
  const before = (await daemon.status()).storage.commits;
  const forgetting = picortex(daemon.dataDir, ['forget', '--chat', 'chat-gone'], { PICORTEX_LISTEN: daemon.authority });
  let polls = 0;
  let ended = false;
  forgetting.then(() => (ended = true));
  while (!ended) {
    assert.ok([200, 503].includes((await client.get('/health')).status));
    await post([{ event_type: 'note', chat_id: 'chat-kept', msg: `${polls}` }]);
    polls += 1;
  }
  const { stdout } = await forgetting;
  assert.equal(stdout, '10000 events and 0 turns of chat "chat-gone" deleted\n');
  assert.equal((await events(daemon.dataDir, "chat_id = 'chat-kept'")).length, polls);
  assert.ok((await daemon.status()).storage.commits - before >= 10, 'in slices');
});

test('only an administrator may forget, and a wrong body says what is wrong', async (t) => {
  const { daemon, client, admin, forget } = await start(t);
  const { stdout } = await picortex(daemon.dataDir, ['token', 'create', 'bot', '--scope', 'read,write']);
  assert.equal((await client.post('/api/forget', { chat_id: 'x' }, { authorization: `Bearer ${stdout.trim()}` })).status, 403);
  assert.equal((await client.post('/api/forget', { chat_id: 'x' })).status, 401);
  for (const body of ['{}', '[]', '{"chat_id":""}', '{"chat_id":5}', '{"chat_id":"a","more":1}', `{"chat_id":"${'x'.repeat(257)}"}`]) {
    const answer = await client.post('/api/forget', body, admin);
    assert.deepEqual([answer.status, answer.json.message],
                     [400, 'The body is not an object with chat_id, a text of 1 to 256 bytes, and nothing else'], body);
  }
  const none = await picortex(daemon.dataDir, ['forget'], { PICORTEX_LISTEN: daemon.authority });
  assert.deepEqual([none.code, none.stderr], [2, 'picortex: forget: give --chat ID\n']);
  const missing = await picortex(join(await temporaryDirectory(t), 'none'), ['forget', '--chat', 'x'], { PICORTEX_LISTEN: daemon.authority });
  assert.equal(missing.code, 1);
  await daemon.stop();
  const down = await forget('x');
  assert.equal(down.code, 1);
  assert.match(down.stderr, /^picortex: forget: .*; run it again to continue\n$/);
});

test('an import makes the turns again that an export has no rows of', async (t) => {
  const { daemon, client, admin, post } = await start(t);
  const [first, second] = [randomUUID(), randomUUID()];
  const agent = new Agent(client, 'chat-a', await environmentOf(daemon, 'chat-a'));
  await post([{ event_type: 'linq.inbound', chat_id: 'chat-a', request_id: first, msg: 'please' }]);
  await agent.hook('UserPromptSubmit', 'p-1', { prompt: 'please' });
  await agent.send([agent.record('user_prompt', 'p-1', { prompt_length: '6' }), agent.call('p-1', 'req_1', 1000), agent.tool('p-1', 'toolu_1', false)]);
  await agent.hook('Notification', 'p-1', { notification_type: 'permission_prompt', message: 'Claude needs your permission' });
  await agent.send([agent.record('tool_decision', 'p-1', { tool_name: 'Bash', decision: 'reject', source: 'user_reject', tool_use_id: 'toolu_2' })]);
  await agent.hook('Stop', 'p-1', { background_tasks: [] });
  await post([{ event_type: 'linq.inbound', chat_id: 'chat-a', request_id: second, msg: 'again' }]);
  await agent.hook('UserPromptSubmit', 'p-2', { prompt: 'again' });
  await agent.send([agent.record('api_error', 'p-2', { error: 'overloaded', query_source: 'repl_main_thread' }),
    agent.record('subagent_completed', 'p-2', { agent_type: 'x' })]);
  await agent.hook('StopFailure', 'p-2', { error: 'server_error' });
  await agent.hook('UserPromptSubmit', 'p-3', { prompt: '<task-notification>\n<tool-use-id>toolu_1</tool-use-id>' });
  await post([{ event_type: 'egress.rejected', level: 'warn', chat_id: 'chat-a', request_id: first, host: 'evil.example' },
    { event_type: 'egress.closed', level: 'debug', chat_id: 'chat-a', request_id: first, host: 'fine.example', bytes_up: 1234, id_source: 'claimed' },
    // Of no turn: its request ID is its own.
    { event_type: 'egress.closed', level: 'debug', request_id: second, host: 'fine.example', bytes_up: 77, id_source: 'none' }]);
  const of = async (one) => (await one.get('/api/turns', admin)).json.turns.map(({ lost_records, ...turn }) => turn);
  const expected = await of(client);
  assert.equal(expected.length, 2);
  const exported = await picortex(daemon.dataDir, ['db', 'export']);
  await daemon.stop();
  const copy = await temporaryDirectory(t);
  const file = join(copy, 'export.ndjson');
  writeFileSync(file, exported.stdout);
  const imported = await picortex(copy, ['db', 'import', '--retention-days', '0', file]);
  assert.equal(imported.code, 0, imported.stderr);
  const again = await startDaemon(t, { dataDir: copy });
  const other = new Client(again.address);
  cleanUpAfter(t, () => other.close());
  const found = (await other.get('/api/turns', await authorization(copy))).json.turns.map(({ lost_records, ...turn }) => turn);
  // The rows that were posted as if by the fence count only in the import.
  const restored = found.map((turn) => (turn.request_id === first ? { ...turn, denied: 0, denied_hosts: [], bytes_up: null } : turn));
  assert.deepEqual(found.map(({ denied, denied_hosts, bytes_up }) => [denied, denied_hosts, bytes_up]), [[0, [], null], [1, ['evil.example'], 1234]]);
  assert.deepEqual(restored, expected);
});
