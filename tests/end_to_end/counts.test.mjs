// The endpoints that count, and that lists, counts, the stream and the prompt agree on what a filter lets through.
import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import { picortex } from './support/answers.mjs';
import { testFile } from './support/cleanup.mjs';
import { Client } from './support/client.mjs';
import { startDaemon } from './support/daemon.mjs';
import { EventStream } from './support/event_stream.mjs';
import { events, postQuestions } from './support/questions.mjs';
import { authorization } from './support/token.mjs';

const daemon = await startDaemon(testFile);
const bearer = await authorization(daemon.dataDir);
const beginning = await EventStream.open(daemon.address, bearer, '');
const first = beginning.lastId;
beginning.close();
await postQuestions(daemon);
const client = new Client(daemon.address);
after(() => client.close());
const get = async (path) => {
  const answer = await client.get(path, bearer);
  assert.equal(answer.status, 200, answer.text);
  return answer.json;
};
const of = (...types) => events.filter(({ event_type: type }) => types.includes(type));

test('stats groups, sums and makes percentiles', async () => {
  const { groups, total, groups_left_out: left } = await get('/api/stats?by=chat&event_type=tmux.turn.end&sum=cost_usd&max=duration_ms&p50=duration_ms');
  assert.deepEqual([total, left], [of('tmux.turn.end').length, 0]);
  for (const { by, count, sum, max, p50 } of groups) {
    const own = of('tmux.turn.end').filter(({ chat_id: chat }) => chat === by.chat);
    assert.equal(count, own.length);
    assert.ok(Math.abs(sum.cost_usd - own.reduce((all, event) => all + event.cost_usd, 0)) < 1e-9);
    const durations = own.map((event) => event.duration_ms).sort((a, b) => a - b);
    assert.deepEqual([max.duration_ms, p50.duration_ms], [durations.at(-1), durations[Math.ceil(durations.length / 2) - 1]]);
  }
});

test('a histogram has the levels of each step, and facets what else there is', async () => {
  const histogram = await get('/api/histogram?since=2026-11-10T00:00:00Z&until=2026-11-20T00:00:00Z&step=1d');
  assert.equal(histogram.step_ms, 86_400_000);
  const errors = Object.fromEntries(histogram.steps.filter(({ error }) => error).map(({ time, error }) => [time.slice(0, 10), error]));
  assert.deepEqual(errors, { '2026-11-17': 1, '2026-11-18': 2 });
  assert.equal(histogram.steps.reduce((all, { time, ...levels }) => all + Object.values(levels).reduce((a, b) => a + b, 0), 0), events.length);
  const facets = await get('/api/facets?event_type=linq.inbound&chat_id=work');
  assert.deepEqual(facets.types[0].count >= facets.types[1].count, true);
  assert.ok(facets.types.some(({ value }) => value === 'bot.error'));
  assert.deepEqual(facets.levels, [{ value: 'info', count: of('linq.inbound').filter(({ chat_id: chat }) => chat === 'work').length }]);
  assert.deepEqual(facets.chats.map(({ value }) => value).sort(), ['family', 'garden', 'work']);
});

test('chats and errors are what happened', async () => {
  const { chats } = await get('/api/chats');
  assert.deepEqual(chats.map(({ chat_id: chat, turns, errors }) => [chat, turns, errors]), [['work', 5, 2], ['garden', 1, 0], ['family', 2, 1]]);
  const { errors } = await get('/api/errors');
  assert.equal(errors.length, 1);
  assert.deepEqual([errors[0].count, errors[0].state, errors[0].release, errors[0].chats, errors[0].title],
                   [3, 'open', '9f3c2ab', ['family', 'work'], 'order 1051 has no total']);
});

