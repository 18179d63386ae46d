import { type Random, randomInt } from '../kernel/index.js';
import { pick } from './chance.js';
import type { Role } from './roles.js';
import { json, quote } from './text.js';

/** An operating system as its guest agent describes it. */
interface GuestOs {
  readonly kernel: string;
  readonly info: Readonly<Record<'type' | 'arch' | 'kernel' | 'distribution' | 'version' | 'codename', string>>;
  readonly apps: readonly string[];
  readonly users: readonly string[];
  readonly fs: string;
  readonly paths: readonly string[];
}

function linux(
  distribution: string,
  version: string,
  codename: string,
  kernel: string,
  apps: readonly string[],
): GuestOs {
  return {
    kernel,
    info: { type: 'linux', arch: 'x86_64', kernel, distribution, version, codename },
    apps: [`kernel-${kernel}`, ...apps],
    users: ['root', 'admin', 'deploy', 'anna', 'jonas'],
    fs: 'xfs',
    paths: ['/', '/boot'],
  };
}

const el9 = ['qemu-guest-agent-8.2.0-12.el9.x86_64', 'cloud-init-23.4-19.el9.noarch', 'chrony-4.6.1-1.el9.x86_64'];
const deb = ['qemu-guest-agent-1:7.2+dfsg-7', 'cloud-init-22.4.2-1', 'openssh-server-1:9.2p1-2', 'chrony-4.3-2'];

const systems: readonly GuestOs[] = [
  linux('CentOS Stream', '9', '', '5.14.0-427.el9.x86_64', [...el9, 'openssh-server-8.7p1-43.el9.x86_64']),
  linux('Red Hat Enterprise Linux', '9.5', 'Plow', '5.14.0-503.11.1.el9_5.x86_64', [...el9, 'insights-client-3.2.8']),
  linux('Debian GNU/Linux', '12', 'bookworm', '6.1.0-28-amd64', deb),
  linux('Ubuntu', '22.04', 'jammy', '5.15.0-130-generic', [...deb, 'ubuntu-server-1.481']),
];
const windows: GuestOs = {
  kernel: 'Win 2022',
  info: {
    type: 'mswindows',
    arch: 'x86_64',
    kernel: '20348',
    distribution: 'Microsoft Windows Server 2022',
    version: '2022',
    codename: '',
  },
  apps: ['QEMU guest agent 108.0.2', 'Virtio-win-driver-installer 0.1.262', 'Microsoft Edge 131.0.2903.112'],
  users: ['Administrator', 'EXAMPLE\\backup', 'EXAMPLE\\anna'],
  fs: 'NTFS',
  paths: ['C:\\', 'D:\\'],
};

/** What the guest agent of a VM says; it changes seldom, so its text is kept. */
export class Guest {
  readonly #os: GuestOs;
  readonly #fqdn: string;
  readonly #cpus: number;
  readonly #macs: readonly string[];
  readonly #diskBytes: number;
  #ips: readonly string[];
  #user: string | null;
  #apps: readonly string[];
  #text: string | null = null;

  constructor(random: Random, name: string, index: number, role: Role, macs: readonly string[]) {
    this.#os = role.windows ? windows : pick(random, systems);
    this.#fqdn = `${name.toLowerCase()}.example.test`;
    this.#cpus = role.vcpus;
    this.#macs = macs;
    this.#diskBytes = role.diskGiB * 2 ** 30;
    this.#ips = macs.map((_, nic) => `10.${20 + nic}.${(index >> 8) & 255}.${index & 255}`);
    this.#user = random.next() < 0.25 ? pick(random, this.#os.users) : null;
    this.#apps = [...this.#os.apps, ...role.apps];
  }

  /** Something in the guest changes; says what, for the fleet's log. */
  change(random: Random): string {
    this.#text = null;
    const kind = randomInt(random, 0, 2);
    if (kind === 0) {
      this.#user = this.#user === null ? pick(random, this.#os.users) : null;
      return this.#user === null ? 'its user logs off' : `${this.#user} logs on`;
    }
    if (kind === 1) {
      const first = this.#ips[0] ?? '10.20.0.1';
      const extra = `10.30.${randomInt(random, 0, 255)}.${randomInt(random, 1, 254)}`;
      const grown = this.#ips.length <= this.#macs.length;
      this.#ips = grown ? [...this.#ips, extra] : [first, ...this.#ips.slice(1, this.#macs.length)];
      return grown ? `gets the address ${extra}` : 'gives an address back';
    }
    const release = randomInt(random, 1, 40);
    const updated = this.#apps.filter((name) => !name.startsWith('security-updates-'));
    this.#apps = [...updated, `security-updates-2026.${release}`];
    return `installs security-updates-2026.${release}`;
  }

  logOn(user: string): void {
    this.#text = null;
    this.#user = user;
  }

  /** Members of the VM's stats that come from the guest agent and are not measured. */
  text(): string {
    this.#text ??= this.#render();
    return this.#text;
  }

  /** `disksUsage` for the given work: file systems fill slowly and never quite. */
  disksUsage(fullness: number): string {
    const { paths, fs } = this.#os;
    const root = Math.floor((this.#diskBytes * fullness) / 4096) * 4096;
    const first = `{"path":${quote(paths[0] ?? '/')},"total":${this.#diskBytes},"used":${root},"fs":"${fs}"}`;
    return `[${first},{"path":${quote(paths[1] ?? '/boot')},"total":1063256064,"used":312475648,"fs":"${fs}"}]`;
  }

  #render(): string {
    const lo = { name: 'lo', inet: ['127.0.0.1'], inet6: ['::1'], hw: '00:00:00:00:00:00' };
    const nics = this.#macs.map((hw, nic) => ({
      name: `eth${nic}`,
      inet: this.#ips.filter((_, i) => i % this.#macs.length === nic),
      inet6: [linkLocal(hw)],
      hw,
    }));
    const members = json({
      username: this.#user ?? 'None',
      session: this.#user === null ? 'LoggedOff' : 'UserLoggedOn',
      guestCPUCount: this.#cpus,
      appsList: this.#apps,
      guestIPs: this.#ips.join(' '),
      guestFQDN: this.#fqdn,
      guestName: this.#fqdn,
      guestOs: this.#os.kernel,
      guestOsInfo: this.#os.info,
      guestTimezone: { offset: 60, zone: 'CET' },
      netIfaces: [lo, ...nics],
      pci_devices: [],
    });
    return members.slice(1, -1);
  }
}

/** The same members when no agent talks: it is not installed, or the guest has not come up. */
export const silentGuest =
  '"username":"Unknown","session":"Unknown","guestCPUCount":-1,"appsList":[],"guestIPs":"","guestFQDN":""';

function linkLocal(mac: string): string {
  const b = mac.split(':').map((part) => Number.parseInt(part, 16));
  const hex = (high: number, low: number): string => ((high << 8) | low).toString(16);
  const [b0 = 0, b1 = 0, b2 = 0, b3 = 0, b4 = 0, b5 = 0] = b;
  return `fe80::${hex(b0 ^ 2, b1)}:${hex(b2, 0xff)}:${hex(0xfe, b3)}:${hex(b4, b5)}`;
}
