// Other fences that allow connections by name: how each is started in the host's namespace of a world, so that the fenced user
// reaches allowed.test, on any port, and nothing else. What a peer starts ends with its owner.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { addresses, fencedUid } from '../../tests/end_to_end/support/namespaces.mjs';

const name = 'allowed.test';
const user = ['-m', 'owner', '--uid-owner', String(fencedUid)];
const serverCpu = ['taskset', '--cpu-list', '0'];

// Sends the user's connections to a proxy on this host, which learns their destination from the kernel, and rejects the rest.
function redirect(world, port) {
  const { host } = world;
  host.run('iptables', '-t', 'nat', '-A', 'OUTPUT', '-p', 'tcp', '-m', 'multiport', '--dports', '443,4433', ...user,
           '-j', 'REDIRECT', '--to-ports', String(port));
  host.run('iptables', '-A', 'OUTPUT', ...user, '-d', addresses.resolver, '-p', 'udp', '-j', 'ACCEPT');
  host.run('iptables', '-A', 'OUTPUT', ...user, '-d', '127.0.0.1', '-p', 'tcp', '--dport', String(port), '-j', 'ACCEPT');
  for (const tool of ['iptables', 'ip6tables']) host.run(tool, '-A', 'OUTPUT', ...user, '-j', 'REJECT');
}

function directoryOf(world, peer) {
  const directory = join(world.directory, peer);
  mkdirSync(directory, { mode: 0o755 });
  return directory;
}

// Each has the user connect as without a fence, except those with `proxy`, which must be asked (CONNECT).
export const fencePeers = [
  {
    name: 'haproxy',
    program: '/usr/sbin/haproxy',
    from: 'the package haproxy',
    start(owner, world) {
      const file = join(directoryOf(world, 'haproxy'), 'haproxy.cfg');
      writeFileSync(file, `global
  nbthread 1
  maxconn 4096
defaults
  mode tcp
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend users
  bind 127.0.0.1:3131
  tcp-request inspect-delay 3s
  tcp-request content accept if { req.ssl_hello_type 1 } { req.ssl_sni -i ${name} }
  tcp-request content reject if { req.ssl_hello_type 1 }
  tcp-request content reject if WAIT_END
  default_backend world
backend world
  server destination 0.0.0.0:0
`);
      redirect(world, 3131);
      return world.host.start(owner, [...serverCpu, this.program, '-db', '-q', '-f', file], ['ignore', 'ignore', 'pipe']);
    },
  },
  {
    name: 'squid',
    program: '/usr/sbin/squid',
    from: 'the package squid-openssl',
    start(owner, world) {
      const directory = directoryOf(world, 'squid');
      const file = join(directory, 'squid.conf');
      writeFileSync(file, `http_port 127.0.0.1:3129
https_port 127.0.0.1:3130 intercept ssl-bump tls-cert=${world.directory}/tls.pem tls-key=${world.directory}/tls.key generate-host-certificates=off
acl hello at_step SslBump1
acl allowed ssl::server_name ${name}
ssl_bump peek hello
ssl_bump splice allowed
ssl_bump terminate all
http_access allow all
host_verify_strict off
dns_nameservers ${addresses.resolver}
cache deny all
access_log none
cache_log stdio:/dev/stderr
cache_store_log none
pid_filename none
coredump_dir ${directory}
max_filedescriptors 4096
shutdown_lifetime 0 seconds
`);
      redirect(world, 3130);
      return world.host.start(owner, [...serverCpu, this.program, '-N', '-f', file], ['ignore', 'ignore', 'pipe']);
    },
  },
  {
    name: 'opensnitch',
    program: '/usr/bin/opensnitchd',
    from: 'the package opensnitch',
    start(owner, world) {
      const etc = directoryOf(world, 'opensnitchd');
      const rules = join(etc, 'rules');
      mkdirSync(rules);
      writeFileSync(join(etc, 'default-config.json'), JSON.stringify({
        Server: { Address: `unix://${etc}/no-ui.sock`, LogFile: '/dev/stdout' }, DefaultAction: 'deny', DefaultDuration: 'once',
        InterceptUnknown: false, ProcMonitorMethod: 'proc', LogLevel: 2, Firewall: 'iptables', Stats: { MaxEvents: 150, MaxStats: 25 },
      }));
      const allow = (rule, operand, data) => writeFileSync(join(rules, `${rule}.json`), JSON.stringify({
        created: '2026-01-01T00:00:00Z', updated: '2026-01-01T00:00:00Z', name: rule, enabled: true, precedence: false, action: 'allow',
        duration: 'always', operator: { type: 'simple', operand, sensitive: false, data, list: [] },
      }));
      allow('names', 'dest.host', name);
      allow('questions', 'dest.port', '53');
      world.host.run('sh', '-c', `mount --bind ${etc} /etc/opensnitchd`);
      return world.host.start(owner, [...serverCpu, this.program, '-rules-path', rules, '-log-file', join(etc, 'log')], ['ignore', 'ignore', 'pipe']);
    },
  },
  {
    name: 'sandbox-runtime',
    program: fileURLToPath(new URL('../peers/node_modules/@anthropic-ai/sandbox-runtime/package.json', import.meta.url)),
    from: 'npm ci in bench/peers',
    proxy: { address: '127.0.0.1', port: 3132 },
    start(owner, world) {
      const script = fileURLToPath(new URL('../peers/sandbox_proxy.mjs', import.meta.url));
      return world.host.start(owner, [...serverCpu, process.execPath, script, name, String(this.proxy.port)], ['ignore', 'ignore', 'pipe']);
    },
  },
];

// Why a peer cannot be measured here; nothing if it can.
export const missing = (peer) => (existsSync(peer.program) ? undefined : `${peer.program} is not there (${peer.from})`);
