/**
 * Every code an error of vurti can carry. `docs/errors.md` is generated from here.
 * Codes are part of the public interface: they are added, never renamed.
 */
export interface ErrorEntry {
  /** One line for docs and for problem+json. */
  readonly title: string;
  /** What the reader can do about it. */
  readonly hint: string;
  /** Whether the same call may succeed later without anybody changing anything. */
  readonly retryable: boolean;
  /** Exit code of the command that ends with it. */
  readonly exit: 1 | 2 | 3 | 4 | 5 | 70;
  /** HTTP status of the answer that carries it. */
  readonly http: number;
}

const entry = (
  title: string,
  hint: string,
  more: { retryable?: boolean; exit?: ErrorEntry['exit']; http?: number } = {},
): ErrorEntry => ({ title, hint, retryable: more.retryable ?? false, exit: more.exit ?? 1, http: more.http ?? 500 });

const usage = { exit: 2, http: 400 } as const;
const agent = { retryable: true, exit: 1, http: 502 } as const;

export const errorRegistry = {
  // Settings and use
  CONFIG_UNREADABLE: entry('The settings file cannot be read', 'Check the path and its permissions.', usage),
  CONFIG_SYNTAX: entry('The settings file is not valid YAML', 'Mend the line that is named.', usage),
  CONFIG_UNKNOWN_KEY: entry('A setting of this name does not exist', 'See docs/settings.md for all names.', usage),
  CONFIG_INVALID: entry('A setting has a wrong value', 'See docs/settings.md for types, ranges and defaults.', usage),
  CONFIG_SECRET_INLINE: entry('A secret stands in the settings', 'Put it into a file and name that file.', usage),
  ACTION_IN_OBSERVER_MODE: entry(
    'An action is enabled beside an engine',
    'Remove it, or set mode: manager if no engine manages these hosts.',
    usage,
  ),
  BAD_ARGUMENT: entry('An argument has a wrong value', 'See the documentation of the call or command.', usage),
  UNKNOWN_COMMAND: entry('There is no such command or flag', 'See vurti --help.', usage),

  // Entities
  NOT_FOUND: entry('No such entity', 'Names, ids and unique beginnings of ids are accepted.', { exit: 4, http: 404 }),
  AMBIGUOUS: entry('Several entities match', 'Give more of the id, or the whole name.', { exit: 4, http: 409 }),
  ALREADY_EXISTS: entry('An entity with this id or name exists', 'Choose another one.', { exit: 1, http: 409 }),
  HOST_STATUS: entry('The status of the host does not allow it', 'See vurti hosts for its status.', {
    exit: 1,
    http: 409,
  }),

  // Refusals
  OBSERVER_MODE: entry(
    'Refused: vurti observes and never acts',
    'Do it in the engine, or run in manager mode where no engine manages these hosts.',
    { exit: 5, http: 403 },
  ),
  FORBIDDEN: entry('The token is missing or wrong', 'Use --token-file or VURTI_TOKEN.', { exit: 5, http: 403 }),
  HOST_HEADER_REFUSED: entry('The Host header names another service', 'Use the address that the service listens on.', {
    exit: 5,
    http: 421,
  }),
  BAD_REQUEST: entry('The request is not understood', 'See docs of the API.', usage),
  TOO_MANY_REQUESTS: entry('Too many requests of one address', 'Ask less often, or raise server.requestsPerSecond.', {
    retryable: true,
    exit: 3,
    http: 429,
  }),
  BODY_TOO_LARGE: entry('The request body is too large', 'Send less at once.', { exit: 2, http: 413 }),
  UNSUPPORTED_MEDIA_TYPE: entry('Only JSON is accepted', 'Send content-type: application/json.', {
    exit: 2,
    http: 415,
  }),
  LISTEN_NEEDS_TOKEN: entry(
    'The address is reachable by others',
    'Listen on 127.0.0.1, or set server.tls and add a token (vurti tokens add NAME --scope read).',
    usage,
  ),
  LISTEN_FAILED: entry('The address cannot be listened on', 'Choose another one: server.listen or --listen.', usage),

  // Service
  SERVICE_UNREACHABLE: entry('No vurti answers', 'Start one: vurti serve. Elsewhere: --url or VURTI_URL.', {
    retryable: true,
    exit: 3,
    http: 503,
  }),
  NOT_READY: entry('The service is still loading', 'Try again soon.', { retryable: true, exit: 3, http: 503 }),
  TOO_MANY_READERS: entry(
    'As many readers follow the log as are let in',
    'Try again later, or raise server.maxEventStreams.',
    {
      retryable: true,
      exit: 3,
      http: 503,
    },
  ),
  ALREADY_RUNNING: entry('The data directory is in use', 'Use the running service, or another --data-dir.', {
    exit: 2,
  }),
  STOPPED: entry('The monitor was stopped', 'Make a new one.', { exit: 1, http: 503 }),

  // Agents
  AGENT_UNREACHABLE: entry('No connection to the agent', 'vurti doctor HOST says at which step it fails.', agent),
  AGENT_UNKNOWN_HOST: entry('The name of the host does not resolve', 'Check the address of the host.', agent),
  AGENT_TIMEOUT: entry('The agent did not answer in time', 'vurti doctor HOST says at which step it fails.', agent),
  AGENT_BAD_ANSWER: entry('The answer is not what the protocol promises', 'vurti raw HOST METHOD shows it.', agent),
  AGENT_ANSWER_TOO_LARGE: entry('The answer is larger than allowed', 'See agents.maxAnswerMiB.', agent),
  AGENT_REDIRECTED: entry('The agent answered with a redirect', 'Give the final address; none is followed.', agent),
  AGENT_TLS: entry('The TLS connection to the agent failed', 'Check agents.tls and the host certificate.', agent),
  AGENT_CERT_REFUSED: entry('The agent does not trust our certificate', 'Let its CA sign it.', agent),
  AGENT_NETWORK: entry(
    'The connection to the agent broke, or its own network did (5022)',
    'vurti doctor HOST says more.',
    agent,
  ),
  AGENT_QUEUE_FULL: entry('Too many calls wait for this agent', 'Ask it less at once.', agent),
  AGENT_ERROR: entry('The agent answered with an error', 'The code is the agent’s own.', agent),
  AGENT_RECOVERING: entry('The agent is re-adopting its VMs (code 99)', 'Wait; it is judged after 3 minutes.', agent),
  AGENT_BUSY: entry('The agent is out of workers (code 1100)', 'Poll less often, or find its other clients.', agent),
  AGENT_PROTOCOL: entry(
    'No fetcher speaks the protocol of this host',
    'Set protocol: http, or give a fetcher that does.',
    usage,
  ),
  AGENT_ABORTED: entry('The call was given up', 'The host was removed, or the service stops.', agent),

  // Sinks
  SINK_FAILED: entry(
    'The receiver of a webhook did not take an event',
    'vurti sinks says why. It is tried again; the events wait in the log.',
    { retryable: true, http: 502 },
  ),

  // Database and log
  DATABASE_UNREACHABLE: entry('The database does not answer', 'Check database.url and the server.', {
    retryable: true,
    exit: 3,
    http: 503,
  }),
  DATABASE_OF_ENGINE: entry('The database belongs to an oVirt engine', 'Create its own: createdb vurti', usage),
  DATABASE_IN_USE: entry('Another vurti uses this database', 'Stop it, or start with --take-over.', {
    exit: 2,
    http: 409,
  }),
  DATABASE_FENCED: entry('Another vurti took this database over', 'This process stops writing; stop it.', {
    exit: 2,
    http: 503,
  }),
  SCHEMA_NEWER: entry('The database was migrated by a newer vurti', 'Start that version or a later one.', usage),
  ROW_REFUSED: entry('The database refused a row', 'It was set aside; all others are written.', { http: 500 }),
  EMBEDDED_DATABASE: entry('The embedded PostgreSQL does not start', 'See its log in the data directory.', { exit: 3 }),
  CURSOR_INVALID: entry('The cursor is not understood', 'Use one that vurti gave you.', usage),
  CURSOR_TOO_OLD: entry('The cursor is older than the log', 'Go on from the oldest: --after-cursor oldest', {
    exit: 1,
    http: 410,
  }),

  // Ours
  VIRTUAL_TIME_LIMIT: entry('A virtual clock ran into its limit', 'A timer runs away, or a condition never holds.'),
  INTERNAL: entry('A bug in vurti', 'Please report it with the lines above.', { exit: 70 }),
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof errorRegistry;
