import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DomainXml } from '../../src/fetcher/decode/domain.js';
import { vmDeviceFields } from '../../src/model/index.js';
import { fixture } from './support/fixtures.js';
import { dirt, misfits } from './support/storable.js';

const read = (xml: string) => new DomainXml('v1', xml).read();
const devices = (xml: string) => read(`<domain><devices>${xml}</devices></domain>`).devices;

describe('a description that VDSM gave', () => {
  const [xml] = Object.values(fixture('captured/Host.dumpxmls')) as [string];

  it('says what the VM is', () => {
    expect(read(xml)).toMatchObject({ name: 'writer', vcpus: 1, memoryMb: 128 });
  });

  it('lists its devices, with where they sit', () => {
    expect(read(xml).devices.map(({ type, device, alias }) => [type, device, alias])).toEqual([
      ['disk', 'disk', 'virtio-disk0'],
      ['controller', 'usb', 'usb'],
      ['controller', 'pci', 'pci.0'],
      ['controller', 'virtio-serial', 'virtio-serial0'],
      ['channel', 'unix', 'channel0'],
      ['graphics', 'vnc', null],
      ['video', 'vga', 'video0'],
      ['balloon', 'memballoon', 'balloon0'],
    ]);
    expect(read(xml).devices[0]).toMatchObject({
      address: '{type=pci, domain=0x0000, bus=0x00, slot=0x04, function=0x0}',
      path: '/var/lib/images/writer.raw',
      id: null,
    });
    expect(read(xml).devices[2]?.address).toBeNull();
  });
});

describe('what a device is', () => {
  it.each([
    ["<disk device='cdrom'/>", 'disk', 'cdrom'],
    ['<disk/>', 'disk', 'disk'],
    ["<controller type='scsi' model='virtio-scsi'/>", 'controller', 'virtio-scsi'],
    ["<controller type='usb' model='qemu-xhci'/>", 'controller', 'usb'],
    ["<redirdev bus='usb' type='spicevmc'/>", 'redir', 'spicevmc'],
    ["<hostdev mode='subsystem' type='mdev'/>", 'hostdev', 'mdev'],
    ["<tpm model='tpm-crb'/>", 'tpm', 'tpm'],
    ["<rng model='virtio'/>", 'rng', 'virtio'],
    ['<video/>', 'video', null],
  ])('%s', (xml, type, device) => {
    expect(devices(xml)).toMatchObject([{ type, device }]);
  });

  it('is left out when no manager has it', () => {
    expect(devices("<emulator>/usr/bin/qemu</emulator><input type='mouse'/><__proto__/><constructor/>")).toEqual([]);
  });

  it('has its id from the alias that a manager gave, a disk from its serial too', () => {
    expect(devices("<video><alias name='ua-42'/></video>")[0]).toMatchObject({ id: '42', alias: 'ua-42' });
    expect(devices("<disk><serial>7c</serial><alias name='virtio-disk0'/></disk>")[0]?.id).toBe('7c');
    expect(devices("<video><serial>7c</serial><alias name='video0'/></video>")[0]?.id).toBeNull();
    expect(devices("<video><alias name='ua-'/></video>")[0]?.id).toBeNull();
  });

  it('sits at its own address, not at that of its source', () => {
    const hostdev = "<hostdev type='pci'><source><address domain='0x1'/></source></hostdev>";
    expect(devices(hostdev)[0]?.address).toBeNull();
  });
});

describe('what the VM is', () => {
  const of = (inner: string) => read(`<domain>${inner}</domain>`);

  it.each([
    ["<vcpu current='4'>16</vcpu>", 4],
    ['<vcpu> 3 </vcpu>', 3],
    ['<vcpu>many</vcpu>', null],
    ['<vcpu>-1</vcpu>', null],
    ['', null],
  ])('CPUs: %s', (inner, vcpus) => {
    expect(of(inner).vcpus).toBe(vcpus);
  });

  it.each([
    ["<memory unit='KiB'>2097152</memory>", 2048],
    ['<memory>1048576</memory>', 1024],
    ["<memory unit='GiB'>4</memory>", 4096],
    ["<memory unit='bytes'>1048575</memory>", 0],
    ["<memory unit='MB'>100</memory>", 95],
    ["<memory unit='toString'>4</memory>", null],
    ["<memory unit='TiB'>999999999999999</memory>", null],
    ['<memory>1e9</memory>', null],
  ])('memory: %s', (inner, memoryMb) => {
    expect(of(inner).memoryMb).toBe(memoryMb);
  });

  it('a name is storable text', () => {
    expect(of('<name>a &lt;b&gt; &amp; &#x1F600;</name>').name).toBe('a <b> & \u{1f600}');
    expect(of(`<name>${'x'.repeat(5000)}</name>`).name).toHaveLength(255);
    expect(of('<name>a\0b</name>').name).toBe('a\ufffdb');
    expect(of('<name><![CDATA[<web>]]></name>').name).toBe('<web>');
  });

  it('names of disks in the guest stand in the agent’s metadata', () => {
    const disk = (inner: string, type = 'disk') => `<ovirt-vm:device devtype="${type}">${inner}</ovirt-vm:device>`;
    const inner =
      disk('<ovirt-vm:imageID>7cfc</ovirt-vm:imageID><ovirt-vm:guestName>/dev/vda</ovirt-vm:guestName>') +
      disk('<ovirt-vm:GUID>360</ovirt-vm:GUID><ovirt-vm:guestName>/dev/vdb</ovirt-vm:guestName>') +
      disk('<ovirt-vm:imageID>none</ovirt-vm:imageID>') +
      disk('<ovirt-vm:imageID>nic</ovirt-vm:imageID><ovirt-vm:guestName>eth0</ovirt-vm:guestName>', 'interface');
    expect([...of(`<metadata><ovirt-vm:vm>${inner}</ovirt-vm:vm></metadata>`).guestDisks]).toEqual([
      ['7cfc', '/dev/vda'],
      ['360', '/dev/vdb'],
    ]);
  });
});

