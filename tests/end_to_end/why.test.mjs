// "Why did the discriminator skip this message?": picortex why.
import assert from 'node:assert/strict';
import test from 'node:test';
import { actsOnTerminal, eventIds, naughty, picortex, requests, seed, seededDaemon, tuesday, zoneOf } from './support/answers.mjs';
import { testFile } from './support/cleanup.mjs';

const { daemon, close } = await seededDaemon(testFile, [...seed, ...naughty]);
close();
await daemon.stop();
const why = (...words) => picortex(daemon.dataDir, ['why', ...words]);

const skipped = `The discriminator skipped this message: rule small-talk, score 0.31 below the threshold 0.5 (reason: nothing is asked).

request ${requests.skipped}  chat chat-x  ${tuesday}  times are ${zoneOf(tuesday)}
  00:00:00.000 linq.inbound  arrived: ok thanks
      service: "iMessage"
      parts: [{"type":"text"}]
  00:00:00.250 discriminator.decision  decided: skip: not for the agent
      decision: "skip"
      rule: "small-talk"
      reason: "nothing is asked"
      inputs: {"score":0.31,"words":2}
      thresholds: {"score":0.5}
      model: "haiku"
      duration_ms: 41
`;

test('a skipped message is found by its request, the beginning of it, or one of its events', async () => {
  for (const id of [requests.skipped, requests.skipped.slice(0, 18), requests.skipped.toUpperCase(), eventIds.decision]) {
    assert.deepEqual(await why(id), { stdout: skipped, stderr: '', code: 0 });
  }
});

test('a turn that failed is shown with its denial, its child and its error', async () => {
  assert.deepEqual(await why(requests.failed), {
    stdout: `The discriminator decided "answer" on this message: rule asks, score 0.9 above the threshold 0.5 (reason: a task); a turn was started; 1 child command failed; egress was denied once (evil.example:443); it met an error: "the build\\nbroke".

request ${requests.failed}  chat chat-x  ${tuesday}  times are ${zoneOf(tuesday)}
  14:03:12.123 linq.inbound  arrived: please build it
  14:03:12.456 discriminator.decision  decided: answer
      decision: "answer"
      rule: "asks"
      reason: "a task"
      inputs: {"score":0.9}
      thresholds: {"score":0.5}
  14:03:13.000 tmux.turn.start  turn started: turn 7
  14:03:20.000 egress.rejected  egress denied to evil.example:443: denied
      host: "evil.example"
      port: 443
      evidence: "sni"
  14:03:21.000 bot.error  error: the build\\nbroke
      exit: 2
  14:03:22.000 child.exit  child exited with status 2
      exit_status: 2
      duration_ms: 9000
`,
    stderr: '',
    code: 0,
  });
});

test('a decision that says too little has its missing fields named', async () => {
  assert.deepEqual(await why('--chat', 'chat-z', '--last'), {
    stdout: `The discriminator skipped this message: rule quiet.

request ${requests.silent}  chat chat-z  ${tuesday}  times are ${zoneOf(tuesday)}
  23:59:59.999 discriminator.decision  decided: skip
      decision: "skip"
      rule: "quiet"

The discriminator.decision event does not give: reason, inputs, thresholds. docs/reference/events.md lists what it should carry.
`,
    stderr: '',
    code: 0,
  });
});

test('the last message of a chat is found, and what no event says is not made up', async () => {
  const { stdout, code } = await why('--chat', 'chat-x', '--last');
  assert.equal(code, 0);
  assert.match(stdout, /^This message arrived, and no discriminator\.decision or tmux\.turn\.start event says what became of it\.\n\nrequest 019a5555-0000-7006-8000-000000000006 {2}chat chat-x /);
});

test('--json has the same as one object', async () => {
  const { stdout } = await why('--json', requests.skipped);
  const story = JSON.parse(stdout);
  assert.equal(story.outcome, 'skipped');
  assert.equal(story.conclusion, skipped.split('\n')[0]);
  assert.deepEqual(story.missing, []);
  assert.deepEqual(story.steps.map((step) => [step.event_type, step.what]),
                   [['linq.inbound', 'arrived: ok thanks'], ['discriminator.decision', 'decided: skip: not for the agent']]);
  assert.deepEqual(story.steps[1].details.inputs, { score: 0.31, words: 2 });
});

test('a story that cannot be found is one line and a status', async () => {
  const unknown = await why('019affff-0000-7000-8000-000000000000');
  assert.deepEqual(unknown, { stdout: '', stderr: 'picortex: why: there is no event and no request 019affff-0000-7000-8000-000000000000\n', code: 1 });
  assert.equal((await why('--chat', 'unknown')).stderr,
               'picortex: why: there is no message in chat "unknown": no event linq.inbound, discriminator.decision or tmux.turn.start\n');
  for (const words of [[], [requests.skipped, '--last'], ['not-an-id'], ['--chat', 'x', requests.skipped]]) {
    assert.equal((await why(...words)).code, 2);
  }
});

test('no stored text forges a line or acts on a terminal', async () => {
  for (const event of naughty) {
    const { stdout, code } = await why(event.request_id);
    assert.equal(code, 0);
    assert.doesNotMatch(stdout, actsOnTerminal);
    const lines = stdout.trimEnd().split('\n');
    assert.match(lines[0], /^The discriminator decided ".*$/);
    assert.match(lines[2], /^request 019a7777-/);
    // The conclusion, an empty line, the head, the step, and its six members.
    assert.equal(lines.length, 4 + 6, stdout);
    const json = (await why('--json', event.request_id)).stdout;
    assert.doesNotMatch(json, actsOnTerminal);
    assert.equal(JSON.parse(json).request_id, event.request_id);
  }
});
