// "What happened in chat X last Tuesday?": picortex logs, on a database of weeks, with and without its daemon.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import test from 'node:test';
import { actsOnTerminal, at, eventIds, naughty, picortex, requests, seed, seededDaemon, startPicortex, tuesday, zoneOf } from './support/answers.mjs';
import { testFile } from './support/cleanup.mjs';
import { eventually, startDaemon, temporaryDirectory } from './support/daemon.mjs';

const { daemon, close } = await seededDaemon(testFile, [...seed, ...naughty]);
close();
const logs = (...words) => picortex(daemon.dataDir, ['logs', ...words]);

const wholeTuesday = `times are ${zoneOf(tuesday)}
${tuesday} 00:00:00  request 019a2222-0000-7003  chat chat-x
  00:00:00.000 INFO  linq.inbound  ok thanks  service=iMessage parts=[{"type":"text"}]
  00:00:00.250 INFO  discriminator.decision  not for the agent  decision=skip rule=small-talk reason="nothing is asked" inputs={"score":0.31,"words":2} thresholds={"score":0.5} model=haiku duration_ms=41
${tuesday} 14:03:12  request 019a3333-0000-7004  chat chat-x
  14:03:12.123 INFO  linq.inbound  please build it
  14:03:12.456 INFO  discriminator.decision  decision=answer rule=asks reason="a task" inputs={"score":0.9} thresholds={"score":0.5}
  14:03:13.000 INFO  tmux.turn.start  turn 7
  14:03:20.000 WARN  egress.rejected  denied  host=evil.example port=443 evidence=sni
  14:03:21.000 ERROR bot.error  the build\\nbroke  exit=2
  14:03:22.000 WARN  child.exit  exited with status 2  exit_status=2 duration_ms=9000
`;

test('a chat last Tuesday is that whole day, grouped by request, while the daemon runs', async () => {
  assert.deepEqual(await logs('--chat', 'chat-x', '--since', 'last tuesday'), { stdout: wholeTuesday, stderr: '', code: 0 });
});

test('the same after the daemon was killed, and left its write-ahead log', async (context) => {
  const { daemon: killed, close: closeKilled } = await seededDaemon(context, seed);
  closeKilled();
  killed.kill('SIGKILL');
  await killed.exited;
  const answer = await picortex(killed.dataDir, ['logs', '--chat', 'chat-x', '--since', tuesday]);
  assert.deepEqual(answer, { stdout: wholeTuesday, stderr: '', code: 0 });
});

test('each filter narrows the answer', async () => {
  const messages = async (...words) => {
    const { stdout, stderr, code } = await logs('--json', '--until', `${tuesday}`, '--since', tuesday, ...words);
    assert.equal(code, 0, stderr);
    return stdout.split('\n').filter(Boolean).map((line) => JSON.parse(line).msg);
  };
  assert.deepEqual(await messages('--type', 'linq.*'), ['ok thanks', 'please build it', 'another chat']);
  assert.deepEqual(await messages('--type', 'tmux.turn.start'), ['turn 7']);
  assert.deepEqual(await messages('--level', 'warn'), ['denied', 'the build\nbroke', 'exited with status 2']);
  assert.deepEqual(await messages('--text', 'BUILD'), ['please build it', 'the build\nbroke']);
  assert.deepEqual(await messages('--text', 'evil.example', '--level', 'warn'), ['denied']);
  assert.deepEqual(await messages('--request', '019a2222-0000'), ['ok thanks', 'not for the agent']);
  assert.deepEqual(await messages('--limit', '1'), ['']);
  assert.deepEqual(await messages('--chat', 'chat-y', '--request', requests.other), ['another chat']);
});

test('--json is a line of the log for each event, oldest first', async () => {
  const { stdout } = await logs('--json', '--request', requests.skipped);
  assert.equal(stdout, `{"level":"info","time":"${at(tuesday, '00:00:00.000')}","id":"${JSON.parse(stdout.split('\n')[0]).id}",` +
    `"request_id":"${requests.skipped}","chat_id":"chat-x","event_type":"linq.inbound","service":"iMessage",` +
    `"parts":[{"type":"text"}],"msg":"ok thanks"}\n` +
    `{"level":"info","time":"${at(tuesday, '00:00:00.250')}","id":"${eventIds.decision}",` +
    `"request_id":"${requests.skipped}","chat_id":"chat-x","event_type":"discriminator.decision","decision":"skip",` +
    `"rule":"small-talk","reason":"nothing is asked","inputs":{"score":0.31,"words":2},"thresholds":{"score":0.5},` +
    `"model":"haiku","duration_ms":41,"msg":"not for the agent"}\n`);
});

