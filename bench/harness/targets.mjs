// What the project promises of its speed, each a figure or a ratio of two that were measured in the same run.

const ratio = (a, b) => (a === undefined || b === undefined ? undefined : a / b);

const cpuOver = (scenario, peer) => (figure) =>
  ratio(figure(scenario, 'picortex', 'CPU/request'), figure(scenario, peer, 'CPU/request'));

export const targets = [
  { what: '/health, 64 connections, CPU a request', beside: 'null server', most: 1.15, unit: '×',
    value: cpuOver('health, 64 connections', 'null server') },
  { what: '/health, 64 connections, CPU a request', beside: 'nginx', most: 0.9, unit: '×',
    value: cpuOver('health, 64 connections', 'nginx') },
  { what: '/health, 64 connections, requests/s', beside: 'Fastify app', least: 8, unit: '×',
    value: (figure) => ratio(figure('health, 64 connections', 'picortex', 'requests/s'),
      figure('health, 64 connections', 'Fastify app', 'requests/s')) },
  { what: '/health, pipelined 16, CPU a request', beside: 'null server', most: 1.8, unit: '×',
    value: cpuOver('health, pipelined 16', 'null server') },
  { what: '/health, pipelined 16, CPU a request', beside: 'nginx', most: 0.12, unit: '×',
    value: cpuOver('health, pipelined 16', 'nginx') },
  { what: 'durable events one by one, requests/s', beside: 'Fastify app, frontend-log, not durable', least: 5, unit: '×',
    value: (figure) => ratio(figure('events', 'picortex, one by one', 'requests/s'),
      figure('events', 'Fastify app, frontend-log', 'requests/s')) },
  { what: 'durable events in batches of 100, events/s', beside: 'one by one', least: 4, unit: '×',
    value: (figure) => ratio(100 * figure('events', 'picortex, batches of 100', 'requests/s'),
      figure('events', 'picortex, one by one', 'requests/s')) },
  { what: "the store's hold on a turn, 5,000 events/s, p99.9", beside: '-', most: 1.5, unit: 'ms',
    value: (figure) => figure('stall, 5,000 events/s', 'picortex', 'hold p99.9') },
  { what: "the store's hold on a turn, 5,000 events/s, longest", beside: '-', most: 3, unit: 'ms',
    value: (figure) => figure('stall, 5,000 events/s', 'picortex', 'longest hold') },
  { what: "the store's hold on a turn, 20,000 events/s, p99.9", beside: '-', most: 5, unit: 'ms',
    value: (figure) => figure('stall, 20,000 events/s', 'picortex', 'hold p99.9') },
  { what: "the store's hold on a turn, 20,000 events/s, longest", beside: '-', most: 10, unit: 'ms',
    value: (figure) => figure('stall, 20,000 events/s', 'picortex', 'longest hold') },
  { what: '/health p99 while events come at half the most', beside: 'idle', most: 5, unit: '×',
    value: (figure) => ratio(figure('health during ingest', 'picortex, events coming', 'p99'),
      figure('health during ingest', 'picortex, idle', 'p99')) },
  { what: 'resident when idle, store open', beside: '-', most: 12, unit: 'MiB',
    value: (figure) => figure('idle, 0 connections', 'picortex', 'resident') },
  { what: 'an idle connection', beside: 'nginx', most: 0.5, unit: '×',
    value: (figure) => ratio(figure('idle, 10,000 connections', 'picortex', 'a connection'),
      figure('idle, 10,000 connections', 'nginx', 'a connection')) },
  { what: 'disk an event takes, 300 B of data', beside: '-', most: 480, unit: 'B',
    value: (figure) => figure('start', 'picortex', 'disk an event') },
  { what: 'start to first answer', beside: '-', most: 100, unit: 'ms',
    value: (figure) => figure('start', 'picortex', 'first answer') },
];
