import { VurtiError } from '../kernel/index.js';
import { notRunning } from '../model/index.js';
import type { CommandBook, CommandOptions, RunningCommand } from '../updater/index.js';
import type { CommandsApi } from './api.js';
import { type EntityParts, type Hosts, refuseObserver, type Vms } from './entities.js';

/** The library's door to what the manager says about its own commands. */
export class Commands implements CommandsApi {
  readonly #parts: EntityParts;
  readonly #book: CommandBook;
  readonly #vms: Vms;
  readonly #hosts: Hosts;

  constructor(parts: EntityParts, book: CommandBook, vms: Vms, hosts: Hosts) {
    this.#parts = parts;
    this.#book = book;
    this.#vms = vms;
    this.#hosts = hosts;
  }

  begin(vmId: string, command: string, options?: CommandOptions): void {
    this.#book.begin(vmId, command, options);
  }

  end(vmId: string, command: string): void {
    this.#book.end(vmId, command);
  }

  list(): readonly RunningCommand[] {
    return this.#book.list();
  }

  migrating(ref: string, destination: string): void {
    refuseObserver(this.#parts);
    const id = this.#vms.idOf(ref);
    const to = this.#hosts.idOf(destination);
    const vm = this.#parts.view.sets.vms.get(id);
    if (vm === undefined) throw new VurtiError('NOT_FOUND', `There is no VM "${ref}"`);
    const { status, runOnVds } = vm.dynamic;
    if (runOnVds === null || notRunning.has(status)) {
      throw new VurtiError('BAD_ARGUMENT', `${vm.static.name} is ${status}: it cannot be migrating`);
    }
    if (runOnVds === to) throw new VurtiError('BAD_ARGUMENT', `${vm.static.name} runs on ${destination} already`);
    this.#parts.vmUpdater.migrating(vm, to);
  }

  expectColdReboot(vmId: string): void {
    this.#book.expectColdReboot(vmId);
  }

  noteExternalData(vmId: string, kept: boolean): void {
    this.#book.noteExternalData(vmId, kept);
  }
}
