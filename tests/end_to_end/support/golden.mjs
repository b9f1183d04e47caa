// Payloads that Claude Code has sent, with their times moved to the last minutes, so that they are not of the future.
import { readFile } from 'node:fs/promises';

const recordedNs = 1_795_880_740_000_000_000n; // just before the first of them
const rangeNs = 3_600_000_000_000n;
const shiftNs = BigInt(Date.now() - 3_600_000) * 1_000_000n - recordedNs;
const isTime = (number) => number >= recordedNs - rangeNs && number < recordedNs + rangeNs;

// `name` ends in .json or .bin.
export async function golden(name) {
  const bytes = await readFile(new URL(`../../golden/claude/${name}`, import.meta.url));
  if (name.endsWith('.json')) {
    return bytes.toString('utf8').replaceAll(/"(\d{19})"/g, (all, digits) => (isTime(BigInt(digits)) ? `"${BigInt(digits) + shiftNs}"` : all));
  }
  for (let at = 0; at + 8 <= bytes.length; at += 1) {
    const number = bytes.readBigUInt64LE(at);
    if (isTime(number)) bytes.writeBigUInt64LE(number + shiftNs, at);
  }
  return bytes;
}
