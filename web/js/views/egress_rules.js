// Decides which attempted hosts the current rules of the allowlist permit. The rules are those that `picortex egress list` shows.

// Returns the bits of an IPv4 address as a number; NaN for anything else.
function v4Number(text) {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)?.slice(1).map(Number);
  return parts?.every((part) => part < 256) ? parts.reduce((sum, part) => sum * 256 + part, 0) : NaN;
}

// Returns { name, bits, port } of `host`, `*.host`, `address/bits` and `[v6/bits]`, each optionally with `:port`; null for anything else.
function parsePattern(text) {
  const [, v6, v6Port] = /^\[([^\]]+)\](?::(\d+))?$/.exec(text) ?? [];
  const [, plain, plainPort] = v6 === undefined ? /^([^:[\]]+)(?::(\d+))?$/.exec(text) ?? [] : [];
  const place = v6 ?? plain;
  if (place === undefined) return null;
  const [name, bits] = place.split('/');
  return { name: name.toLowerCase(), bits, port: Number(v6Port ?? plainPort ?? 443) };
}

// Returns the patterns of those rules, { rule, expired }, that are in force.
export function patternsOf(rules) {
  return rules.filter(({ expired }) => !expired).map(({ rule }) => parsePattern(rule.split(/\s/)[0])).filter((pattern) => pattern !== null);
}

// `host` is a name or an address, with port 0 if it was only resolved. An IPv6 network matches addresses only as they are written; other
// addresses in it count as not permitted.
export function patternPermits(pattern, { host, port, protocol }) {
  if (port !== 0 && (protocol !== 'tcp' || port !== pattern.port)) return false;
  const name = host.toLowerCase().replace(/\.$/, '');
  if (pattern.name.startsWith('*.')) return name.endsWith(pattern.name.slice(1)) && name.length > pattern.name.length - 1;
  const address = v4Number(name);
  const network = v4Number(pattern.name);
  if (Number.isNaN(address) || Number.isNaN(network)) return name === pattern.name;
  const size = 2 ** (32 - Number(pattern.bits ?? 32));
  return Math.floor(address / size) === Math.floor(network / size);
}

const PLAIN_HOST = /^[\w:][\w.:-]*$/;

// Returns the rule's pattern, as `picortex egress` takes it; empty if no rule can permit the host.
export function ruleFor({ host, port, protocol }) {
  if (!PLAIN_HOST.test(host) || (port !== 0 && protocol !== 'tcp')) return '';
  const isV6 = host.includes(':');
  const name = isV6 ? `[${host}]` : host;
  return port === 0 || (port === 443 && !isV6) ? name : `${name}:${port}`;
}
