// A whole day of two chats at once, as hooks and telemetry report it: an interruption, a question, a subagent in the background, a
// resumed session, a denied connection, a late batch. The answers of turns, why and the API are compared as a whole.
import assert from 'node:assert/strict';
import test from 'node:test';
import { Agent, environmentOf } from './support/agent.mjs';
import { picortex } from './support/answers.mjs';
import { testFile } from './support/cleanup.mjs';
import { Client } from './support/client.mjs';
import { startDaemon } from './support/daemon.mjs';
import { authorization } from './support/token.mjs';

const daemon = await startDaemon(testFile);
const client = new Client(daemon.address);
testFile.after(() => client.close());
const admin = await authorization(daemon.dataDir);
const request = (n) => `01900000-0000-7000-8000-${String(n).padStart(12, '0')}`;
const [a1, a2, a3, b1, b2] = [1, 2, 3, 4, 5].map(request);

const arrives = async (chat, id, msg) => {
  assert.equal((await client.post('/api/events', { event_type: 'linq.inbound', chat_id: chat, request_id: id, msg }, admin)).status, 200);
};

// Times, run IDs and what depends on the moment become words; blanks between columns become one.
function still(text) {
  return text.replace(/\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d{3})?Z?/g, 'TIME').replace(/\d{4}-\d\d-\d\d/g, 'DAY').replace(/\d\d:\d\d:\d\d\.\d{3}/g, 'TIME')
    .replace(/\b\d+\.\ds\b/g, 'SECONDS').replace(/[0-9a-f]{8}-[0-9a-f]{4}-[45][0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/g, 'SESSION')
    .replace(/"picortex_run_id": ?"[^"]*"/g, '"picortex_run_id":"RUN"').replace(/ +/g, ' ').replace(/ \n/g, '\n');
}

test('the day is played', async () => {
  const a = new Agent(client, 'chat-a', await environmentOf(daemon, 'chat-a'));
  const b = new Agent(client, 'chat-b', await environmentOf(daemon, 'chat-b'));
  await arrives('chat-a', a1, 'please do it');
  await arrives('chat-b', b1, 'and you?');
  await a.hook('UserPromptSubmit', 'a-1', { prompt: 'please do it' });
  await b.hook('UserPromptSubmit', 'b-1', { prompt: 'and you?' });
  await a.send([a.record('user_prompt', 'a-1', { prompt_length: '12', prompt: '<REDACTED>' }), a.call('a-1', 'req_a1', 1000)]);
  await b.send([b.call('b-1', 'req_b1', 70_000)]);
  // A question, and what was denied while the tool ran that had been asked about.
  await a.hook('Notification', 'a-1', { notification_type: 'permission_prompt', message: 'Claude needs your permission to use Bash' });
  await a.send([a.record('tool_decision', 'a-1', { tool_name: 'Bash', decision: 'accept', source: 'user_temporary', tool_use_id: 'toolu_1' })]);
  const denied = { event_type: 'egress.rejected', level: 'warn', chat_id: 'chat-a', request_id: a1, msg: 'denied', host: 'evil.example', port: 443 };
  assert.equal((await client.post('/api/events', denied, admin)).status, 200);
  await a.send([a.record('tool_result', 'a-1', { tool_name: 'Bash', tool_use_id: 'toolu_1', success: 'true', duration_ms: '60000' })]);
  // A subagent goes on in the background after the answer.
  await a.hook('Stop', 'a-1', { background_tasks: [{ id: 'x' }] });
  const late = a.call('a-1', 'req_a2', 2000);
  await b.hook('StopFailure', 'b-1', { error: 'server_error', last_assistant_message: 'API Error: 529\nand more' });
  await arrives('chat-a', a2, 'wait');
  await a.hook('UserPromptSubmit', 'a-2', { prompt: 'wait' });
  await arrives('chat-a', a3, 'no, this');
  await a.hook('UserPromptSubmit', 'a-3', { prompt: 'no, this' });
  await a.send([late, a.record('subagent_completed', 'a-1', { agent_type: 'general-purpose', total_tokens: 10 })]);
  await a.send([a.tool('a-3', 'toolu_2', false), a.call('a-3', 'req_a3', 500)]);
  await a.hook('Stop', 'a-3', { background_tasks: [] });
  await a.hook('UserPromptSubmit', 'a-4', { prompt: '<task-notification>\n<task-id>x</task-id>\n<tool-use-id>toolu_1</tool-use-id>' });
  await a.send([a.call('a-4', 'req_a4', 250)]);
  await a.hook('Stop', 'a-4', { background_tasks: [] });
  // Everything of the first turn is sent again, as after a 503.
  await a.send([late]);
  // The session of chat-b is resumed: another process, the same session, numbers from 0 again.
  const resumed = new Agent(client, 'chat-b', await environmentOf(daemon, 'chat-b'), b.session);
  await arrives('chat-b', b2, 'still there?');
  await resumed.hook('UserPromptSubmit', 'b-2', { prompt: 'still there?' });
  await resumed.send([resumed.record('user_prompt', 'b-2', { prompt_length: '12' }), resumed.call('b-2', 'req_b2', 3000)]);
  await resumed.hook('Stop', 'b-2', { background_tasks: [] });
  await resumed.hook('SessionEnd', 'b-2', { reason: 'other' });
});

