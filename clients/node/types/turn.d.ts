import type { EventClient, Event, Level } from './client.js';

/** What a pino logger can do that a turn needs. */
export interface TurnLogger {
  info(fields: object, message?: string): void;
  warn(fields: object, message?: string): void;
  error(fields: object, message?: string): void;
}

export interface TurnOptions {
  /** Default: the current context's. */
  chat?: string;
  /** Default: the current context's, else a new one. */
  requestId?: string;
  /** A pino logger to report through. Default: `client`. */
  log?: TurnLogger;
  /** Default: the process's own client. */
  client?: EventClient;
  /** More members of tmux.turn.start. */
  [data: string]: unknown;
}

export interface Turn {
  readonly requestId: string;
  readonly chat: string | undefined;
  /** PICORTEX_REQUEST_ID and PICORTEX_CHAT_ID. */
  readonly env: { PICORTEX_REQUEST_ID: string; PICORTEX_CHAT_ID?: string };
  /** `-e NAME=value` for tmux new-session, new-window, split-window and respawn-pane. */
  readonly tmuxArguments: string[];
  /** The command under `picortex run`. */
  command(words: string[], options?: { picortex?: string }): string[];
  /** The same as one line for a shell. */
  shellLine(words: string[], options?: { picortex?: string }): string;
  run<Words extends unknown[], Value>(work: (...words: Words) => Value, ...words: Words): Value;
  emit(event: Event): void;
  end(result?: { outcome?: string; level?: Level; [data: string]: unknown }): void;
}

export function startTurn(options?: TurnOptions): Turn;

/** The turn that this process was started for; undefined when it was not. */
export function inheritedTurn(options?: { environment?: NodeJS.ProcessEnv; log?: TurnLogger; client?: EventClient }): Turn | undefined;
