// Alerts about turns and spending reach a real program, and a chat that has spent its budget gets no further prompt.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { Agent, environmentOf } from './support/agent.mjs';
import { picortex } from './support/answers.mjs';
import { cleanUpAfter } from './support/cleanup.mjs';
import { Client } from './support/client.mjs';
import { events } from './support/database.mjs';
import { eventually, startDaemon, temporaryDirectory } from './support/daemon.mjs';
import { authorization } from './support/token.mjs';

// A daemon whose alert command keeps what it is given.
async function withCommand(t, settings = {}) {
  const directory = await temporaryDirectory(t);
  const program = join(directory, 'alert');
  const inbox = join(directory, 'inbox');
  writeFileSync(program, `#!/bin/sh\ncat >>${inbox}\n`);
  chmodSync(program, 0o700);
  const options = { dataDir: await temporaryDirectory(t), settings: { PICORTEX_ALERT_COMMAND: program, ...settings } };
  const daemon = await startDaemon(t, options);
  const client = new Client(daemon.address);
  cleanUpAfter(t, () => client.close());
  const bearer = await authorization(daemon.dataDir);
  const taken = () => (existsSync(inbox) ? readFileSync(inbox, 'utf8') : '').split('\n').filter(Boolean).map((line) => JSON.parse(line));
  return {
    daemon, client, bearer, taken, options,
    agent: async (chat) => new Agent(client, chat, await environmentOf(daemon, chat)),
    arrives: async (chat, id) => {
      const event = { event_type: 'linq.inbound', chat_id: chat, request_id: id, msg: 'please' };
      assert.equal((await client.post('/api/events', event, bearer)).status, 200);
    },
    turn: async (id) => (await client.get(`/api/turns?request_id=${id}`, bearer)).json.turns[0],
    first: (type, more = () => true) => eventually(`the command gets ${type}`, () => taken().find((alert) => alert.event_type === type && more(alert)), 45_000),
  };
}

test('a question that stands open and a failure for good are reported under their turns', async (t) => {
  const seen = await withCommand(t);
  const [first, second] = [randomUUID(), randomUUID()];
  const agent = await seen.agent('chat-a');
  await seen.arrives('chat-a', first);
  await agent.hook('UserPromptSubmit', 'p-1', { prompt: 'please' });
  await agent.hook('Notification', 'p-1', { notification_type: 'permission_prompt', message: 'Claude needs your permission to use Bash' });
  const waiting = await seen.first('turn.waiting');
  assert.deepEqual([waiting.request_id, waiting.chat_id, waiting.question], [first, 'chat-a', 'Claude needs your permission to use Bash']);
  assert.equal(waiting.msg, 'the agent waits for a permission: Claude needs your permission to use Bash');
  // A question that was answered within the same second is no news.
  await agent.send([agent.tool('p-1', 'toolu_1')]);
  await agent.hook('Stop', 'p-1', { background_tasks: [] });
  await seen.arrives('chat-a', second);
  await agent.hook('UserPromptSubmit', 'p-2', { prompt: 'again' });
  await agent.hook('StopFailure', 'p-2', { error: 'server_error', last_assistant_message: 'API Error: 529\nand more' });
  await agent.send([agent.record('api_error', 'p-2', { error: 'Repeated 529', query_source: 'repl_main_thread', attempt: 3 })]);
  const failed = await seen.first('turn.failed');
  assert.deepEqual([failed.request_id, failed.chat_id, failed.error], [second, 'chat-a', 'API Error: 529']);
  const line = await seen.daemon.line(({ event_type }) => event_type === 'turn.failed');
  assert.deepEqual([line.level, line.request_id, line.chat_id], ['error', second, 'chat-a']);
  const rows = await eventually('both rows', async () => {
    const found = await events(seen.daemon.dataDir, `request_id = '${second}' AND event_type IN ('turn.failed', 'alert.delivered')`);
    return found.length === 2 && found;
  });
  assert.deepEqual([rows[0].event_type, rows[0].chat_id, rows[0].data], ['turn.failed', 'chat-a', { error: 'API Error: 529' }]);
  assert.deepEqual(seen.taken().map(({ event_type }) => event_type).filter((type) => type.startsWith('turn.')), ['turn.waiting', 'turn.failed']);
  assert.equal((await seen.turn(second)).state, 'failed');
});

