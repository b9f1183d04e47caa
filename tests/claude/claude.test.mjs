// The real client, in a network namespace of its own, against a stand-in for the model's API: what picortex makes of its
// telemetry and hooks agrees with what the client itself says. Run by ./test.sh claude, with CLAUDE_BINARY set.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { promisify } from 'node:util';
import { picortex } from '../end_to_end/support/answers.mjs';
import { cleanUpAfter } from '../end_to_end/support/cleanup.mjs';
import { Client } from '../end_to_end/support/client.mjs';
import { events } from '../end_to_end/support/database.mjs';
import { binary, eventually, startDaemon, temporaryDirectory } from '../end_to_end/support/daemon.mjs';
import { authorization } from '../end_to_end/support/token.mjs';
import { startStubApi } from './stub_api.mjs';

const run = promisify(execFile);
const claude = process.env.CLAUDE_BINARY;
const key = 'sk-ant-api03-made-up-key-of-a-test-0000000000000000000000000000000000AA';

// A daemon, a stand-in for the API, and a home with nothing in it but the answers to what the client asks a new user.
async function start(t, settings = {}) {
  const home = await temporaryDirectory(t);
  const work = join(home, 'work');
  mkdirSync(work);
  writeFileSync(join(home, '.claude.json'), JSON.stringify({
    hasCompletedOnboarding: true, theme: 'dark', customApiKeyResponses: { approved: [key.slice(-20)], rejected: [] },
    projects: { [work]: { hasTrustDialogAccepted: true, hasCompletedProjectOnboarding: true } },
  }));
  const api = await startStubApi();
  cleanUpAfter(t, () => api.close());
  const daemon = await startDaemon(t, { settings });
  const client = new Client(daemon.address);
  cleanUpAfter(t, () => client.close());
  const admin = await authorization(daemon.dataDir);
  const env = { PATH: process.env.PATH, HOME: home, TERM: 'xterm-256color', LANG: 'C.UTF-8', ANTHROPIC_API_KEY: key, ANTHROPIC_BASE_URL: api.origin,
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1', DISABLE_AUTOUPDATER: '1', DISABLE_TELEMETRY: '1',
    PICORTEX_DATA_DIR: daemon.dataDir, PICORTEX_LISTEN: daemon.authority };
  const turn = async (id) => (await client.get(`/api/turns?request_id=${id}`, admin)).json.turns[0];
  return { home, work, api, daemon, client, admin, env, turn };
}

// `claude -p` as a bot starts it; what it says at its end.
async function ask(seen, chat, request, text, ...more) {
  const words = ['run', '--chat', chat, '--log-events', 'never', '--', claude, '-p', text, '--output-format', 'json', ...more];
  const child = spawn(binary, words, { cwd: seen.work, env: { ...seen.env, PICORTEX_REQUEST_ID: request }, stdio: ['ignore', 'pipe', 'pipe'] });
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (bytes) => (output.stdout += bytes));
  child.stderr.on('data', (bytes) => (output.stderr += bytes));
  const code = await new Promise((resolve) => { child.on('close', resolve); });
  assert.ok(output.stdout.startsWith('{'), `exit ${code}: ${output.stdout}${output.stderr}`);
  return JSON.parse(output.stdout);
}

const tokensOf = (usage) => [usage.input_tokens, usage.cache_creation_input_tokens, usage.cache_read_input_tokens, usage.output_tokens];

test('claude -p: cost, tokens, tools and the request ID agree with its own result', { timeout: 180_000 }, async (t) => {
  const seen = await start(t);
  const request = randomUUID();
  seen.api.script.push({ tool: 'Bash', input: { command: 'echo hello', description: 'says hello' } },
                       { tool: 'Bash', input: { command: 'exit 3', description: 'fails' } }, { text: 'All done.' });
  const result = await ask(seen, 'chat-p', request, 'please', '--allowedTools', 'Bash');
  assert.equal(result.is_error, false, JSON.stringify(result));
  assert.equal(result.result, 'All done.');
  const turn = await seen.turn(request);
  assert.ok(turn, 'the turn is that of the request');
  assert.equal(turn.chat_id, 'chat-p');
  assert.equal(turn.cost_usd.toFixed(6), result.total_cost_usd.toFixed(6));
  assert.deepEqual([turn.input_tokens, turn.cache_creation_tokens, turn.cache_read_tokens, turn.output_tokens], tokensOf(result.usage));
  assert.deepEqual([turn.model_calls, turn.tools, turn.failed_tools, turn.api_errors, turn.lost_records], [3, 2, 1, 0, 0]);
  assert.equal(turn.claimed, true);
  const rows = await events(seen.daemon.dataDir, `request_id = '${request}' AND event_type LIKE 'claude.%'`);
  assert.ok(rows.length >= 8, `${rows.length} events`);
  assert.ok(rows.every(({ data, msg }) => !/echo hello|All done/.test(msg + JSON.stringify(data))), 'no contents');
  t.diagnostic(`client ${rows[0].data.client_version}: cost ${result.total_cost_usd}, ${turn.model_calls} calls, ${turn.tools} tools`);
});

test('claude -p: a final error of the API is a turn that has failed', { timeout: 180_000 }, async (t) => {
  const seen = await start(t);
  const request = randomUUID();
  // The client asks once more, without what the API may not know.
  for (let tries = 0; tries < 10; tries += 1) seen.api.script.push({ status: 400, message: 'made-up error' });
  const result = await ask(seen, 'chat-e', request, 'please');
  assert.equal(result.is_error, true, JSON.stringify(result));
  const turn = await seen.turn(request);
  assert.deepEqual([turn.chat_id, turn.state, turn.api_errors, turn.cost_usd], ['chat-e', 'failed', 1, null]);
});

