// Why something was denied: for the agent that was denied, for the operator, and for no one else.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, it } from 'node:test';
import { testFile } from './support/cleanup.mjs';
import { Client } from './support/client.mjs';
import { binary, eventually } from './support/daemon.mjs';
import { events } from './support/database.mjs';
import { World, addresses, fencedUid, needsRoot, otherUid, subUid } from './support/namespaces.mjs';
import { authorization } from './support/token.mjs';

const world = needsRoot ? undefined : await World.create(testFile);
const daemon = await world?.startDaemon(testFile);
const api = daemon && new Client(daemon.api, '127.0.0.1:8787');
testFile.after(() => api?.close());

const why = (uid, host, listen = '127.0.0.1:8787') =>
  world.runAs(uid, ['env', `PICORTEX_DATA_DIR=${daemon.dataDir}`, `PICORTEX_LISTEN=${listen}`, binary, 'egress', 'why', host]);

// A client of a turn that lives on until it has been looked at.
const attempt = (turn, host) => world.runAs(fencedUid, ['env', `PICORTEX_REQUEST_ID=${turn}`, '/usr/bin/python3', '-c', `
import socket, time
try: socket.create_connection(('${host}', 443), 5)
except OSError: time.sleep(0.5)`]);

async function denied(turn, host, address) {
  await attempt(turn, host);
  await daemon.line((line) => line.event_type === 'egress.rejected' && line.request_id === turn && line.host === (address ?? host));
}

describe('why a host was denied', { skip: needsRoot }, () => {
  it('is said to the fenced user over TCP and a Unix socket, without a token', async () => {
    await denied(randomUUID(), 'wanted.test');
    await denied(randomUUID(), addresses.sink);
    for (const uid of [fencedUid, subUid]) {
      for (const listen of ['127.0.0.1:8787', `unix:${daemon.api.path}`]) {
        const { status, output, errors } = await why(uid, 'WANTED.test', listen);
        assert.equal(status, 0, errors);
        assert.match(output, /denied wanted\.test, (once|\d+ times)\n {4}why: no rule of the allowlist has this name \(name_not_allowed\)\n {4}the operator can allow it: picortex egress allow wanted\.test\n/);
        assert.doesNotMatch(output, /python|turn:/);
      }
    }
    assert.match((await why(fencedUid, addresses.sink)).output, /no allowed name was resolved to this address/);
    const nothing = await why(fencedUid, 'allowed.test');
    assert.equal(nothing.status, 1);
    assert.match(nothing.output, /^nothing was denied for allowed\.test since /);
  });

  it('is said to no one else, not even whether there was an attempt', async () => {
    const answers = [];
    for (const listen of ['127.0.0.1:8787', `unix:${daemon.api.path}`]) {
      for (const host of ['wanted.test', 'unheard.test']) {
        const { status, output, errors } = await why(otherUid, host, listen);
        assert.equal(status, 1);
        answers.push(output + errors);
      }
    }
    assert.match(answers[0], /401.*Only the fenced user itself/s);
    assert.equal(new Set(answers).size, 1, answers.join('\n'));
  });

  it('is said to the operator with process, turn, and the rule that would allow it now', async () => {
    const turn = randomUUID();
    await denied(turn, 'operators.test');
    const { status, output, errors } = await why(0, 'operators.test');
    assert.equal(status, 0, errors);
    assert.match(output, new RegExp(`by: .*python3.*\n    turn: ${turn}`));
    assert.match((await why(0, 'allowed.test')).output, /allowed now by allowed\.test/);
    for (const query of ['', '?host=', '?host=a..b', '?host=a.test&x=1']) {
      assert.equal((await api.get(`/api/egress/why${query}`)).status, 400, query);
    }
  });
});

describe('a tool call that failed', { skip: needsRoot }, () => {
  const hook = async (name, headers, more = {}) => api.post('/hooks/claude', {
    hook_event_name: name, session_id: 's-1', prompt_id: 'p-1', tool_name: 'Bash', error: 'Exit code 6\ncurl: (6)', duration_ms: 60_000, ...more,
  }, { ...await authorization(daemon.dataDir), ...headers });

  it('is explained to the agent whose turn was denied something meanwhile', async () => {
    const turn = randomUUID();
    await denied(turn, 'tools.test');
    const answer = await hook('PostToolUseFailure', { 'x-picortex-request': turn });
    assert.equal(answer.status, 200);
    const { hookEventName, additionalContext } = answer.json.hookSpecificOutput;
    assert.equal(hookEventName, 'PostToolUseFailure');
    assert.match(additionalContext, /^The egress fence of this host denied network access while this tool call ran:\n- tools\.test: no rule of the allowlist has this name\. The operator can allow it: picortex egress allow tools\.test\n/);
    // It is the agent's alone: no event has it.
    await eventually('the hook is stored', async () => (await events(daemon.dataDir, 'event_type = \'claude.tool_failure\'')).length === 1);
    const [event] = await events(daemon.dataDir, 'event_type = \'claude.tool_failure\'');
    assert.doesNotMatch(JSON.stringify(event), /tools\.test|egress/);
  });

  it('of another turn, of another time, or that did not fail, is not', async () => {
    const turn = randomUUID();
    await denied(turn, 'later.test');
    const request = { 'x-picortex-request': turn };
    assert.equal((await hook('PostToolUseFailure', { 'x-picortex-request': randomUUID() })).text, '{}');
    assert.equal((await hook('PostToolUseFailure', {})).text, '{}');
    assert.equal((await hook('Stop', request)).text, '{}');
    // The denial is older than the tool call and its slack of a second.
    const after = Date.now();
    await eventually('the denial is two seconds old', () => Date.now() - after > 2000);
    assert.equal((await hook('PostToolUseFailure', request, { duration_ms: 1 })).text, '{}');
  });

  it('names three hosts and counts the others', async () => {
    const turn = randomUUID();
    for (let i = 0; i < 5; ++i) await denied(turn, `many${i}.test`);
    const { additionalContext } = (await hook('PostToolUseFailure', { 'x-picortex-request': turn })).json.hookSpecificOutput;
    assert.match(additionalContext, /- many4\.test: .*\n- many3\.test: .*\n- many2\.test: .*\n- and 2 more\n/);
  });
});

