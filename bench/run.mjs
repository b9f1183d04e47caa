// Runs the scenarios and prints their results: see ./bench.sh --help.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { transport } from './scenarios/clients.mjs';
import { durable, events, healthDuringIngest, mixed, otlp, questionsDuringIngest, stall } from './scenarios/events.mjs';
import { fleet } from './scenarios/fleet.mjs';
import { growth } from './scenarios/growth.mjs';
import { frontendLog, health, logLines } from './scenarios/http.mjs';
import { noTarget } from './scenarios/no_target.mjs';
import { machineLimits, micro, queries, verdicts } from './scenarios/programs.mjs';
import { ship } from './scenarios/ship.mjs';
import { idle, start } from './scenarios/size.mjs';
import { page } from './scenarios/page.mjs';
import { soak } from './scenarios/soak.mjs';
import { stopRunning } from './harness/children.mjs';
import { machineKind } from './harness/proc.mjs';
import { markdown, noise, records } from './harness/report.mjs';

const scenarios = {
  health, 'frontend-log': frontendLog, events, durable, otlp, idle, ingest: healthDuringIngest, log: logLines, stall, mixed, micro,
  start, questions: questionsDuringIngest, queries, verdicts, soak, transport, ship, 'no-target': noTarget, page, fleet,
  growth,
};
// Only when they are named.
const byHand = new Set(['ship', 'page', 'fleet']);

// bench.sh has checked the arguments.
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
    'stall-seconds': { type: 'string', default: '60' },
    'soak-seconds': { type: 'string', default: '900' },
    events: { type: 'string', default: '10000000' },
    'page-seconds': { type: 'string', default: '300' },
    'ship-events': { type: 'string', default: '300000' },
    'fleet-seconds': { type: 'string', default: '600' },
    'fleet-rate': { type: 'string', default: '5000' },
    'growth-events': { type: 'string', default: '1000000' },
    'growth-connections': { type: 'string', default: '50000' },
    out: { type: 'string', default: resolve(import.meta.dirname, '../build/bench') },
  },
});

const isTerminal = process.stderr.isTTY;
const startedAt = Date.now();
const options = {
  rounds: Number(values.rounds),
  seconds: Number(values.seconds),
  stallSeconds: Number(values['stall-seconds']),
  soakSeconds: Number(values['soak-seconds']),
  events: Number(values.events),
  pageSeconds: Number(values['page-seconds']),
  shipEvents: Number(values['ship-events']),
  fleetSeconds: Number(values['fleet-seconds']),
  fleetRate: Number(values['fleet-rate']),
  growthEvents: Number(values['growth-events']),
  growthConnections: Number(values['growth-connections']),
  progress(text) {
    const seconds = Math.round((Date.now() - startedAt) / 1000);
    process.stderr.write(isTerminal ? `\r\x1b[K[${seconds} s] ${text}` : `[${seconds} s] ${text}\n`);
  },
};

const wanted = positionals.length > 0 ? positionals : Object.keys(scenarios).filter((name) => !byHand.has(name));
const limits = await machineLimits();
const failures = [];
const texts = [];
for (const name of wanted) {
  try {
    const text = await scenarios[name](options);
    if (text) texts.push(text);
  } catch (error) {
    failures.push(`${name}: ${error.message}`);
    process.stderr.write(`\nscenario ${name} failed: ${error.stack}\n`);
    await stopRunning();
  }
}
if (isTerminal) process.stderr.write('\r\x1b[K');

const heading = `${machineKind()}; medians of ${options.rounds} rounds of ${options.seconds} s; server on one CPU, load on ` +
  'the other CPUs.';
const report = [markdown(heading, limits), ...texts.map((text) => `\`\`\`\n${text.trim()}\n\`\`\``)].join('\n\n');
mkdirSync(values.out, { recursive: true });
const file = join(values.out, 'results');
writeFileSync(`${file}.md`, `${report}\n`);
writeFileSync(`${file}.json`, `${JSON.stringify(
  { machine: machineKind(), time: new Date().toISOString(), rounds: options.rounds, seconds: options.seconds,
    limits: limits.map(([what, value, unit]) => ({ what, value, unit })), noise: noise.verdict(), failures, measurements: records() }, null, 1)}\n`);
console.log(report);
console.log(`\nalso in ${file}.md and ${file}.json`);
process.exit(failures.length > 0 ? 1 : 0);
