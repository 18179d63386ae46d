/** A device in libvirt's description of a VM. null: not said. */
export interface ReportedDevice {
  /** The manager's id, where the device bears it. */
  readonly id: string | null;
  readonly type: string;
  readonly device: string | null;
  readonly address: string | null;
  readonly alias: string | null;
  /** What a disk lies in. Its path names the disk's id. */
  readonly path: string | null;
}

/** What libvirt's description of a running VM says of it (Host.dumpxmls). */
export interface DomainFacts {
  readonly name: string | null;
  /** CPUs that are on. */
  readonly vcpus: number | null;
  readonly memoryMb: number | null;
  readonly devices: readonly ReportedDevice[];
  /** Serial of a disk as the guest sees it → its name in the guest. */
  readonly guestDisks: ReadonlyMap<string, string>;
}

/** One description, taken apart when it is asked for: there may be hundreds in one answer. */
export interface DomainReport {
  readonly vmId: string;
  /** Characters: how much there is to take apart. */
  readonly size: number;
  /** @throws SyntaxError when it cannot be read; the message is safe to log. */
  read(): DomainFacts;
}