test('a message without a prompt is reported once prompts are known to be reported, also after a restart', async (t) => {
  const seen = await withCommand(t);
  const [before, skipped, lost, prompted, later] = [1, 2, 3, 4, 5].map(() => randomUUID());
  await seen.arrives('chat-a', before);
  const agent = await seen.agent('chat-a');
  await agent.hook('UserPromptSubmit', 'p-1', { prompt: 'please' });
  await agent.hook('Stop', 'p-1', { background_tasks: [] });
  await seen.arrives('chat-b', lost);
  await seen.arrives('chat-c', skipped);
  await seen.client.post('/api/events', { event_type: 'discriminator.decision', chat_id: 'chat-c', request_id: skipped, decision: 'skip' }, seen.bearer);
  const alert = await seen.first('turn.lost');
  assert.deepEqual([alert.request_id, alert.chat_id, alert.after_seconds], [lost, 'chat-b', 30]);
  await seen.daemon.stop();
  const daemon = await startDaemon(t, seen.options);
  const client = new Client(daemon.address);
  cleanUpAfter(t, () => client.close());
  const post = (chat_id, request_id) => client.post('/api/events', { event_type: 'linq.inbound', chat_id, request_id, msg: 'x' }, seen.bearer);
  const again = new Agent(client, 'chat-a', agent.env, agent.session);
  await post('chat-a', prompted);
  await again.hook('UserPromptSubmit', 'p-2', { prompt: 'x' });
  await post('chat-b', later);
  await seen.first('turn.lost', ({ request_id }) => request_id === later);
  assert.deepEqual(seen.taken().filter(({ event_type }) => event_type === 'turn.lost').map(({ request_id }) => request_id), [lost, later]);
});

