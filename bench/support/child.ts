import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

/** Another process that runs the same file in another role. Messages to it and from it are plain JSON. */
export class Child<Question extends object, Answer extends object> {
  readonly pid: number;
  readonly #process: ChildProcess;
  readonly #gone: Promise<never>;

  /** Without the flags of a bench: as it would ship. */
  constructor(file: string, role: string) {
    this.#process = fork(file, ['--role', role], { execArgv: [], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    if (this.#process.pid === undefined) throw new Error(`The ${role} could not be started`);
    this.pid = this.#process.pid;
    this.#gone = once(this.#process, 'exit').then(([code, signal]) => {
      throw new Error(`The ${role} ended by itself (${String(code ?? signal)})`);
    });
    this.#gone.catch(() => undefined);
  }

  async ask(question: Question): Promise<Answer> {
    const answer = once(this.#process, 'message');
    this.#process.send(question);
    const [message] = await Promise.race([answer, this.#gone]);
    return message as Answer;
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = once(this.#process, 'exit');
    this.#process.disconnect();
    await ended;
  }
}

/** The role this process was started for; undefined: it is the bench itself. */
export function roleOf(): string | undefined {
  const [flag, role] = process.argv.slice(2);
  return flag === '--role' ? role : undefined;
}

/** Answers one question at a time until the bench lets go of this process. */
export function serve<Question extends object>(
  answer: (question: Question) => Promise<object>,
  stop: () => Promise<void>,
): void {
  process.on('message', (question) => {
    answer(question as Question).then(
      (message) => process.send?.(message),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  });
  process.once('disconnect', () => void stop().finally(() => process.exit(0)));
}
