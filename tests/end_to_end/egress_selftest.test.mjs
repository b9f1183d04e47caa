// `picortex egress selftest` against a fence that stands, and against none.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { testFile } from './support/cleanup.mjs';
import { binary } from './support/daemon.mjs';
import { World, addresses, fencedUid, needsRoot } from './support/namespaces.mjs';

const world = needsRoot ? undefined : await World.create(testFile, { routed: true });
const daemon = await world?.startDaemon(testFile);

// Between them the targets answer to everything but QUIC and SCTP.
const targets = [addresses.other, addresses.other6, addresses.resolver, addresses.resolver6];

const attempts = [
  "another user's port on 127.0.0.1", "another user's port on ::1", "another user's port on v4-mapped loopback",
  'a name that is not allowed', 'the same name, of a sub-UID', 'the same name with a dot at its end', 'a name that carries data',
  'a name that begins like an allowed one',
  ...['a forbidden SNI', 'no SNI', 'a forbidden SNI in one-byte segments', 'a forbidden SNI in a hello of two records',
      'a forbidden SNI in a late second half', 'cleartext HTTP for a forbidden host',
      'a forbidden SNI in the second hello, of version 3,', 'a forbidden SNI in the second hello, of version 4,',
      'a hello whose page is rewritten'].map((what) => `${what} at an allowed host's address`),
  'HTTP with a Host that is not allowed', 'HTTP without a Host', 'a second HTTP request with another Host',
  'a second HTTP request after the first in one segment',
  'an HTTP head with bare line feeds', 'a second HTTP head with bare line feeds', 'HTTP/0.9',
  ...[addresses.other, addresses.other6].flatMap((address) =>
    ['raw address, TCP 443,', 'raw address, TCP 443, of a sub-UID', 'Multipath TCP', "an allowed host's SNI", 'TCP Fast Open', 'ICMP datagram socket']
      .map((what) => `${what} to ${address}`.replace(', to', ' to'))),
  ...[addresses.resolver, addresses.resolver6].flatMap((address) =>
    ['another resolver, UDP', 'another resolver, TCP', 'TXT of an allowed name, UDP',
     'TXT of an allowed name, TCP'].map((what) => `${what} to ${address}`)),
  ...['raw address, TCP 22', 'raw address, TCP 853'].map((what) => `${what} to ${addresses.resolver}`),
  `v4-mapped IPv6 to ${addresses.other}`,
];

// What is judged by packets: on the way out to the targets, or where they arrive on the host itself.
const oneWay = (address) => ['UDP', 'UDP of a socket closed at once', 'UDP-Lite of a socket closed at once', 'ICMP echo',
  'ICMP echo of a socket closed at once', 'a SYN with data of a socket closed at once'].map((what) => `${what} to ${address}`);
const leaving = [...attempts, '127.0.0.1 by the device pcx-h', '::1 by the device pcx-h', ...targets.flatMap(oneWay)];
const arriving = [addresses.host, addresses.host6].flatMap(oneWay);

async function selftest(to, ...more) {
  const { status, output, errors } = await world.runAs(0, ['env', `PICORTEX_EGRESS_USER=${fencedUid}`, binary, 'egress', 'selftest',
    '--target', to.join(), '--allowed-host', 'allowed.test', '--forbidden-host', 'forbidden.test', '--open-domain', 'open.test',
    '--allowed-http-host', 'allowed.test', ...more], { timeoutMs: 120_000 });
  const lines = output.trim().split('\n');
  const words = new Map(lines.map((line) => [line.slice(6).replace(/: not possible.*/, ''), line.slice(0, 4)]));
  return { status, words, output, errors, last: lines.at(-1) };
}

// Both judges at the same time: by what leaves for the targets, and by what arrives at the host's own addresses.
async function bothSelftests() {
  const [left, ...arrived] = await Promise.all([
    selftest(targets), ...[addresses.host, addresses.host6].map((address) => selftest([addresses.other], '--oracle', address))]);
  for (const { errors } of [left, ...arrived]) assert.equal(errors, '');
  return { left, arrived, words: new Map([left, ...arrived].flatMap(({ words }) => [...words])) };
}

describe('egress selftest', { skip: needsRoot }, () => {
  it('passes each attempt where the fence stands', async () => {
    const { left, arrived, words } = await bothSelftests();
    for (const name of [...leaving, ...arriving]) assert.equal(words.get(name), 'pass', `${name}\n${left.output}`);
    for (const { status, output, last } of [left, ...arrived]) {
      assert.doesNotMatch(output, /FAIL|note/);
      assert.match(last, /^\d+ stopped, 0 came through$/);
      assert.equal(status, 0);
    }
  });

  it('says that an oracle is no address of this machine', async () => {
    const { status, errors } = await selftest([addresses.other], '--oracle', addresses.shared);
    assert.equal(status, 1);
    assert.match(errors, /cannot listen at 93\.184\.216\.34: Cannot assign requested address/);
  });

  it('finds each of them open where there is no fence', async () => {
    assert.equal((await daemon.stop()).code, 0);
    assert.equal((await world.runAs(0, [binary, 'egress', 'remove'])).status, 0);
    const { left, arrived, words } = await bothSelftests();
    for (const name of [...leaving, ...arriving]) assert.equal(words.get(name), 'FAIL', `${name}\n${left.output}`);
    for (const { status, output } of [left, ...arrived]) {
      assert.doesNotMatch(output, /pass/);
      assert.equal(status, 1);
    }
  });
});
