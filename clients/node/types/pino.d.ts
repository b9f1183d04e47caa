import type { Transform } from 'node:stream';
import type { ClientOptions } from './client.js';

export type TransportOptions = ClientOptions;

/** The pino transport. Name it as `transport: { target: 'picortex/pino', options }`. */
export default function transport(options?: TransportOptions): Transform;

export interface LoggerOptions extends TransportOptions {
  /** The least level that is logged. Default: LOG_LEVEL, else "info". */
  level?: string;
  /** Whether lines are written to stdout as well. Default: true. */
  stdout?: boolean;
}

/** Options for pino() or Fastify's `logger`: lines to stdout and to the daemon. */
export function loggerOptions(options?: LoggerOptions): {
  level: string;
  transport: { targets: Array<{ target: string; level: string; options: Record<string, unknown> }> };
};
