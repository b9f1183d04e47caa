export interface ClientOptions {
  /** http://HOST:PORT, https://HOST or unix:/PATH. Default: PICORTEX_URL, else PICORTEX_LISTEN, else http://127.0.0.1:8787. */
  url?: string;
  /** The token. Default: PICORTEX_TOKEN, else the content of tokenFile. */
  token?: string;
  /** Default: PICORTEX_TOKEN_FILE, else $PICORTEX_DATA_DIR/token, else ./var/token, else /var/lib/picortex/token. */
  tokenFile?: string;
  /** The user whose process may listen in the daemon's place, beside root, this user and the token file's owner. */
  serverUid?: number;
  /** Where events wait while the daemon does not answer. Default: $XDG_STATE_HOME, else ~/.local/state, + /picortex/spool. */
  spoolDirectory?: string;
  /** The most bytes that wait there; further events are dropped, counted and reported. Default: 64 MiB. */
  spoolMaxBytes?: number;
  /** The most bytes that wait in memory while the daemon is slow. Default: 8 MiB. */
  memoryMaxBytes?: number;
  /** How long the first event of a batch waits for others, in milliseconds. Default: 100. */
  delayMs?: number;
  /** How long one request may take, in milliseconds. Default: 30,000. */
  timeoutMs?: number;
  /** How long the end of the process waits for the daemon, in milliseconds. Default: 3,000. */
  exitTimeoutMs?: number;
  /** Report nothing on stderr. Default: false. */
  quiet?: boolean;
}

export type Level = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';

export interface Event {
  event_type: string;
  level?: Level;
  /** ISO 8601, or Unix milliseconds. Default: now. */
  time?: string | number;
  chat_id?: string;
  request_id?: string;
  msg?: string;
  [data: string]: unknown;
}

export interface Counts {
  stored: number;
  duplicates: number;
  rejected: number;
  dropped: number;
  spooled: number;
}

/** Delivers events in batches, each exactly once, and keeps them on disk while the daemon does not answer. */
export class EventClient {
  constructor(options?: ClientOptions);
  emit(event: Event): void;
  flush(timeoutMs?: number): Promise<void>;
  close(): Promise<void>;
  readonly counts: Counts;
}

/** The one client of this process, configured by the environment. */
export function defaultClient(): EventClient;