describe('hostile XML', () => {
  const bomb = `<!DOCTYPE domain [<!ENTITY a "${'x'.repeat(1000)}">${'bcdefgh'
    .split('')
    .map((name, i) => `<!ENTITY ${name} "${`&${'abcdefg'[i]};`.repeat(10)}">`)
    .join('')}]><domain><name>&h;</name></domain>`;

  it.each([
    ['a bomb of entities', bomb],
    [
      'a file of somebody else',
      '<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><domain><name>&x;</name></domain>',
    ],
    ['any document type', '<!DOCTYPE domain><domain/>'],
    ['an entity of no declaration', '<domain><name>&nbsp;</name></domain>'],
    ['an entity by the name of a member of all objects', '<domain><name>&constructor;</name></domain>'],
    ['a depth without end', '<a>'.repeat(100_000)],
    ['more elements than any VM has', `<domain>${'<a/>'.repeat(100_000)}</domain>`],
    ['megabytes', `<domain><name>${'x'.repeat(2_000_000)}</name></domain>`],
    ['an attribute of megabytes', `<domain a='${'x'.repeat(1_000_000)}'/>`],
    ['tags that do not close', '<domain><name></domain>'],
    ['an end in the middle', '<domain><name>web'],
    ['two documents', '<domain/><domain/>'],
    ['no XML', '{"domain":{}}'],
    ['nothing', ''],
    ['something else', '<network/>'],
  ])('%s is refused, in words that hold nothing of it', (_, xml) => {
    const start = performance.now();
    expect(() => read(xml)).toThrow(SyntaxError);
    expect(() => read(xml)).toThrow(/^the XML /);
    expect(performance.now() - start).toBeLessThan(2000);
  });

  it('changes no prototype', () => {
    const xml = "<__proto__ a='1'/><disk __proto__='x' constructor='y'><address __proto__='1' type='pci'/></disk>";
    expect(devices(xml)).toMatchObject([{ type: 'disk', address: '{__proto__=1, type=pci}' }]);
    expect(Object.keys(Object.prototype)).toEqual([]);
  });

  it('is cut to what a list may hold', () => {
    expect(devices('<video/>'.repeat(5000))).toHaveLength(2048);
  });

  const [sample] = Object.values(fixture('captured/Host.dumpxmls')) as [string];

  it('is refused or read into what can be stored, whatever is put into it', () => {
    const splice = fc.tuple(
      fc.nat(sample.length),
      fc.nat(40),
      fc.oneof(
        fc.string({ unit: 'binary', maxLength: 40 }),
        fc.constantFrom(
          '<',
          '>',
          "'",
          '&',
          '\0',
          '\ud800',
          ']]>',
          '<![CDATA[',
          '<!--',
          '<?x?>',
          "ua-'",
          '&#0;',
          '&#xd800;',
        ),
      ),
    );
    fc.assert(
      fc.property(fc.array(splice, { minLength: 1, maxLength: 3 }), (splices) => {
        let xml = sample;
        for (const [at, length, text] of splices) xml = xml.slice(0, at) + text + xml.slice(at + length);
        try {
          const { name, devices: list, guestDisks } = read(xml);
          const rows = list.map((device) => ({ ...device, path: undefined, id: device.id ?? 'x' }));
          const wrong = rows.flatMap(({ path: _, ...row }) => misfits(vmDeviceFields, row));
          expect([...wrong, ...dirt('name', name), ...dirt('disks', [...guestDisks])]).toEqual([]);
        } catch (error) {
          expect(error).toBeInstanceOf(SyntaxError);
        }
      }),
      { numRuns: 500 },
    );
  });
});
