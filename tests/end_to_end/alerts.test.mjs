// Alerts reach the operator by a real program: rules, health, and failures of delivery.
import assert from 'node:assert/strict';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { cleanUpAfter } from './support/cleanup.mjs';
import { Client } from './support/client.mjs';
import { events } from './support/database.mjs';
import { eventually, startDaemon, temporaryDirectory } from './support/daemon.mjs';
import { authorization } from './support/token.mjs';

// A daemon whose alert command keeps what it is given: [{ alert, requestId }].
async function withCommand(t, rules, { extra = '', settings = {}, dataDir } = {}) {
  const directory = await temporaryDirectory(t);
  const program = join(directory, 'alert');
  const inbox = join(directory, 'inbox');
  writeFileSync(program, `#!/bin/sh\nread -r line\n${extra.replaceAll('DIR', directory)}\n` +
    `printf '%s %s\\n' "$PICORTEX_REQUEST_ID" "$line" >>${inbox}\n`);
  chmodSync(program, 0o700);
  const daemon = await startDaemon(t, { dataDir, settings: { PICORTEX_ALERT_ON: rules, PICORTEX_ALERT_COMMAND: program, ...settings } });
  const client = new Client(daemon.address);
  cleanUpAfter(t, () => client.close());
  const bearer = await authorization(daemon.dataDir);
  const taken = () => (existsSync(inbox) ? readFileSync(inbox, 'utf8') : '').split('\n').filter(Boolean).map((line) => {
    const [requestId, ...rest] = line.split(' ');
    return { requestId, alert: JSON.parse(rest.join(' ')) };
  });
  return {
    daemon, directory, taken,
    post: async (event) => assert.equal((await client.post('/api/events', event, bearer)).status, 200),
    errors: async () => (await client.get('/api/errors', bearer)).json.errors,
    status: async () => (await client.get('/api/status', bearer)).json.alerts,
    first: (type) => eventually(`the command gets ${type}`, () => taken().find(({ alert }) => alert.event_type === type), 20_000),
  };
}

test('a rate is reported to the command, in the log and in the database, all under one request ID', async (t) => {
  const rule = 'level=error event_type=job.* rate>3/1m';
  // Once the alert of a witness has come, the engine has looked at what was posted before it.
  const seen = await withCommand(t, `${rule}, event_type=witness.1 rate>0/1m, event_type=witness.2 rate>0/1m`);
  const alertsOf = (text) => seen.taken().filter(({ alert }) => alert.rule === text);
  const look = async (witness) => {
    await seen.post({ event_type: witness });
    await eventually(`the alert of ${witness}`, () => alertsOf(`event_type=${witness} rate>0/1m`).length === 1);
  };
  for (let i = 0; i < 3; i += 1) await seen.post({ event_type: 'job.failed', level: 'error' });
  await seen.post({ event_type: 'job.failed', level: 'warn' });
  await seen.post({ event_type: 'other', level: 'error' });
  await look('witness.1');
  assert.deepEqual(alertsOf(rule), []);
  await seen.post([{ event_type: 'job.lost', level: 'fatal' }, { event_type: 'job.lost', level: 'error' }]);
  const { requestId, alert } = await eventually('the command gets it', () => alertsOf(rule)[0]);
  assert.equal(alert.event_type, 'alert.rate');
  assert.equal(alert.request_id, requestId);
  assert.equal(alert.count, 5);
  const line = await seen.daemon.line((one) => one.event_type === 'alert.rate' && one.rule === rule);
  assert.deepEqual([line.level, line.request_id, line.count, line.msg], ['warn', requestId, 5, alert.msg]);
  const rows = await eventually('both rows', async () => {
    const found = await events(seen.daemon.dataDir, `request_id = '${requestId}'`);
    return found.length === 2 && found;
  });
  assert.deepEqual(rows.map((row) => row.event_type), ['alert.rate', 'alert.delivered']);
  assert.equal(rows[0].data.count, 5);
  assert.equal(rows[1].data.tries, 1);
  const figures = await seen.status();
  assert.deepEqual([figures.rules, figures.raised, figures.started, figures.failed], [3, 2, 2, 0]);
  // The cool-down: more of the same is not reported again.
  for (let i = 0; i < 10; i += 1) await seen.post({ event_type: 'job.failed', level: 'error' });
  await look('witness.2');
  assert.equal(alertsOf(rule).length, 1);
});

