import type { FastifyPluginCallback } from 'fastify';
import type { ClientOptions } from './client.js';
import type { Context } from './context.js';

export interface PluginOptions {
  /** Enables request.forwardLinqWebhook(): true, or where the daemon is. */
  linq?: boolean | ClientOptions;
}

export interface LinqAnswer {
  /** The daemon's HTTP status: 200, 401 when Linq has not signed it, 503 when it cannot be stored now. */
  status: number;
  stored: boolean;
  /** The webhook has come before. */
  duplicate: boolean;
  /** Under which the message is stored. */
  requestId: string;
}

declare module 'fastify' {
  interface FastifyRequest {
    picortex: Context;
    requestId: string;
    chatId: string | undefined;
    forwardLinqWebhook(body: string | Uint8Array): Promise<LinqAnswer>;
  }
}

declare const picortex: FastifyPluginCallback<PluginOptions>;
export default picortex;
export { loggerOptions } from './pino.js';
export { defaultClient } from './client.js';
