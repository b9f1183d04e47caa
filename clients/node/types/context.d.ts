export interface ContextIds {
  requestId?: string;
  chatId?: string | number;
}

export class Context {
  constructor(ids?: ContextIds);
  get requestId(): string;
  set requestId(value: string);
  get chatId(): string | undefined;
  set chatId(value: string | number | null | undefined);
  fields(): { request_id: string; chat_id?: string };
  environment(): { PICORTEX_REQUEST_ID: string; PICORTEX_CHAT_ID?: string };
}

/** The context of the running code; undefined outside of requests and turns. */
export function currentContext(): Context | undefined;

/** Calls `work`, and everything asynchronous that it starts, in `context`. */
export function runInContext<Words extends unknown[], Value>(
  context: Context, work: (...words: Words) => Value, ...words: Words): Value;

/** A pino mixin that adds request_id and chat_id to each line. */
export function mixin(merged?: object, level?: number, logger?: unknown): { request_id?: string; chat_id?: string };

/** The process's environment with the IDs of the current context. */
export function childEnvironment(environment?: NodeJS.ProcessEnv): NodeJS.ProcessEnv;

/** Makes a pino logger add request_id and chat_id to each line. False for a logger that is not pino's. */
export function instrument(logger: object): boolean;