test('an error that was resolved and comes again is reported once, also after a restart; a muted one is not', async (t) => {
  const before = await withCommand(t, '');
  await before.post([{ event_type: 'job.failed', level: 'error', msg: 'boom 1' }, { event_type: 'job.failed', level: 'error', msg: 'a noise' }]);
  const idOf = async (seen, title) => (await seen.errors()).find((error) => error.title === title).fingerprint;
  const [boom, noise] = [await idOf(before, 'boom 1'), await idOf(before, 'a noise')];
  await before.post([{ event_type: 'error.state', fingerprint: boom, state: 'resolved' }, { event_type: 'error.state', fingerprint: noise, state: 'muted' }]);
  await before.daemon.stop();

  const seen = await withCommand(t, 'event_type=witness rate>0/1m', { dataDir: before.daemon.dataDir });
  await seen.post([{ event_type: 'job.failed', level: 'error', msg: 'a noise' }, { event_type: 'job.failed', level: 'error', chat_id: 'c1', msg: 'boom 2' }]);
  const { alert, requestId } = await seen.first('error.returned');
  const [row] = await eventually('it is on record', async () => {
    const found = await events(seen.daemon.dataDir, "event_type = 'error.returned'");
    return found.length > 0 && found;
  });
  const returned = (await seen.errors()).find(({ fingerprint }) => fingerprint === boom);
  assert.deepEqual([alert.fingerprint, alert.error_event, alert.chat_id, alert.msg], [boom, returned.last_event, 'c1', 'a resolved error has come again: boom 2']);
  assert.equal(alert.returned_at, returned.last_seen);
  assert.ok(alert.resolved_at < alert.returned_at, JSON.stringify(alert));
  assert.deepEqual([row.level, row.request_id, row.chat_id, row.data.error_event], ['warn', requestId, 'c1', returned.last_event]);
  await eventually('its state is stored', async () => (await events(seen.daemon.dataDir, "event_type = 'error.state'")).some(({ data }) => data.state === 'returned'));
  // One report for each return: the witness, which is looked at after it, is the second alert of this daemon.
  await seen.post({ event_type: 'job.failed', level: 'error', msg: 'boom 3' });
  await seen.post({ event_type: 'witness' });
  await seen.first('alert.rate');
  assert.equal((await seen.status()).raised, 2);
  assert.deepEqual((await seen.errors()).map(({ fingerprint, state }) => [fingerprint, state]), [[boom, 'returned'], [noise, 'muted']]);
});

test('silence is reported once, and again after the next event', async (t) => {
  const seen = await withCommand(t, 'event_type=beat.* silent>10s cooldown=10s');
  await seen.post({ event_type: 'beat.one' });
  const { alert } = await seen.first('alert.silent');
  assert.ok(alert.silent_seconds >= 10, alert.msg);
  await seen.post({ event_type: 'beat.two' });
  await eventually('a second time', () => seen.taken().length === 2, 25_000);
});

test('a command that fails is tried again, and the result is on record', async (t) => {
  const seen = await withCommand(t, 'event_type=job.failed rate>0/1m', {
    extra: 'echo x >>DIR/tries\nif [ "$(wc -l <DIR/tries)" -le 1 ]; then echo no network >&2; exit 7; fi',
  });
  await seen.post({ event_type: 'job.failed' });
  const { requestId } = await seen.first('alert.rate');
  const failed = await seen.daemon.line((line) => line.event_type === 'alert.failed');
  assert.deepEqual([failed.level, failed.reason, failed.try, failed.request_id], ['error', 'exit status 7', 1, requestId]);
  assert.match(failed.stderr, /no network/);
  const [row] = await eventually('the delivery is on record', async () => {
    const found = await events(seen.daemon.dataDir, "event_type = 'alert.delivered'");
    return found.length > 0 && found;
  });
  assert.deepEqual([row.request_id, row.data.tries], [requestId, 2]);
});

test('health that stays degraded is reported', async (t) => {
  const seen = await withCommand(t, '');
  const { alert } = await eventually('the command gets it', () => seen.taken()[0], 45_000, 250);
  assert.equal(alert.event_type, 'alert.health');
  assert.deepEqual([alert.status, alert.db_ok, alert.tmux_ok, alert.msg], ['degraded', true, false, 'health is degraded: tmux']);
});

test('an invalid rule is rejected at start, with its reason', async (t) => {
  for (const [rule, reason] of [
    ['level=error', 'it has no trigger: rate>N/DURATION, silent>DURATION, cost>DOLLARS/DURATION or ship.lag>DURATION'],
    ['level=error rate>1/1m, level=loud rate>1/1m', "'loud' is not one of trace, debug, info, warn, error, fatal"],
  ]) {
    await assert.rejects(startDaemon(t, { settings: { PICORTEX_ALERT_ON: rule } }), (error) => {
      assert.ok(error.message.includes('--alert-on (environment variable PICORTEX_ALERT_ON)'), error.message);
      assert.ok(error.message.includes(`is not allowed, since ${reason}: give rules such as`), error.message);
      return true;
    });
  }
});
