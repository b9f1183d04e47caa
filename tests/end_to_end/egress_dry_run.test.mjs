// What `egress test --edit` says of recorded attempts, compared with what the fence then does, case by case.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { testFile } from './support/cleanup.mjs';
import { binary, eventually } from './support/daemon.mjs';
import { World, addresses, fencedUid, needsRoot } from './support/namespaces.mjs';

const before = 'allowed.test\nremovable.test\n';
const after = `forbidden.test\nallowed.test:8443\nallowed.test:80\nnotgithub.com\nwww.forbidden.test\n*.forbidden.test\n${addresses.sink}\n`;

const world = needsRoot ? undefined : await World.create(testFile);
await world?.writeList(before);
const daemon = await world?.startDaemon(testFile);

const fetch = (url, ...more) => ['curl', '-sS', '--max-time', '10', ...more, url];
// The place that an event names for each of them, or the name if the question was denied.
const cases = [
  ['allowed.test:443', fetch('https://allowed.test/')],
  ['allowed.test:8443', fetch('https://allowed.test:8443/')],
  ['allowed.test:80', fetch('http://allowed.test/')],
  ['forbidden.test', fetch('https://forbidden.test/')],
  ['forbidden.test:443', fetch('https://forbidden.test/', '--resolve', `forbidden.test:443:${addresses.shared}`)],
  ['github.com:443', fetch('https://github.com/')],
  ['removable.test:443', fetch('https://removable.test/')],
  ['notgithub.com', fetch('https://notgithub.com/')],
  ['never.test', fetch('https://never.test/')],
  [`${addresses.sink}:443`, ['/usr/bin/python3', '-c', `import socket; socket.create_connection(('${addresses.sink}', 443), 10)`]],
];

async function outcomes() {
  const passed = new Map();
  for (const [place, command] of cases) passed.set(place, (await world.runAs(fencedUid, command)).status === 0);
  return passed;
}

async function dryRun(file, ...more) {
  const { status, output, errors } = await world.runAs(0, [binary, 'egress', 'test', '--edit', file, '--data-dir', daemon.dataDir, ...more]);
  return { status, output, errors };
}

describe('a dry run of a changed list', { skip: needsRoot }, () => {
  it('agrees with the fence about every attempt', async () => {
    const then = await outcomes();
    assert.deepEqual([...then].filter(([, passed]) => passed).map(([place]) => place), ['allowed.test:443', 'github.com:443', 'removable.test:443']);
    const edited = join(world.directory, 'edited.txt');
    await writeFile(edited, after);
    const expected = new Set(cases.map(([place]) => place));
    let report;
    await eventually('all attempts are stored', async () => {
      const { output, errors } = await dryRun(world.listPath, '--json');
      assert.equal(errors, '');
      report = JSON.parse(output);
      return report.attempts >= expected.size;
    });
    // The list that was in force changes nothing.
    assert.deepEqual([report.now_allowed, report.now_denied], [[], []]);
    const { status, output } = await dryRun(edited, '--json');
    assert.equal(status, 1);
    report = JSON.parse(output);
    const allowed = new Map(report.now_allowed.map(({ place, rule }) => [place, rule]));
    const denied = new Map(report.now_denied.map(({ place, reason }) => [place, reason]));

    const reloads = daemon.lines.filter((line) => line.event_type === 'egress.reloaded').length;
    await world.writeList(after);
    await eventually('the list is in force', () => daemon.lines.filter((line) => line.event_type === 'egress.reloaded').length > reloads);
    const now = await outcomes();
    for (const [place] of cases) {
      const says = allowed.has(place) ? 'would be allowed' : denied.has(place) ? 'would be denied' : 'unchanged';
      const was = then.get(place) === now.get(place) ? 'unchanged' : now.get(place) ? 'would be allowed' : 'would be denied';
      assert.equal(says, was, `${place}: ${output}`);
    }
    assert.equal(denied.get('allowed.test:443'), 'port_not_listed');
    assert.equal(allowed.get(`${addresses.sink}:443`), addresses.sink);
    const rules = (list) => list.filter(({ source }) => source === 'list').map(({ rule }) => rule);
    assert.deepEqual(rules(report.unused), ['www.forbidden.test', '*.forbidden.test']);
    assert.deepEqual(report.covered.map(({ rule, by }) => [rule, by]), [['www.forbidden.test', '*.forbidden.test']]);
    const text = (await dryRun(edited)).output;
    assert.match(text, /^would be denied:\n {2}allowed\.test:443 +\d+ attempts? +port_not_listed\n/m);
    assert.match(text, /^ {2}www\.forbidden\.test \(list, line 5\): covered by \*\.forbidden\.test \(list, line 6\)$/m);
  });
});