test('a daemon that can store nothing does not keep the client from its work', { timeout: 180_000 }, async (t) => {
  const took = {};
  for (const [name, settings] of [['ok', {}], ['full', { PICORTEX_MIN_FREE_BYTES: '1000000G' }]]) {
    const seen = await start(t, settings);
    seen.api.script.push({ tool: 'Bash', input: { command: 'echo hello', description: 'says hello' } }, { text: 'All done.' });
    const result = await ask(seen, 'chat-f', randomUUID(), 'please', '--allowedTools', 'Bash');
    assert.deepEqual([result.is_error, result.result, result.num_turns], [false, 'All done.', 2]);
    took[name] = result.duration_ms;
    if (name === 'full') assert.ok((await seen.daemon.status()).telemetry.unavailable > 0, 'the client has tried');
  }
  t.diagnostic(`the turn took ${took.ok} ms, and ${took.full} ms with a full disk`);
});

test('in tmux: hooks join each prompt to its message, and the sums agree with the transcript', { timeout: 300_000 }, async (t) => {
  const seen = await start(t);
  const { daemon, client, admin, api } = seen;
  const installed = await picortex(daemon.dataDir, ['claude', 'install'], { PICORTEX_LISTEN: daemon.authority });
  assert.equal(installed.code, 0, installed.stderr);
  cleanUpAfter(t, () => picortex(daemon.dataDir, ['claude', 'remove'], { PICORTEX_LISTEN: daemon.authority }));
  const tmux = (...words) => run('tmux', ['-S', join(seen.home, 'tmux'), ...words], { env: seen.env, cwd: seen.work });
  await tmux('-f', '/dev/null', 'new-session', '-d', '-s', 'chat', '-x', '150', '-y', '50', '-c', seen.work,
             binary, 'run', '--chat', 'chat-t', '--log-events', 'never', '--', claude, '--permission-mode', 'default');
  cleanUpAfter(t, () => tmux('kill-server').catch(() => {}));
  const screen = async () => (await tmux('capture-pane', '-p', '-t', 'chat')).stdout;
  await eventually('the client is ready', async () => /\? for shortcuts|❯|>/.test(await screen()), 60_000, 500).catch(async (error) => {
    throw new Error(`${error.message}\n${await screen()}`);
  });
  const say = async (text, id) => {
    const message = { event_type: 'linq.inbound', chat_id: 'chat-t', request_id: id, msg: text };
    assert.equal((await client.post('/api/events', message, admin)).status, 200);
    await tmux('send-keys', '-t', 'chat', '-l', text);
    await tmux('send-keys', '-t', 'chat', 'Enter');
  };
  const reaches = (id, state) => eventually(`the turn is ${state}`, async () => (await seen.turn(id))?.state === state, 60_000, 500).catch(async (error) => {
    throw new Error(`${error.message}: ${JSON.stringify(await seen.turn(id))}\n${await screen()}`);
  });
  const [first, second] = [randomUUID(), randomUUID()];
  api.script.push({ text: 'Hello there.' });
  await say('good morning', first);
  await reaches(first, 'done');
  // A tool that is not allowed yet is a question.
  api.script.push({ tool: 'Bash', input: { command: `touch ${join(seen.work, 'made')}`, description: 'makes a file' } }, { text: 'Made it.' });
  await say('make a file', second);
  await reaches(second, 'waiting');
  await tmux('send-keys', '-t', 'chat', 'Enter');
  await reaches(second, 'done');
  assert.ok(existsSync(join(seen.work, 'made')), await screen());
  await tmux('send-keys', '-t', 'chat', '-l', '/exit');
  await tmux('send-keys', '-t', 'chat', 'Enter');
  const folder = join(seen.home, '.claude', 'projects', readdirSync(join(seen.home, '.claude', 'projects'))[0]);
  const transcript = () => readdirSync(folder).filter((name) => name.endsWith('.jsonl'))
    .flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line)));
  const state = await eventually('the transcript ends', () => transcript().find(({ type }) => type === 'cost-state'), 30_000, 500).catch(() => null);
  const turns = await eventually('all telemetry has come', async () => {
    const [one, two] = [await seen.turn(first), await seen.turn(second)];
    return two.tools === 1 && one.model_calls >= 1 && two.model_calls >= 2 && [one, two];
  }, 30_000, 500);
  assert.deepEqual(turns.map(({ chat_id, tools, failed_tools, lost_records }) => [chat_id, tools, failed_tools, lost_records]),
                   [['chat-t', 0, 0, 0], ['chat-t', 1, 0, 0]]);
  assert.ok(turns[1].permission_ms > 0, 'the wait is counted');
  const calls = new Map(transcript().filter(({ type, requestId }) => type === 'assistant' && requestId).map((line) => [line.requestId, line.message.usage]));
  const rows = await events(daemon.dataDir, "event_type = 'claude.api_request' AND chat_id = 'chat-t'");
  for (const [id, usage] of calls) {
    const row = rows.find(({ data }) => data.request_id === id);
    assert.ok(row, `the call ${id} of the transcript is stored`);
    assert.deepEqual([row.data.input_tokens, row.data.cache_creation_tokens, row.data.cache_read_tokens, row.data.output_tokens], tokensOf(usage));
  }
  assert.ok(calls.size >= 3, `${calls.size} calls`);
  if (state) {
    const total = rows.reduce((sum, { data }) => sum + data.cost_usd_micros, 0) / 1e6;
    assert.ok(Math.abs(total - state.totalCostUSD) < 0.00001, `${total} against ${state.totalCostUSD}`);
  }
  t.diagnostic(`in tmux: ${calls.size} calls, waited ${turns[1].permission_ms} ms, cost by the transcript ${state?.totalCostUSD ?? 'not written'}`);
});