test('an error is muted, resolved, and returns', async () => {
  const listed = async (...words) => JSON.parse((await picortex(daemon.dataDir, ['errors', '--json', '--all', ...words])).stdout.split('\n')[0]);
  const change = (...words) => picortex(daemon.dataDir, ['errors', ...words], { PICORTEX_LISTEN: daemon.authority });
  const { fingerprint: id } = await listed();
  assert.deepEqual(await change('--mute', id.slice(0, 6)), { stdout: `${id.slice(0, 8)} is muted\n`, stderr: '', code: 0 });
  assert.equal((await listed()).state, 'muted');
  assert.equal((await picortex(daemon.dataDir, ['errors', '--json'])).stdout, '');
  assert.equal((await change('--resolve', id)).code, 0);
  assert.equal((await get('/api/errors')).errors[0].state, 'resolved');
  await client.post('/api/events', { event_type: 'bot.error', level: 'error', msg: 'order 7 has no total', err: events.find(({ err }) => err).err }, bearer);
  assert.deepEqual([(await listed()).state, (await listed()).count], ['returned', 4]);
  assert.equal((await change('--open', id)).code, 0);
  assert.equal((await listed()).state, 'open');
  const none = await change('--mute', 'ffffff');
  assert.deepEqual([none.code, none.stderr], [1, 'picortex: errors: there is no kind of error whose ID begins with ffffff\n']);
});

test('every way to ask agrees on what a filter lets through', async () => {
  const filters = [
    ['where=decision%3Dskip', ['--where', 'decision=skip']],
    ['where=duration_ms%3E60000', ['--where', 'duration_ms>60000']],
    ['where=!event_type%3Dlinq.inbound&where=rule~s', ['--where', '!event_type=linq.inbound', '--where', 'rule~s']],
    ['where=commit%3D9f3c2ab&level=warn', ['--where', 'commit=9f3c2ab', '--level', 'warn']],
    ['where=err.type%3DTypeError', ['--where', 'err.type=TypeError']],
    ['chat_id=g*', ['--chat', 'g*']],
    ['chat_id=*&text=shopping', ['--chat', '*', '--text', 'shopping']],
    ['where=chat!%3Dwork&event_type=tmux.*', ['--where', 'chat!=work', '--type', 'tmux.*']],
    ['where=inputs.score%3C0.25', ['--where', 'inputs.score<0.25']],
    ['where=level%3E%3Dwarn&where=host~EVIL', ['--where', 'level>=warn', '--where', 'host~EVIL']],
    ['where=nothing%3D1', ['--where', 'nothing=1']],
  ];
  for (const [query, words] of filters) {
    const until = '2026-11-21T00:00:00Z';
    const page = await get(`/api/events?${query}&limit=1000&until=${until}`);
    const ids = page.events.map(({ id }) => id).sort();
    const prompt = await picortex(daemon.dataDir, ['logs', '--json', '--until', until, ...words]);
    assert.deepEqual(prompt.stdout.split('\n').filter(Boolean).map((line) => JSON.parse(line).id).sort(), ids, query);
    assert.equal((await get(`/api/stats?${query}&until=${until}`)).total, ids.length, query);
    const counted = await picortex(daemon.dataDir, ['stats', '--json', '--by', 'level', '--until', until, ...words]);
    assert.equal(counted.stdout.split('\n').filter(Boolean).reduce((all, line) => all + JSON.parse(line).count, 0), ids.length, query);
    const stream = await EventStream.open(daemon.address, bearer, `?${query}&until=${until}`, first);
    await stream.until(() => stream.lastId !== first && stream.messages.length >= ids.length);
    assert.deepEqual(stream.messages.map(({ data }) => data.id).sort(), ids, query);
    stream.close();
  }
});

test('wrong questions are rejected with what to give', async () => {
  for (const [path, message] of [
    ['/api/stats?where=x', /is no condition: give a name/],
    ['/api/stats?by=a,b,c,d,e', /by has over 4 names/],
    ['/api/histogram?step=5', /is no step of 1 to 366 s, m, h or d/],
    ['/api/histogram?step=1s&since=2026-11-01T00:00:00Z&until=2026-11-20T00:00:00Z', /over 2000 steps/],
    ['/api/histogram?since=2026-11-02T00:00:00Z&until=2026-11-01T00:00:00Z', /since is not before until/],
    ['/api/facets?limit=5', /limit is not a parameter/],
    ['/api/chats?by=day', /by is not a parameter/],
  ]) {
    const answer = await client.get(path, bearer);
    assert.equal(answer.status, 400, path);
    assert.match(answer.json.message, message);
  }
  assert.equal((await client.get('/api/stats')).status, 401);
});