test('spending is reported for the chat, counted over restarts, and blocks its next prompt alone', async (t) => {
  const rules = 'cost>0.05/1h by=chat_id cooldown=1h, cost>1/1d';
  const settings = { PICORTEX_ALERT_ON: rules, PICORTEX_CHAT_BUDGET: '0.10/1d' };
  const seen = await withCommand(t, settings);
  const [rich, poor, theirs] = [await seen.agent('chat-rich'), await seen.agent('chat-poor'), await seen.agent('chat-theirs')];
  await poor.hook('UserPromptSubmit', 'p-1', { prompt: 'x' });
  await poor.send([poor.call('p-1', 'req_1', 60_000)]);
  await rich.send([rich.call('r-1', 'req_2', 10_000)]);
  const alert = await seen.first('alert.cost');
  assert.deepEqual([alert.chat_id, alert.cost_usd, alert.rule], ['chat-poor', 0.06, 'cost>0.05/1h by=chat_id cooldown=1h']);
  assert.equal(alert.msg, 'the chat\'s agent has spent $0.06 within 1h, which the rule reports: cost>0.05/1h by=chat_id cooldown=1h');
  // Not yet spent; sent twice it counts once; and a claim without the chat's key charges no chat.
  await poor.hook('UserPromptSubmit', 'p-2', { prompt: 'x' });
  await poor.send([poor.call('p-2', 'req_3', 45_000)]);
  theirs.env.OTEL_RESOURCE_ATTRIBUTES = theirs.env.OTEL_RESOURCE_ATTRIBUTES.replace('chat-theirs', 'chat-rich');
  await theirs.send([theirs.call('t-1', 'req_4', 500_000)], { authorization: theirs.headers.authorization });
  await rich.hook('UserPromptSubmit', 'r-2', { prompt: 'x' });
  const message = randomUUID();
  await seen.arrives('chat-poor', message);
  const answer = await poor.ask('UserPromptSubmit', 'p-3', { prompt: 'x' });
  assert.deepEqual(answer, { decision: 'block', reason: 'picortex: this chat has spent $0.10 of the $0.10 that it may spend within 1d. Try again later, or ask the operator.' });
  const turn = await seen.turn(message);
  assert.deepEqual([turn.state, turn.chat_id, turn.model_calls], ['blocked', 'chat-poor', 0]);
  const [row] = await events(seen.daemon.dataDir, "event_type = 'claude.prompt_blocked'");
  assert.deepEqual([row.level, row.request_id, row.chat_id, row.data.spent_usd, row.data.budget_usd], ['warn', message, 'chat-poor', 0.105, 0.1]);
  // A background task that ended is no new prompt of a person.
  await poor.hook('UserPromptSubmit', 'p-4', { prompt: '<task-notification>\n<task-id>x</task-id>' });
  await seen.daemon.stop();
  const daemon = await startDaemon(t, seen.options);
  const client = new Client(daemon.address);
  cleanUpAfter(t, () => client.close());
  const after = new Agent(client, 'chat-poor', poor.env, poor.session);
  assert.equal((await after.ask('UserPromptSubmit', 'p-5', { prompt: 'x' })).decision, 'block');
  await new Agent(client, 'chat-rich', rich.env, rich.session).hook('UserPromptSubmit', 'r-3', { prompt: 'x' });
  const { stdout } = await picortex(daemon.dataDir, ['turns', '--chat', 'chat-poor']);
  assert.match(stdout, / blocked, claimed /);
  assert.deepEqual(seen.taken().filter(({ event_type }) => event_type === 'alert.cost').length, 1);
});

test('a wrong budget or cost rule is rejected at start, with its reason', async (t) => {
  for (const [settings, reason] of [
    [{ PICORTEX_CHAT_BUDGET: '5' }, '--chat-budget'],
    [{ PICORTEX_CHAT_BUDGET: '0/1d' }, '--chat-budget'],
    [{ PICORTEX_ALERT_ON: 'cost>5' }, 'it is not an amount and a time such as 5/1d'],
    [{ PICORTEX_ALERT_ON: 'level=error cost>5/1d' }, 'cost> takes no condition but chat_id='],
    [{ PICORTEX_ALERT_ON: 'cost>5/1d by=host' }, "'host' is not chat_id"],
  ]) {
    await assert.rejects(startDaemon(t, { settings }), (error) => {
      assert.ok(error.message.includes(reason), error.message);
      return true;
    });
  }
});

test('the status says what has come as telemetry', async (t) => {
  const seen = await withCommand(t, { PICORTEX_TELEMETRY_RATE: '5' });
  const agent = await seen.agent('chat-a');
  const records = [1, 2, 3, 4].map((n) => agent.call('p-1', `req_${n}`, 1000));
  await agent.send(records);
  await agent.send(records.slice(0, 2));
  const over = await seen.client.post('/v1/logs', agent.body([]), agent.headers);
  assert.deepEqual([over.status, over.headers['retry-after']], [429, '5']);
  await seen.client.post('/v1/logs', 'x', { ...agent.headers, 'content-type': 'text/plain' });
  await seen.client.post('/v1/logs', '[', { ...seen.bearer, 'content-type': 'application/json' });
  const { claimed_left, ...telemetry } = (await seen.daemon.status()).telemetry;
  assert.deepEqual(telemetry, { requests: 5, records: 6, events: 4, duplicates: 2, rejected: 0, undecodable: 2, unavailable: 0,
    over_budget: 1, bytes_in_hand: 0, claimed_per_minute: 5 });
  assert.ok(claimed_left <= 0, `${claimed_left}`);
});
