// What was tried and what came out of it: a row for each group of techniques and each state, and one number.
import { techniques } from './attempts.mjs';

const groupOf = new Map(techniques.map((technique) => [technique.name, technique.group]));
// Technique → why it leaves nevertheless: a documented limit.
export const residual = new Map(techniques.filter((technique) => technique.residual).map((technique) => [technique.name, technique.residual]));

export class Table {
  rows = new Map();
  not = new Map();
  combinations = 0;
  bytes = 0;
  limits = new Map();
  leaking = new Map();

  #row(group) {
    if (!this.rows.has(group)) this.rows.set(group, new Map());
    return this.rows.get(group);
  }

  count(configuration, state, attempt, arrived) {
    if (residual.has(attempt.technique)) {
      const limit = this.limits.get(attempt.technique) ?? { tried: 0, bytes: 0 };
      ++limit.tried;
      limit.bytes += arrived?.bytes ?? 0;
      this.limits.set(attempt.technique, limit);
      return;
    }
    const group = groupOf.get(attempt.technique) ?? attempt.technique;
    const cell = this.#row(group).get(`${configuration} ${state}`) ?? { tried: 0, bytes: 0 };
    ++cell.tried;
    ++this.combinations;
    cell.bytes += arrived?.bytes ?? 0;
    this.bytes += arrived?.bytes ?? 0;
    this.#row(group).set(`${configuration} ${state}`, cell);
    if (arrived) {
      const places = this.leaking.get(attempt.technique) ?? new Set();
      this.leaking.set(attempt.technique, places.add(`${configuration} ${state} ${attempt.fate} IPv${attempt.family}`));
    }
  }

  // What arrives after its own batch was counted.
  late(configuration, state, attempt, arrived) {
    this.count(configuration, state, attempt, arrived);
    if (residual.has(attempt.technique)) {
      --this.limits.get(attempt.technique).tried;
      return;
    }
    --this.combinations;
    --this.#row(groupOf.get(attempt.technique) ?? attempt.technique).get(`${configuration} ${state}`).tried;
  }

  unexplained(configuration, state, what, bytes) {
    const cell = this.#row('unowned').get(`${configuration} ${state}`) ?? { tried: 0, bytes: 0 };
    cell.bytes += bytes;
    this.bytes += bytes;
    this.#row('unowned').set(`${configuration} ${state}`, cell);
    this.leaking.set(what, new Set([`${configuration} ${state}`]));
  }

  impossible(attempt, why) {
    const entry = this.not.get(attempt.technique) ?? { count: 0, why: why ?? 'nothing of it leaves the host' };
    ++entry.count;
    this.not.set(attempt.technique, entry);
  }

  text() {
    const columns = [...new Set([...this.rows.values()].flatMap((row) => [...row.keys()]))];
    const lines = ['combinations tried / bytes that arrived where they must not', `${''.padEnd(14)}${columns.map((name) => name.padStart(22)).join('')}`];
    for (const [group, row] of this.rows) {
      lines.push(group.padEnd(14) + columns.map((name) => {
        const cell = row.get(name);
        return (cell ? `${cell.tried} / ${cell.bytes}` : '-').padStart(22);
      }).join(''));
    }
    if (this.not.size > 0) lines.push('', 'not possible here, not counted:');
    for (const [technique, { count, why }] of this.not) lines.push(`  ${technique} (${count}): ${why}`);
    if (this.leaking.size > 0) lines.push('', 'LEAKS:');
    for (const [technique, places] of this.leaking) lines.push(`  ${technique}: ${[...places].slice(0, 6).join('; ')}${places.size > 6 ? `; and ${places.size - 6} more` : ''}`);
    if (this.limits.size > 0) lines.push('', 'documented limits, not in the sum:');
    for (const [technique, { tried, bytes }] of this.limits) lines.push(`  ${technique}: ${tried} / ${bytes}, ${residual.get(technique)}`);
    lines.push(`attack: ${this.combinations} combinations, ${this.bytes} bytes reached a place that is not allowed`);
    return lines.join('\n');
  }
}
