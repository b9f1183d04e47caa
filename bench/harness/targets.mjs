// The project's performance targets: each a value, or a ratio of two that were measured in the same run.

const cpuOver = (scenario, peer) => (_, ratio) =>
  ratio([scenario, 'picortex', 'CPU/request'], [scenario, peer]);

// Compared with the server that only stores and syncs.
function durableTargets(connections) {
  const scenario = `durable events, ${connections} connection${connections > 1 ? 's' : ''}`;
  const beside = (what, mode, metric, bound) => ({
    what: `durable events, ${connections} at once, ${what}`, peer: `durable null server, ${mode}`, ...bound, unit: '×',
    value: (_, ratio) => ratio([scenario, 'picortex', metric], [scenario, `durable null server, ${mode}`]),
  });
  return [
    beside('requests/s', 'append', 'requests/s', { least: 0.85 }),
    beside('CPU a request', 'append', 'CPU/request', { most: 1.5 }),
    ...([16, 64].includes(connections) ? [beside('requests/s', 'in-place', 'requests/s', { least: 0.7 })] : []),
  ];
}

// Compared with the best of the other fences that were measured.
function fenceTarget(what, metric, most) {
  return {
    what, peer: 'the next best fence by name', most, unit: '×',
    value: (measurement) => {
      const of = (contestant) => measurement('verdicts, peers', contestant, metric);
      const others = ['haproxy', 'squid', 'opensnitch', 'sandbox-runtime'].map(of).filter((value) => value !== undefined);
      return others.length > 0 ? of('picortex') / Math.min(...others) : undefined;
    },
  };
}

export const targets = [
  { what: '/health, 64 connections, CPU a request', peer: 'null server', most: 1.15, unit: '×',
    value: cpuOver('health, 64 connections', 'null server') },
  { what: '/health, 64 connections, CPU a request', peer: 'nginx', most: 0.9, unit: '×',
    value: cpuOver('health, 64 connections', 'nginx') },
  { what: '/health, 64 connections, light client, CPU a request', peer: 'nginx', most: 0.75, unit: '×',
    value: cpuOver('health, 64 connections, light client', 'nginx') },
  { what: '/health, 64 connections, light client, requests/s', peer: 'Fastify app', least: 8, unit: '×',
    value: (_, ratio) => ratio(['health, 64 connections, light client', 'picortex', 'requests/s'],
      ['health, 64 connections, light client', 'Fastify app']) },
  { what: '/health, pipelined 16, CPU a request', peer: 'null server', most: 1.8, unit: '×',
    value: cpuOver('health, pipelined 16', 'null server') },
  { what: '/health, pipelined 16, CPU a request', peer: 'nginx', most: 0.12, unit: '×',
    value: cpuOver('health, pipelined 16', 'nginx') },
  { what: 'durable events one by one, requests/s', peer: 'Fastify app, frontend-log, not durable', least: 5, unit: '×',
    value: (_, ratio) => ratio(['events', 'picortex, one by one', 'requests/s'], ['events', 'Fastify app, frontend-log']) },
  { what: 'durable events in batches of 100, events/s', peer: 'one by one', least: 4, unit: '×',
    value: (_, ratio) => ratio(['events', 'picortex, batches of 100', 'events/s'],
      ['events', 'picortex, one by one']) },
  ...[1, 16, 64, 512].flatMap((connections) => durableTargets(connections)),
  { what: "the store's blocking time, one iteration, 5,000 events/s, p99.9", peer: '-', most: 1.5, unit: 'ms',
    value: (measurement) => measurement('stall, 5,000 events/s', 'picortex', 'blocking time p99.9') },
  { what: "the store's blocking time, one iteration, 5,000 events/s, longest", peer: '-', most: 3, unit: 'ms',
    value: (measurement) => measurement('stall, 5,000 events/s', 'picortex', 'longest blocking time') },
  { what: "the store's blocking time, one iteration, 20,000 events/s, p99.9", peer: '-', most: 5, unit: 'ms',
    value: (measurement) => measurement('stall, 20,000 events/s', 'picortex', 'blocking time p99.9') },
  { what: "the store's blocking time, one iteration, 20,000 events/s, longest", peer: '-', most: 10, unit: 'ms',
    value: (measurement) => measurement('stall, 20,000 events/s', 'picortex', 'longest blocking time') },
  { what: '/health p99 while events arrive at half the maximum', peer: 'idle', most: 3, unit: '×',
    value: (_, ratio) => ratio(['health during ingest', 'picortex, events coming', 'p99'],
      ['health during ingest', 'picortex, idle']) },
  { what: 'CPU of a verdict, flood of denied SYNs', peer: 'plain blocking recv loop', most: 0.7, unit: '×',
    value: (measurement) => measurement('verdicts, flood', 'picortex', 'to_plain_loop') },
  { what: 'added to a new allowed TLS connection, p50', peer: 'ipset in the kernel', most: 50, unit: 'us',
    value: (measurement) => measurement('verdicts, hello', 'picortex', 'p50_over_ipset_us') },
  { what: 'bulk throughput of an allowed connection', peer: 'no rules', least: 0.97, unit: '×',
    value: (measurement) => measurement('verdicts, bulk', 'picortex', 'to_no_rules') },
  fenceTarget('added to the p50 of a whole TLS connection', 'added_us', 0.34),
  fenceTarget('CPU of a whole TLS connection, one by one', 'cpu_us_a_connection', 0.5),
  fenceTarget('CPU of a whole TLS connection, 16 at once', 'cpu_us_16_at_once', 0.5),
  { what: 'resident when idle, store open', peer: '-', most: 12, unit: 'MiB',
    value: (measurement) => measurement('idle, 0 connections', 'picortex', 'resident') },
  { what: 'an idle connection', peer: 'nginx', most: 0.5, unit: '×',
    value: (_, ratio) => ratio(['idle, 10,000 connections', 'picortex', 'a connection'],
      ['idle, 10,000 connections', 'nginx']) },
  { what: 'disk an event takes, 300 B of data', peer: '-', most: 480, unit: 'B',
    value: (measurement) => measurement('start', 'picortex', 'disk an event') },
  { what: 'events shipped a second', peer: 'their ingest', least: 1, unit: '×',
    value: (_, ratio) => ratio(['ship', 'picortex ship', 'events/s'], ['ship', 'ingest of the same events']) },
  { what: 'start to first answer', peer: '-', most: 100, unit: 'ms',
    value: (measurement) => measurement('start', 'picortex', 'first answer') },
];