test('turns, as text', async () => {
  const { stdout, code } = await picortex(daemon.dataDir, ['turns', '--sort', 'cost', '--utc']);
  assert.equal(code, 0);
  assert.equal(still(stdout), `times are UTC, UTC+00:00
START CHAT TOOK CALLS TOKENS CACHED OUT COST TOOLS ASKED ERRORS NETWORK UP STATE REQUEST
TIME chat-b SECONDS 1 120 300 40 $0.0700 0 - 0 0 - failed, claimed ${b1}
TIME chat-a SECONDS 3 360 900 120 $0.0033 1 SECONDS 0 0 - done, claimed ${a1}
TIME chat-b SECONDS 1 120 300 40 $0.0030 0 - 0 0 - done, claimed ${b2}
TIME chat-a SECONDS 1 120 300 40 $0.0005 1 (1 failed) - 0 0 - done, claimed ${a3}
TIME chat-a SECONDS 0 0 0 0 unknown 0 - 0 0 - interrupted, claimed ${a2}
`.replace('$0.0033', /\$0\.003[23] /.exec(stdout)[0].trim()));
});

test('turns, by the API', async () => {
  const turns = (await client.get('/api/turns', admin)).json.turns;
  const facts = ({ request_id, chat_id, state, model_calls, cost_usd, tools, failed_tools, subagents, lost_records, claimed }) =>
    [request_id, chat_id, state, model_calls, cost_usd, tools, failed_tools, subagents, lost_records, claimed];
  assert.deepEqual(turns.map(facts), [
    [b2, 'chat-b', 'done', 1, 0.003, 0, 0, 0, 0, true],
    [a3, 'chat-a', 'done', 1, 0.0005, 1, 1, 0, 0, true],
    [a2, 'chat-a', 'interrupted', 0, null, 0, 0, 0, 0, true],
    [b1, 'chat-b', 'failed', 1, 0.07, 0, 0, 0, 0, true],
    [a1, 'chat-a', 'done', 3, 0.00325, 1, 0, 1, 0, true],
  ]);
  const story = (await client.get(`/api/story?id=${a1}`, admin)).json;
  assert.deepEqual(story.turn, turns[4]);
  const steps = new Map(story.steps.map((step) => [step.id, step]));
  const denial = story.steps.find(({ event_type }) => event_type === 'egress.rejected');
  assert.equal(steps.get(denial.within).event_type, 'claude.tool_result');
  const why = JSON.parse((await picortex(daemon.dataDir, ['why', a1, '--json'])).stdout);
  assert.deepEqual(why, story);
});

test('why, the steps of the first message', async () => {
  const { stdout, code } = await picortex(daemon.dataDir, ['why', a1, '--utc']);
  assert.equal(code, 0);
  // The details are those of the events, which other tests compare; here the order and the place of each step.
  // An alert comes with the next look at what stands open, or not at all if the question was answered before.
  const lines = still(stdout).split('\n').filter((line) => (!/^ {0,8}\w+: /.test(line) || line.startsWith('turn:')) && !/turn\.waiting|alert\./.test(line));
  assert.deepEqual(lines, [
    'A turn was started; no discriminator.decision event says why; egress was denied once (evil.example:443).',
    '',
    `request ${a1} chat chat-a DAY times are UTC, UTC+00:00`,
    lines[3],
    ' model calls 3, tokens 300 fresh, 60 into the cache, 900 cached, 120 out',
    ' tools 1, rejected 0, waited for permission SECONDS',
    ' API errors 0, retries 0, connections 0, 0 denied, bytes up unknown',
    '',
    ' TIME linq.inbound arrived: please do it',
    ' TIME claude.prompt_submitted a prompt of 12 bytes',
    ' TIME claude.user_prompt a prompt of 12 characters',
    ' TIME claude.api_request claude-opus-5-5: 420 tokens in, 40 out, $0.0010',
    ' TIME claude.waiting Claude needs your permission to use Bash',
    ' TIME claude.tool_decision Bash accepted by user_temporary',
    ' TIME claude.tool_result Bash in 60000 ms',
    ' TIME egress.rejected egress denied to evil.example:443: denied',
    ' TIME claude.stop the agent has answered; background tasks: 1',
    ' TIME claude.api_request claude-opus-5-5: 420 tokens in, 40 out, $0.0020',
    ' TIME claude.subagent_completed subagent_completed',
    ' TIME claude.prompt_submitted a background task has ended',
    ' TIME claude.api_request claude-opus-5-5: 420 tokens in, 40 out, $0.0003',
    ' TIME claude.stop the agent has answered',
    '',
  ]);
  assert.match(lines[3], /^turn: done, claimed, took SECONDS, cost \$0\.003[23]$/);
});
