// Turns: two chats whose agents work at the same time, reported by hooks and telemetry, and what turns, why and the API say about it.
import assert from 'node:assert/strict';
import test from 'node:test';
import { Agent, environmentOf } from './support/agent.mjs';
import { picortex } from './support/answers.mjs';
import { testFile } from './support/cleanup.mjs';
import { Client } from './support/client.mjs';
import { events } from './support/database.mjs';
import { startDaemon } from './support/daemon.mjs';
import { authorization } from './support/token.mjs';

const daemon = await startDaemon(testFile);
const client = new Client(daemon.address);
testFile.after(() => client.close());
const admin = await authorization(daemon.dataDir);
const request = (n) => `01900000-0000-7000-8000-${String(n).padStart(12, '0')}`;

const arrives = async (chat, id) => {
  const event = { event_type: 'linq.inbound', chat_id: chat, request_id: id, msg: 'please' };
  assert.equal((await client.post('/api/events', event, admin)).status, 200);
};
const turns = async (query = '') => (await client.get(`/api/turns${query}`, admin)).json.turns;
const turnOf = async (id) => (await turns(`?request_id=${id}`))[0];

test('picortex run gives an agent what it needs to report, and no more', async () => {
  const env = await environmentOf(daemon, 'chat é, 1');
  assert.equal(env.CLAUDE_CODE_ENABLE_TELEMETRY, '1');
  assert.equal(env.OTEL_EXPORTER_OTLP_ENDPOINT, daemon.origin);
  assert.match(env.TRACEPARENT, new RegExp(`^00-${env.PICORTEX_REQUEST_ID.replaceAll('-', '')}-[0-9a-f]{16}-01$`));
  assert.ok(!JSON.stringify(env).includes(admin.authorization.slice(7)), 'the daemon\'s own token is not handed on');
  const bearer = { authorization: `Bearer ${env.PICORTEX_HOOK_TOKEN}` };
  assert.equal((await client.get('/api/events', bearer)).status, 403);
  assert.equal((await client.post('/api/events', { event_type: 'x' }, bearer)).status, 403);
  assert.equal((await client.post('/v1/logs', {}, bearer)).status, 200);
});

test('two chats at once, with an interruption, a question, a background task and a late batch', async () => {
  const a = new Agent(client, 'chat-a', await environmentOf(daemon, 'chat-a'));
  const b = new Agent(client, 'chat-b', await environmentOf(daemon, 'chat-b'));
  const [a1, a2, a3, b1] = [1, 2, 3, 4].map(request);
  await arrives('chat-a', a1);
  await arrives('chat-b', b1);
  await a.hook('UserPromptSubmit', 'a-1', { prompt: 'please do it' });
  await b.hook('UserPromptSubmit', 'b-1', { prompt: 'please' });
  await a.send([a.record('user_prompt', 'a-1', { prompt_length: '12', prompt: '<REDACTED>' }), a.call('a-1', 'req_1', 1000)]);
  await b.send([b.call('b-1', 'req_1', 70_000)]);
  await a.hook('Notification', 'a-1', { notification_type: 'permission_prompt', message: 'Claude needs your permission to use Bash' });
  assert.equal((await turnOf(a1)).state, 'waiting');
  const late = a.call('a-1', 'req_2', 2000);
  await a.send([a.record('tool_decision', 'a-1', { tool_name: 'Bash', decision: 'accept', source: 'user_temporary', tool_use_id: 'toolu_1' }), a.tool('a-1', 'toolu_1')]);
  await a.hook('Stop', 'a-1', { background_tasks: [] });
  await b.hook('StopFailure', 'b-1', { error: 'server_error', last_assistant_message: 'API Error: 529\nand more' });
  // A batch that comes after Stop counts; sent again it does not.
  await a.send([late]);
  await a.send([late]);
  // The second message's turn is interrupted by the third one's.
  await arrives('chat-a', a2);
  await a.hook('UserPromptSubmit', 'a-2', { prompt: 'wait' });
  await arrives('chat-a', a3);
  await a.hook('UserPromptSubmit', 'a-3', { prompt: 'no, this' });
  await a.send([a.tool('a-3', 'toolu_2', false), a.call('a-3', 'req_3', 500)]);
  await a.hook('Stop', 'a-3', { background_tasks: [{ id: 'x' }] });
  // A task that the first turn began has ended: its prompt is no message's.
  await a.hook('UserPromptSubmit', 'a-4', { prompt: '<task-notification>\n<task-id>x</task-id>\n<tool-use-id>toolu_1</tool-use-id>' });
  await a.send([a.call('a-4', 'req_4', 250)]);
  await a.hook('Stop', 'a-4', { background_tasks: [] });

  const facts = async (id) => {
    const { chat_id, state, claimed, model_calls, cost_usd, input_tokens, cache_read_tokens, output_tokens, tools, failed_tools, lost_records } = await turnOf(id);
    return [chat_id, state, claimed, model_calls, cost_usd, input_tokens, cache_read_tokens, output_tokens, tools, failed_tools, lost_records];
  };
  assert.deepEqual(await facts(a1), ['chat-a', 'done', true, 3, 0.00325, 300, 900, 120, 1, 0, 0]);
  assert.deepEqual(await facts(a2), ['chat-a', 'interrupted', true, 0, null, 0, 0, 0, 0, 0, 0]);
  assert.deepEqual(await facts(a3), ['chat-a', 'done', true, 1, 0.0005, 100, 300, 40, 1, 1, 0]);
  assert.deepEqual(await facts(b1), ['chat-b', 'failed', true, 1, 0.07, 100, 300, 40, 0, 0, 0]);
  assert.deepEqual((await turns('?sort=cost')).map(({ request_id }) => request_id).slice(0, 3), [b1, a1, a3]);
  assert.deepEqual((await turns('?chat_id=chat-a')).map(({ request_id }) => request_id), [a3, a2, a1]);
  const rows = await events(daemon.dataDir, `request_id = '${a1}' AND event_type LIKE 'claude.%'`);
  assert.ok(rows.every(({ data, chat_id }) => data.claimed === true && chat_id === 'chat-a'));
  assert.ok(rows.every(({ msg, data }) => !/please do it/.test(msg + JSON.stringify(data))), 'no contents');
});