describe('a host that the agent asks for', { skip: needsRoot }, () => {
  const asUser = (uid, ...words) => world.runAs(uid, ['env', `PICORTEX_DATA_DIR=${daemon.dataDir}`, `PICORTEX_EGRESS_ALLOWLIST=${world.listPath}`,
    'PICORTEX_LISTEN=127.0.0.1:8787', ...words.splice(0, words.findIndex((word) => !word.includes('='))), binary, 'egress', ...words]);
  const proposals = async () => (await asUser(0, 'proposals')).output;

  it('is listed for the operator with evidence, and allowed by the operator alone', async () => {
    const turn = randomUUID();
    await denied(turn, 'githubb.com');
    assert.match(await proposals(), /^the agent has asked for nothing\n$/);
    const asked = await asUser(fencedUid, `PICORTEX_REQUEST_ID=${turn}`, 'request', 'githubb.com', '--reason', 'the \u001b[31mmirror');
    assert.equal(asked.status, 1, 'control characters are no reason');
    const { status, output, errors } = await asUser(fencedUid, `PICORTEX_REQUEST_ID=${turn}`, 'request', 'githubb.com', '--reason', 'the mirror');
    assert.equal(status, 0, errors);
    assert.match(output, /^asked for githubb\.com: it stays denied/);
    const listed = await proposals();
    const shown = new RegExp(`^(\\d+)  .*  githubb\\.com\n    the agent says: the mirror\n    for the turn: picortex why ${turn}\n    first seen .*, denied \\d+ times, never resolved\n    CAREFUL: looks like github\\.com, which is another host\n$`);
    assert.match(listed, shown);
    const [, number] = listed.match(shown);
    const [event] = await events(daemon.dataDir, 'event_type = \'egress.proposal\'');
    assert.deepEqual([event.request_id, event.data.claimed, event.data.host], [turn, true, 'githubb.com']);

    // It stands under the tool call that made it.
    const result = { event_type: 'claude.tool_result', request_id: turn, time: Date.now() + 1, msg: 'Bash', duration_ms: 60_000 };
    assert.equal((await api.post('/api/events', result)).status, 200);
    const { steps } = (await api.get(`/api/story?id=${turn}`)).json;
    const call = steps.find((step) => step.event_type === 'claude.tool_result');
    assert.equal(steps.find((step) => step.event_type === 'egress.proposal').within, call.id);

    // The agent can change no list itself.
    assert.notEqual((await asUser(fencedUid, 'approve', number)).status, 0);
    assert.notEqual((await asUser(fencedUid, 'allow', 'githubb.com')).status, 0);
    assert.notEqual((await asUser(fencedUid, 'allow', 'githubb.com', '--for', '1h')).status, 0);
    assert.equal((await asUser(0, 'approve', String(Number(number) + 1000))).status, 1);
    assert.equal((await asUser(0, 'approve', 'githubb.com')).status, 2);
    assert.equal((await asUser(0, 'test', 'githubb.com')).status, 1);
    const approved = await asUser(0, 'approve', number, '--for', '1d');
    assert.equal(approved.status, 0, approved.errors);
    assert.equal((await asUser(0, 'test', 'githubb.com')).status, 0);
    assert.match(await proposals(), /allowed now by githubb\.com expires=/);
  });

  it('is one host with a reason, twenty times an hour, from the fenced user', async () => {
    assert.equal((await asUser(otherUid, 'request', 'a.test', '--reason', 'x')).status, 1);
    assert.equal((await asUser(fencedUid, 'request', 'a.test')).status, 2);
    for (const host of ['*.test', '0.0.0.0/0', 'a.test private', 'a..b']) {
      assert.match((await asUser(fencedUid, 'request', host, '--reason', 'x')).errors, /400: host is not one host/, host);
    }
    const propose = (body) => api.post('/api/egress/proposals', body, {});
    for (const body of [{ host: 'a.test' }, { host: 'a.test', reason: '' }, { host: 'a.test', reason: 'x'.repeat(501) }, { host: 'a.test', reason: 'x', request_id: 'y' }, []]) {
      assert.equal((await propose(body)).status, 400, JSON.stringify(body));
    }
    const statuses = [];
    for (let i = 0; i < 21; ++i) statuses.push((await propose({ host: `a${i}.test:8443`, reason: 'x' })).status);
    assert.deepEqual([...new Set(statuses)], [200, 429]);
    assert.match(await proposals(), /a18\.test:8443\n/);
  });
});
