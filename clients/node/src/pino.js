// A pino transport: runs in pino's worker thread, so that the bot's event loop only hands lines over.
import build from 'pino-abstract-transport';
import { Sender } from './sender.js';
import { resolveSettings } from './settings.js';

const UNPARSED = {};
// What pino itself adds to a transport's options.
const OF_PINO = /^(\$.*|level|levels|pinoWillSendConfig)$/;

export default function transport(options = {}) {
  const own = Object.entries(options).filter(([name]) => !OF_PINO.test(name));
  const sender = new Sender(resolveSettings(Object.fromEntries(own)));
  return build((source) => {
    source.on('data', (line) => sender.push(line));
  }, {
    parse: 'lines',
    parseLine: () => UNPARSED,  // lines are sent as they are
    close: (_error, done) => sender.close().then(() => done(), done),
  });
}

// Options for pino() or Fastify's logger: lines on stdout, as without picortex, and to the daemon.
export function loggerOptions({ level = process.env.LOG_LEVEL || 'info', stdout = true, ...options } = {}) {
  const targets = [{ target: 'picortex/pino', level, options }];
  if (stdout) targets.push({ target: 'pino/file', level, options: { destination: 1 } });
  return { level, transport: { targets } };
}