test('--around shows what stands before and after one event', async () => {
  const { stdout } = await logs('--around', eventIds.decision, '--limit', '2', '--chat', 'chat-x');
  assert.equal(stdout, `times are ${zoneOf(tuesday)}
${tuesday} 00:00:00  request 019a2222-0000-7003  chat chat-x
  00:00:00.000 INFO  linq.inbound  ok thanks  service=iMessage parts=[{"type":"text"}]
> 00:00:00.250 INFO  discriminator.decision  not for the agent  decision=skip rule=small-talk reason="nothing is asked" inputs={"score":0.31,"words":2} thresholds={"score":0.5} model=haiku duration_ms=41
${tuesday} 14:03:12  request 019a3333-0000-7004  chat chat-x
  14:03:12.123 INFO  linq.inbound  please build it
`);
});

test('--around takes what outputs print: a short ID, or the time of a line', async () => {
  const marked = async (...words) => (await logs('--around', ...words)).stdout.split('\n').filter((line) => line.startsWith('> '));
  for (const id of ['019a3333-0000-7004', '019a3333', requests.failed]) {
    assert.deepEqual(await marked(id), ['> 14:03:12.123 INFO  linq.inbound  please build it']);
  }
  assert.match((await marked(`${tuesday} 14:03:13.000`))[0], /^> 14:03:13\.000 INFO {2}tmux\.turn\.start {2}turn 7$/);
  assert.match((await marked(`${tuesday} 14:03:13.001`, '--chat', 'chat-x'))[0], /^> 14:03:20\.000 WARN {2}egress\.rejected/);
  for (const none of ['019affff-0000-7004', 'ffffffff', '019a3333-0000-7004-8fff']) {
    const answer = await logs('--around', none);
    assert.deepEqual([answer.code, answer.stderr], [1, 'picortex: logs: --around: there is no event and no request whose ID begins so\n']);
  }
  const lines = (await logs('--ids', '--request', '019a3333-0000-7004')).stdout.trimEnd().split('\n').slice(2);
  assert.equal(lines.length, 6);
  for (const line of lines) {
    const [, text, id] = /^ {2}(\d\d:.*) {2}id ([0-9a-f-]{22}|[0-9a-f-]{36})$/.exec(line);
    assert.deepEqual(await marked(id), [`> ${text}`]);
    assert.match((await picortex(daemon.dataDir, ['why', id])).stdout, new RegExp(`\\nrequest ${requests.failed} `));
  }
});

test('a day that is cut short says so above its lines', async () => {
  const answer = await logs('--chat', 'chat-x', '--since', tuesday, '--limit', '2');
  const note = `these are the newest 2 of 8 events (1 error, 2 warn): for those before, add --until '${tuesday} 14:03:21.001' or a greater --limit`;
  assert.deepEqual(answer.stdout.split('\n').slice(0, 3),
                   [`times are ${zoneOf(tuesday)}`, note, `${tuesday} 14:03:21  request 019a3333-0000-7004  chat chat-x`]);
  assert.equal(answer.stderr, `picortex: logs: ${note}\n`);
  const json = await logs('--json', '--chat', 'chat-x', '--since', tuesday, '--limit', '2');
  assert.equal(json.stdout.trimEnd().split('\n').map((line) => JSON.parse(line)).length, 2);
  assert.equal(json.stderr, `picortex: logs: ${note}\n`);
  assert.doesNotMatch((await logs('--chat', 'chat-x', '--since', tuesday)).stdout, /these are the newest/);
});

test('--follow ends when its reader is closed, though nothing new arrives', async (context) => {
  for (const words of [['--follow', '--chat', 'quiet'], ['--follow', '--json', '--chat', 'quiet'], ['--follow', '--type', 'no.such']]) {
    const child = startPicortex(daemon.dataDir, ['logs', ...words]);
    context.after(() => child.kill('SIGKILL'));
    const exited = once(child, 'exit');
    child.stdout.destroy();
    const [code, signal] = await exited;
    assert.ok(code === 0 || signal === 'SIGPIPE', `${code} ${signal}`);
  }
});

test('--utc shows and takes UTC', async () => {
  const { stdout } = await logs('--utc', '--request', requests.other);
  const utc = at(tuesday, '14:03:13.500');
  assert.equal(stdout, `times are UTC, UTC+00:00
${utc.slice(0, 10)} ${utc.slice(11, 19)}  request 019a4444-0000-7005  chat chat-y
  ${utc.slice(11, 23)} INFO  linq.inbound  another chat
`);
});