test('picortex turns and why show the same', async () => {
  const { stdout, code } = await picortex(daemon.dataDir, ['turns', '--sort', 'cost', '--utc']);
  assert.equal(code, 0);
  const lines = stdout.trimEnd().split('\n');
  assert.match(lines[0], /^times are UTC/);
  assert.match(lines[1], /^START +CHAT +TOOK +CALLS +TOKENS +CACHED +OUT +COST +TOOLS +ASKED +ERRORS +NETWORK +UP +STATE +REQUEST$/);
  assert.match(lines[2], new RegExp(`chat-b .*\\$0\\.0700 .*failed, claimed +${request(4)}$`));
  assert.match(lines.at(-1), /chat-a .* unknown .*interrupted, claimed/);
  const json = await picortex(daemon.dataDir, ['turns', '--chat', 'chat-b', '--json']);
  assert.deepEqual(JSON.parse(json.stdout), await turnOf(request(4)));
  const why = await picortex(daemon.dataDir, ['why', request(1)]);
  assert.match(why.stdout, /\nturn: done, claimed, took .*, cost \$0\.003[23]\n {2}model calls 3, tokens 300 fresh, 60 into the cache, 900 cached, 120 out\n/);
  assert.match(why.stdout, /claude\.waiting/);
  const unknown = await picortex(daemon.dataDir, ['why', request(2)]);
  assert.match(unknown.stdout, /\nturn: interrupted, claimed, took .*, cost unknown\n/);
});

test('an agent cannot take another chat\'s prompt', async () => {
  const mine = new Agent(client, 'chat-mine', await environmentOf(daemon, 'chat-mine'));
  await arrives('chat-theirs', request(9));
  const body = { session_id: mine.session, prompt_id: 'p', hook_event_name: 'UserPromptSubmit', prompt: 'x' };
  for (const headers of [{ ...mine.headers, 'x-picortex-chat': 'chat-theirs' },
    { ...mine.headers, 'x-picortex-chat': 'chat-theirs', 'x-picortex-chat-key': '' }]) {
    const answer = await client.post('/hooks/claude', body, headers);
    assert.equal(answer.status, 403, answer.text);
  }
  await mine.hook('UserPromptSubmit', 'p', { prompt: 'x' });
  assert.equal(await turnOf(request(9)), undefined);
});

test('a hook that is none, and a wrong parameter, are a 400 that says why', async () => {
  for (const [body, message] of [['[]', /^The body is not an object$/], ['{}', /^hook_event_name is missing/], ['{"hook_event_name":"Stop"}', /^session_id is missing/]]) {
    const answer = await client.post('/hooks/claude', body, admin);
    assert.equal(answer.status, 400);
    assert.match(answer.json.message, message);
  }
  assert.equal((await client.post('/hooks/claude', { hook_event_name: 'PreToolUse', session_id: 's' }, admin)).text, '{}');
  for (const [query, message] of [['sort=size', /^sort is none of/], ['limit=0', /^limit is not a number/], ['since=monday', /^since is neither/], ['x=1', /^x is unknown/]]) {
    const answer = await client.get(`/api/turns?${query}`, admin);
    assert.equal(answer.status, 400);
    assert.match(answer.json.message, message);
  }
});

test('claude -p under picortex run is one turn by its request ID', async () => {
  const env = await environmentOf(daemon, 'chat-p');
  const agent = new Agent(client, 'chat-p', env);
  await agent.send([agent.record('user_prompt', 'p-1', { prompt_length: '5' }), agent.call('p-1', 'req_p', 1418)]);
  const turn = await turnOf(env.PICORTEX_REQUEST_ID);
  assert.deepEqual([turn.chat_id, turn.cost_usd, turn.model_calls, turn.claimed], ['chat-p', 0.001418, 1, true]);
});
