/** What the VMs of the fleet are for: it decides their names, their size and how they behave. */
export interface Role {
  readonly name: string;
  readonly vcpus: number;
  readonly memoryMb: number;
  /** Per cent of one vCPU, on average. */
  readonly cpu: number;
  /** Per cent of the guest's memory in use. */
  readonly memoryPercent: number;
  /** Bytes per second on average. */
  readonly rx: number;
  readonly tx: number;
  readonly read: number;
  readonly write: number;
  readonly diskGiB: number;
  /** A second disk for data; 0 = none. */
  readonly dataGiB: number;
  readonly ha: boolean;
  readonly windows: boolean;
  readonly apps: readonly string[];
}

const KB = 1000;
const MB = 1_000_000;

type Shape = Partial<Omit<Role, 'name' | 'vcpus' | 'memoryMb'>>;

const role = (name: string, vcpus: number, memoryMb: number, shape: Shape): Role => ({
  name,
  vcpus,
  memoryMb,
  cpu: 8,
  memoryPercent: 45,
  rx: 40 * KB,
  tx: 40 * KB,
  read: 20 * KB,
  write: 60 * KB,
  diskGiB: 20,
  dataGiB: 0,
  ha: false,
  windows: false,
  apps: [],
  ...shape,
});

const web = role('web', 2, 4096, { cpu: 14, rx: 300 * KB, tx: 2 * MB, ha: true, apps: ['nginx-1.24.0-4.el9.x86_64'] });
const app = role('app', 4, 8192, { cpu: 18, rx: 500 * KB, tx: 400 * KB, apps: ['java-17-openjdk-17.0.14.0.7-2.el9'] });
const db = role('db', 4, 16384, {
  cpu: 16,
  memoryPercent: 71,
  read: 2 * MB,
  write: 4 * MB,
  diskGiB: 40,
  dataGiB: 200,
  ha: true,
  apps: ['postgresql-server-16.8-1.el9.x86_64'],
});
const cache = role('cache', 2, 8192, {
  cpu: 9,
  memoryPercent: 66,
  rx: MB,
  tx: 3 * MB,
  apps: ['redis-7.2.7-1.el9.x86_64'],
});
const mq = role('mq', 2, 4096, {
  cpu: 10,
  rx: 600 * KB,
  tx: 600 * KB,
  ha: true,
  apps: ['rabbitmq-server-3.13.7-1.el9'],
});
const mail = role('mail', 2, 4096, { write: 300 * KB, dataGiB: 100, ha: true, apps: ['postfix-3.5.25-1.el9.x86_64'] });
const ldap = role('ldap', 1, 2048, { cpu: 4, ha: true, apps: ['389-ds-base-2.6.1-8.el9.x86_64'] });
const dns = role('dns', 1, 1024, { cpu: 3, ha: true, apps: ['bind-9.16.23-29.el9.x86_64'] });
const proxy = role('proxy', 2, 2048, { cpu: 11, rx: 3 * MB, tx: 3 * MB, apps: ['haproxy-2.8.14-1.el9.x86_64'] });
const file = role('file', 2, 8192, { read: MB, write: MB, tx: MB, dataGiB: 500, windows: true });
const erp = role('erp', 4, 16384, { cpu: 12, memoryPercent: 62, ha: true, windows: true });
const log = role('log', 4, 8192, {
  cpu: 22,
  rx: 2 * MB,
  write: 5 * MB,
  dataGiB: 300,
  apps: ['opensearch-2.19.1-1.x86_64'],
});
const mon = role('mon', 2, 4096, { cpu: 17, rx: 400 * KB, write: MB, apps: ['prometheus-2.53.4-1.el9.x86_64'] });
const git = role('git', 2, 4096, { read: 500 * KB, write: 200 * KB, dataGiB: 100, apps: ['git-2.47.1-2.el9.x86_64'] });
const wiki = role('wiki', 1, 2048, { cpu: 5, apps: ['httpd-2.4.62-4.el9.x86_64'] });
const build = role('build', 4, 8192, {
  cpu: 35,
  memoryPercent: 58,
  read: 3 * MB,
  write: 3 * MB,
  apps: ['gcc-11.5.0-5.el9.x86_64'],
});
const ci = role('ci', 2, 4096, { cpu: 25, write: MB, apps: ['podman-5.2.2-13.el9.x86_64'] });
const test = role('test', 1, 2048, { cpu: 6 });
const dev = role('dev', 2, 4096, { cpu: 7, apps: ['python3.12-3.12.9-1.el9.x86_64'] });

/** Dealt out in turn, so that `web-03` and `db-02` exist in every fleet of some size, whatever its seed. */
const production: readonly Role[] = [
  ...[web, app, db, web, cache, app, web, db, mq, proxy, app, mail, web, log, db, dns, file, web, ldap],
  ...[mon, app, git, erp, web, wiki, db, app],
];
const laboratory: readonly Role[] = [build, test, dev, ci, test, build, dev, web, db, test];

/** The role of the n-th VM of a cluster. */
export function roleFor(cluster: string, n: number): Role {
  const roles = /lab|test|dev|stag/.test(cluster) ? laboratory : production;
  return roles[n % roles.length] as Role;
}
