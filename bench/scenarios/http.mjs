// Health polls, frontend logs and log lines: the same requests to every contestant, in turn, round by round.

import { execFileSync } from 'node:child_process';
import { constants, openSync } from 'node:fs';
import { join } from 'node:path';
import { Fastify, Nginx, NullServer, Picortex, healthAnswer } from '../harness/contestants.mjs';
import { loadCpus, start, workDirectory } from '../harness/children.mjs';
import { measure, warmUp } from '../harness/load.mjs';
import { record, recordAll } from '../harness/report.mjs';

// Runs each contestant once a round; all of them stay up meanwhile, the others idle.
export async function interleave(scenario, contestants, options) {
  for (const { server, load } of contestants) await warmUp(server, load);
  for (let round = 1; round <= options.rounds; round += 1) {
    for (const { server, load, name = server.name } of contestants) {
      options.progress(`${scenario}: ${name}, round ${round} of ${options.rounds}`);
      const stats = await measure(server, { ...load, seconds: options.seconds });
      recordAll(scenario, name, stats);
      if (load.events) record(scenario, name, 'events/s', load.events * stats['requests/s'], '1/s');
    }
  }
}

export async function stopAll(servers) {
  await Promise.all(servers.map((server) => server.stop()));
}

export async function health(options) {
  const picortex = await new Picortex().answers();
  const answer = await healthAnswer();
  const servers = [picortex, new NullServer(answer), new Nginx(answer), new Fastify()];
  for (const server of servers) await server.answers();
  for (const connections of [1, 64, 512]) {
    const load = { load: 'health', path: '/health', connections };
    await interleave(`health, ${connections} connection${connections > 1 ? 's' : ''}`,
      servers.map((server) => ({ server, load })), options);
  }
  const light = { load: 'light', path: '/health', connections: 64 };
  await interleave('health, 64 connections, light client', servers.map((server) => ({ server, load: light })), options);
  const pipelined = { load: 'pipelined', path: '/health', connections: 64 };
  await interleave('health, pipelined 16', servers.map((server) => ({ server, load: pipelined })), options);
  await stopAll(servers);
}

export async function frontendLog(options) {
  const servers = [new Picortex(), new Fastify()];
  for (const server of servers) await server.answers();
  const load = { load: 'frontend', path: '/api/frontend-log', connections: 64 };
  await interleave('frontend-log, 64 connections', servers.map((server) => ({ server, load })), options);
  await stopAll(servers);
}

// A pipe whose reader discards everything.
function drainedPipe(name) {
  const path = join(workDirectory, name);
  execFileSync('mkfifo', [path]);
  start(loadCpus, ['sh', '-c', 'exec cat "$0" >/dev/null', path], { files: ['ignore', 'ignore', 'ignore'] });
  return openSync(path, constants.O_WRONLY);
}

// At debug every health poll is a line.
export async function logLines(options) {
  const env = { LOG_LEVEL: 'debug' };
  const servers = [
    new Picortex({ env, stdout: drainedPipe('picortex.log') }), new Fastify({ env, stdout: drainedPipe('fastify.log') }),
  ];
  for (const server of servers) await server.answers();
  const load = { load: 'health', path: '/health', connections: 64 };
  await interleave('log lines to a pipe', servers.map((server) => ({ server, load })), options);
  await stopAll(servers);
}