test('an empty answer says so on stderr, and what to try', async (context) => {
  const none = await logs('--chat', 'chat-x', '--since', '1999-01-01');
  assert.deepEqual([none.stdout, none.code], ['', 0]);
  assert.match(none.stderr, /^picortex: logs: no event matches; the newest event of all is of \d{4}-.*: try another --since or --until, or leave out a filter\n$/);
  assert.equal((await logs('--chat', 'chat-\u001b[31m')).stderr,
               'picortex: logs: no event matches; there is no chat "chat-\\u001b[31m": see that it is whole\n');
  const fresh = await startDaemon(context);
  assert.equal((await picortex(fresh.dataDir, ['logs'])).stderr,
               'picortex: logs: no event matches; the database holds no event yet: is picortex serve running, and this its data directory?\n');
});

test('what cannot be answered is one line and a status', async (context) => {
  const directory = await temporaryDirectory(context);
  const absent = await picortex(directory, ['logs']);
  assert.deepEqual([absent.stdout, absent.code], ['', 1]);
  assert.match(absent.stderr, /^picortex: logs: \S+\/picortex\.db: there is no database yet; .*\n$/);
  for (const [words, said] of [
    [['--since', 'someday'], /^picortex: --since \(flag\): "someday" is not allowed: give a time such as 2h, .*\n$/],
    [['--level', 'loud'], /--level \(flag\): "loud" is not allowed/],
    [['--request', '12345'], /--request \(flag\): "12345" is not allowed/],
    [['--limit', '0'], /--limit \(flag\): "0" is not allowed/],
    [['--since', 'today', '--until', '2026-01-01'], /--since is not before --until/],
    [['--follow', '--until', 'now'], /--follow waits for new events/],
  ]) {
    const rejected = await logs(...words);
    assert.equal(rejected.code, 2, rejected.stderr);
    assert.match(rejected.stderr, said);
  }
  const ambiguous = await logs('--request', '019a7777');
  assert.equal(ambiguous.code, 1);
  assert.match(ambiguous.stderr, /more than one request's ID begins so/);
});

test('no stored text forges a line or acts on a terminal', async () => {
  const { stdout, stderr } = await logs('--text', '', '--type', 'discriminator.decision', '--until', `${at(tuesday, '00:00:00.000')}`);
  assert.equal(stderr, '');
  const lines = stdout.split('\n');
  // A text of several lines stands below its event, each line of it indented.
  const own = lines.filter((line) => !line.startsWith('      '));
  assert.equal(own.length, 1 + 2 * naughty.length + 1);
  for (const line of lines) assert.doesNotMatch(line, actsOnTerminal);
  for (const line of own) {
    assert.match(line, /^(times are .*|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}request 019a7777-0000-7008 .*| {2}\d\d:\d\d:\d\d\.\d{3} INFO {2}discriminator\.decision .*|)$/);
  }
  const json = (await logs('--json', '--type', 'discriminator.decision', '--until', `${at(tuesday, '00:00:00.000')}`)).stdout;
  const rows = json.trimEnd().split('\n').map((line) => JSON.parse(line));
  assert.doesNotMatch(json, actsOnTerminal);
  // A lone surrogate is no text: it was stored as U+FFFD.
  assert.deepEqual(rows.map((row) => row.msg), naughty.map((event) => event.msg.toWellFormed?.() ?? event.msg.replaceAll(/\p{Surrogate}/gu, '\ufffd')));
});

test('--follow prints each new event once, also one that arrives late, until it is ended', async (context) => {
  const { daemon: followed, store, close: closeFollowed } = await seededDaemon(context, []);
  context.after(closeFollowed);
  const now = Date.now();
  const make = (msg, ms, chat_id = 'live') => ({ chat_id, event_type: 'live.event', msg, time: new Date(ms).toISOString() });
  await store([make('first', now - 120_000), make('second', now - 5_000)]);
  const child = startPicortex(followed.dataDir, ['logs', '--follow', '--json', '--chat', 'live', '--limit', '1']);
  context.after(() => child.kill('SIGKILL'));
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (more) => (text += more));
  const shown = () => text.split('\n').slice(0, -1).map((line) => JSON.parse(line).msg);
  await eventually('the newest', () => shown().length === 1);
  const expected = ['second'];
  for (const [msg, ms] of [['third', now], ['of the future', now + 600_000], ['late', now - 2_000], ['fourth', now + 10]]) {
    await store([make(msg, ms), make('not here', ms, 'elsewhere')]);
    expected.push(msg);
    await eventually(msg, () => shown().includes(msg));
  }
  const many = Array.from({ length: 3000 }, (_, i) => `many ${i}`);
  await store(many.map((msg, i) => make(msg, now + 100 + i)));
  expected.push(...many);
  await eventually('all of them', () => shown().length >= expected.length);
  assert.deepEqual(shown(), expected);
  child.kill('SIGTERM');
  await once(child, 'exit');
});
