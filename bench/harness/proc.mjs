// Reads /proc: processes and the machine.

import { readdirSync, readFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { execFileSync } from 'node:child_process';
import { serverCpu } from './children.mjs';

const usPerTick = 1e6 / Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

function statFields(pid) {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

function withDescendants(pid) {
  const parents = new Map();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      parents.set(Number(name), Number(statFields(name)[1]));
    } catch {
      // The process has ended.
    }
  }
  const found = [pid];
  for (const one of found) {
    for (const [child, parent] of parents) if (parent === one) found.push(child);
  }
  return found;
}

// Returns the user and system time of the process, its threads and its children so far, in microseconds.
export function cpuTime(pid) {
  let ticks = 0;
  for (const one of withDescendants(pid)) {
    try {
      const fields = statFields(one);
      ticks += Number(fields[11]) + Number(fields[12]);
    } catch {
      // A child that has ended.
    }
  }
  return ticks * usPerTick;
}

export function residentKib(pid) {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);
}

// Returns the server CPU's time so far, in microseconds: busy, and stolen by the hypervisor.
export function serverCpuTime() {
  const line = readFileSync('/proc/stat', 'utf8').split('\n').find((one) => one.startsWith(`cpu${serverCpu} `));
  const [user, nice, system, idle, iowait, irq, softirq, steal] = line.split(/\s+/).slice(1).map(Number);
  return {
    busy: (user + nice + system + irq + softirq) * usPerTick,
    stolen: steal * usPerTick,
    all: (user + nice + system + idle + iowait + irq + softirq + steal) * usPerTick,
  };
}

// Returns the kind of the machine.
export function machineKind() {
  const text = readFileSync('/proc/cpuinfo', 'utf8');
  const model = /model name\s*:\s*(.*)/.exec(text)?.[1]?.replace(/\s+/g, ' ') ?? 'unknown CPU';
  let virtual = '';
  try {
    virtual = execFileSync('systemd-detect-virt', ['--vm'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch (error) {
    virtual = error.stdout?.trim() ?? (/hypervisor/.test(text) ? 'virtual' : 'none');
  }
  if (virtual === '' && /hypervisor/.test(text)) virtual = 'virtual';
  const kind = virtual === 'none' || virtual === '' ? 'cores' : `virtual cores, ${virtual.toUpperCase()}`;
  const kernel = readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim();
  return `${cpus().length} ${kind}; ${model}; ${Math.round(totalmem() / 2 ** 30)} GiB; Linux ${kernel}`;
}
