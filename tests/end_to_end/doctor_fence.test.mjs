// picortex doctor: set-ups of the fence that are broken in one way each, and their fixes (doctor.test.mjs has the others).
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { afterEach, beforeEach } from 'node:test';
import { BrokenHost } from './support/broken_host.mjs';
import { testFile } from './support/cleanup.mjs';
import { fencedUid, needsRoot } from './support/namespaces.mjs';

const only = { skip: needsRoot };
const host = needsRoot ? undefined : await BrokenHost.create(testFile);

// A host whose fence is as it should be, without a daemon.
beforeEach(async () => {
  await host?.setUp();
  await host?.configure('PICORTEX_EGRESS_MODE=enforce', `PICORTEX_EGRESS_USER=${fencedUid}`,
                        `PICORTEX_EGRESS_ALLOWLIST=${join(host.directory, 'allowlist')}`);
  await host?.shell('picortex egress install');
});
afterEach(() => host?.shell('iptables -F OUTPUT; iptables -t mangle -F OUTPUT; picortex egress remove'));

test('nothing is wrong with the rules', only, async () => {
  const { findings } = await host.doctor();
  const wrong = findings.filter(({ severity }) => ['warning', 'problem'].includes(severity)).map(({ check }) => check);
  assert.deepEqual(wrong.filter((check) => !check.startsWith('clock.')).sort(), ['daemon.reachable', 'fence.queue']);
});

test('the rules are missing', only, async () => {
  await host.shell('picortex egress remove');
  await host.findsAndFixes('fence.rules', /the firewall's rules are not installed: the user is not fenced/, /^picortex egress install$/);
});

test('a rule is missing', only, async () => {
  await host.shell('iptables -F PICORTEX-EGRESS');
  await host.shell('iptables -t mangle -F PICORTEX-DENY');
  const { fix } = (await host.wrong('fence.rules'))[0];
  await host.shell(fix);
  assert.deepEqual(await host.wrong('fence.rules'), []);
});

test('another program\'s chain stands ahead of the fence', only, async () => {
  await host.shell('iptables -N ufw-before-output && iptables -I OUTPUT 1 -j ufw-before-output');
  await host.findsAndFixes('fence.order', /OUTPUT has rules ahead of its jump to PICORTEX-EGRESS \(ufw\): what they accept, the fence does not see/, /^picortex egress install$/);
  await host.shell('iptables -D OUTPUT -j ufw-before-output; iptables -X ufw-before-output');
});

test('another program overwrites the fence\'s marks', only, async () => {
  await host.shell('iptables -t mangle -A OUTPUT -p udp -j MARK --set-xmark 0x0/0xffffffff');
  await host.findsAndFixes('fence.marks', /overwrites the fence's marks: -A OUTPUT -p udp -j MARK/, /^iptables -t mangle -D OUTPUT -p udp -j MARK --set-xmark /);
});

test('rules that were left when the fence was switched off', only, async () => {
  await host.configure();
  await host.findsAndFixes('fence.rules', /PICORTEX_EGRESS_MODE is off, but the fence's rules are installed/, /^picortex egress remove$/);
});

test('no such user', only, async () => {
  await host.configure('PICORTEX_EGRESS_MODE=enforce', 'PICORTEX_EGRESS_USER=chat-user-of-test');
  await host.findsAndFixes('fence.user', /chat-user-of-test/, /^useradd --create-home chat-user-of-test$/);
  await host.shell('userdel -r chat-user-of-test 2> /dev/null');
});

test('a fenced user in a group that leads around the fence', only, async () => {
  await host.shell(`useradd --uid ${fencedUid + 5} chat-user-of-test; groupadd -f docker; gpasswd -a chat-user-of-test docker`);
  await host.configure('PICORTEX_EGRESS_MODE=enforce', 'PICORTEX_EGRESS_USER=chat-user-of-test');
  await host.findsAndFixes('fence.groups', /chat-user-of-test is in the group docker, whose members can start programs outside of the fence/, /^gpasswd -d chat-user-of-test docker$/);
  await host.shell('userdel chat-user-of-test');
});

test('no daemon decides', only, async (t) => {
  await host.finds('fence.queue', /no daemon serves the packet queue: the user reaches nothing new/);
  await host.startDaemon(t);
  assert.deepEqual(await host.wrong('fence.queue'), []);
});

test('an allowlist with an invalid line', only, async () => {
  await writeFile(join(host.directory, 'allowlist'), 'example.com\nhttps://example.org/\n');
  await host.findsAndFixes('fence.allowlist', /allowlist:2 is skipped: /, /^sed -i '2s\/\^\/# \/' /);
});

test('names are looked up past the fence', only, async () => {
  await host.shell("printf 'hosts: mymachines resolve [!UNAVAIL=return] files dns\\n' > /etc/nsswitch.conf");
  await host.findsAndFixes('resolver.nsswitch', /has systemd-resolved look names up, past the allowlist/, /^sed -i /);
  assert.equal(await host.shell('cat /etc/nsswitch.conf'), 'hosts: mymachines files dns\n');
  await host.shell('mkdir -p /run/systemd/resolve; touch /run/systemd/resolve/io.systemd.Resolve; echo nameserver 9.9.9.9 > /run/systemd/resolve/resolv.conf');
  await host.findsAndFixes('resolver.resolved', /systemd-resolved looks up any name for any process/, /systemctl disable --now systemd-resolved$/);
  await host.shell('rm -rf /run/systemd');
});

test('a table of connections that is small, or nearly full', only, async () => {
  await host.shell('echo 1000 > /proc/sys/net/netfilter/nf_conntrack_max');
  await host.findsAndFixes('kernel.conntrack', /10 of at most 1000 connections are tracked, which one busy user can use up/, /nf_conntrack_max = 262144' > .* && sysctl -p /);
  await host.shell('echo 250000 > /proc/sys/net/netfilter/nf_conntrack_count');
  await host.findsAndFixes('kernel.conntrack', /250000 of at most 262144 connections are tracked: new ones are dropped/, /nf_conntrack_max = 524288'/);
  await host.shell('echo 10 > /proc/sys/net/netfilter/nf_conntrack_count');
});

test('processes of the fenced user can trace each other', only, async () => {
  await host.shell('echo 0 > /proc/sys/kernel/yama/ptrace_scope');
  await host.findsAndFixes('kernel.ptrace', /kernel\.yama\.ptrace_scope is 0/, /ptrace_scope = 1' > .* && sysctl -p /);
});
