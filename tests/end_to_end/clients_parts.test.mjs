// Parts of clients/node that need no daemon: IDs, contexts, command lines for a shell.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import test from 'node:test';
import { repository } from './support/client_package.mjs';
import { assertIncreasing, assertVersion7 } from './support/request_id.mjs';

const source = (name) => import(join(repository, 'clients/node/src', `${name}.js`));
const { UuidGenerator, isUuid, newRequestId } = await source('uuid');
const { Context, currentContext, instrument, mixin, runInContext } = await source('context');
const { resolveSettings } = await source('settings');
const { retryAfter } = await source('sender');
const { inheritedTurn } = await source('turn');

test('IDs of one millisecond are in order, each with the time that it was asked for', () => {
  const ids = new UuidGenerator();
  const made = Array.from({ length: 5_000 }, () => ids.next(1_795_000_000_123));
  made.forEach((id) => { assertVersion7(id); });
  assertIncreasing(made);
  assert.equal(parseInt(made[0].replaceAll('-', '').slice(0, 12), 16), 1_795_000_000_123);
  assert.ok(ids.next(1_795_000_000_124) > made.at(-1));
  for (const odd of [-1, 2 ** 60, 1.5]) assertVersion7(ids.next(odd));
  const requests = Array.from({ length: 1_000 }, newRequestId);
  assertIncreasing(requests);
  assert.ok(isUuid(requests[0]) && !isUuid('00000000-0000-0000-0000-000000000000') && !isUuid('x') && !isUuid(undefined));
});

test('a context rejects what is no ID, and code outside of it does not see it', async () => {
  assert.throws(() => new Context({ requestId: 'x' }), /requestId must be a UUID, not "x"/);
  assert.throws(() => new Context({ chatId: {} }), /chatId must be a string/);
  const context = new Context({ chatId: 7 });
  assert.deepEqual(context.fields(), { request_id: context.requestId, chat_id: '7' });
  await runInContext(context, async () => {
    await new Promise((resolve) => setTimeout(resolve, 1));
    assert.equal(currentContext(), context);
    assert.deepEqual(mixin(), context.fields());
  });
  assert.equal(currentContext(), undefined);
  assert.deepEqual(mixin(), {});
  assert.equal(instrument({}), false);
});

test('a line for a shell survives quotes, newlines and variables in its words', () => {
  const turn = inheritedTurn({ environment: { PICORTEX_REQUEST_ID: newRequestId(), PICORTEX_CHAT_ID: 'it\'s $HOME "quoted"' } });
  const words = ['printf', '%s|', 'a b', '$HOME', '', '\'', '"', '\n', '`id`', '--', '*'];
  const line = turn.shellLine(words, { picortex: 'echo_words' });
  const output = execFileSync('sh', ['-c', `echo_words() { for word; do printf '<%s>' "$word"; done; }; ${line}`], { encoding: 'utf8' });
  assert.equal(output, ['run', '--chat', turn.chat, '--', ...words].map((word) => `<${word}>`).join(''));
});

test('settings come from options, then from the variables of picortex\'s commands', () => {
  assert.equal(resolveSettings({}, {}).server.text, 'http://127.0.0.1:8787');
  assert.equal(resolveSettings({}, { PICORTEX_LISTEN: '127.0.0.1:1234,[::1]:1' }).server.text, 'http://127.0.0.1:1234');
  assert.equal(resolveSettings({}, { PICORTEX_LISTEN: 'unix:/run/x.sock' }).server.socketPath, '/run/x.sock');
  assert.equal(resolveSettings({ url: 'https://logs.example' }, { PICORTEX_URL: 'http://other' }).server.port, 443);
  assert.deepEqual(resolveSettings({}, { PICORTEX_DATA_DIR: '/d' }).tokenFiles, ['/d/token']);
  assert.equal(resolveSettings({}, { HOME: '/home/x' }).spoolDirectory, '/home/x/.local/state/picortex/spool');
  assert.equal(resolveSettings({}, { HOME: 'relative' }).spoolDirectory, undefined);
  for (const url of ['', 'ftp://x', 'http://x/path', 'http://u:p@x', 'unix:relative', 7]) {
    assert.throws(() => resolveSettings({ url }, {}), /is not allowed\. Give http:\/\/HOST:PORT/, String(url));
  }
});

test('Retry-After is seconds or a date, and bounded', () => {
  const now = Date.parse('2026-11-17T00:00:00Z');
  assert.equal(retryAfter('2', now), 2_000);
  assert.equal(retryAfter('Tue, 17 Nov 2026 00:00:05 GMT', now), 5_000);
  assert.equal(retryAfter('Mon, 16 Nov 2026 00:00:00 GMT', now), 0);
  assert.equal(retryAfter('999999', now), 60_000);
  assert.equal(retryAfter('soon', now), undefined);
  assert.equal(retryAfter(undefined, now), undefined);
});
