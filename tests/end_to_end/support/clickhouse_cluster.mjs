// A cluster of ClickHouse servers with ZooKeeper, all on loopback: shards × replicas, as docs/guides/many-hosts.md has it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { cleanUpAfter } from './cleanup.mjs';
import { freePorts, startClickHouse } from './clickhouse.mjs';
import { eventually, temporaryDirectory } from './daemon.mjs';

// Returns its port once it serves: a ClickHouse server that comes earlier would not try again.
async function startZooKeeper(owner) {
  const directory = await temporaryDirectory(owner);
  const [port] = await freePorts(1);
  const child = spawn('java', ['-Xmx128m', '-Dzookeeper.admin.enableServer=false', '-cp', '/usr/share/java/zookeeper.jar',
    'org.apache.zookeeper.server.ZooKeeperServerMain', String(port), directory], { cwd: directory, stdio: 'ignore' });
  const exited = once(child, 'exit');
  cleanUpAfter(owner, async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await exited;
  });
  await eventually('ZooKeeper serves', () => new Promise((resolve) => {
    let said = '';
    const socket = connect(port, '127.0.0.1', () => socket.end('srvr'));
    socket.setTimeout(1000, () => socket.destroy()).setEncoding('utf8').on('data', (text) => (said += text)).on('error', () => resolve(false)).on('close', () => resolve(/Mode: standalone/.test(said)));
  }), 60_000);
  return port;
}

// Returns the servers: [[replica, …] of each shard].
export async function startCluster(owner, { shards, replicas }) {
  const zooKeeper = await startZooKeeper(owner);
  const ports = Array.from({ length: shards }, () => Array.from({ length: replicas }));
  for (const shard of ports) for (const i of shard.keys()) shard[i] = await freePorts(3);
  const replica = ([, tcp]) => `<replica><host>127.0.0.1</host><port>${tcp}</port></replica>`;
  const fleet = ports.map((shard) => `<shard><internal_replication>true</internal_replication>${shard.map(replica).join('')}</shard>`).join('');
  return Promise.all(ports.map((shard, s) => Promise.all(shard.map((own, r) => startClickHouse(owner, {
    ports: own,
    elements: {
      remote_servers: `<fleet>${fleet}</fleet>`,
      zookeeper: `<node><host>127.0.0.1</host><port>${zooKeeper}</port></node><session_timeout_ms>6000</session_timeout_ms>`,
      macros: `<shard>${s + 1}</shard><replica>${r + 1}</replica>`,
      interserver_http_host: '127.0.0.1',
    },
  })))));
}
