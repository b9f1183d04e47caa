import type { IncomingMessage, ServerResponse } from 'node:http';

export interface MiddlewareOptions {
  /** A pino logger whose lines shall carry the request's IDs. */
  logger?: object;
}

export interface ObservedRequest {
  requestId: string;
  chatId: string | undefined;
}

/** Middleware for Express, Connect and node:http. */
export default function picortex(options?: MiddlewareOptions):
  (request: IncomingMessage, response: ServerResponse, next: () => void) => void;
