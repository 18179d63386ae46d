import type { Domain } from './entities.js';

const xmlText = (text: string): string =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll("'", '&apos;')
    .replaceAll('"', '&quot;');

/** libvirt's description of a running VM, as Host.dumpxmls gives it. */
export function domainXml(domain: Domain): string {
  const { machine, host, tap, order } = domain;
  const { role } = machine;
  const kib = role.memoryMb * 1024;
  const disks = machine.disks.map(
    (disk, n) => `    <disk type='block' device='disk' snapshot='no'>
      <driver name='qemu' type='qcow2' cache='none' error_policy='stop' io='native'/>
      <source dev='${xmlText(disk.path)}' index='${n + 1}'/>
      <target dev='${disk.device}' bus='scsi'/>
      <serial>${disk.imageId}</serial>
      <alias name='ua-${disk.imageId}'/>
      <address type='drive' controller='0' bus='0' target='0' unit='${n}'/>
    </disk>`,
  );
  const nics = machine.nics.map(
    ({ mac }, n) => `    <interface type='bridge'>
      <mac address='${mac}'/>
      <source bridge='vmnet'/>
      <target dev='vnet${tap + n}'/>
      <model type='virtio'/>
      <alias name='net${n}'/>
      <address type='pci' domain='0x0000' bus='0x0${n + 1}' slot='0x00' function='0x0'/>
    </interface>`,
  );
  // A device that comes and goes is a watchdog here: it is what makes the fingerprint another one.
  const extra = machine.devices % 2 === 0 ? [] : ["    <watchdog model='i6300esb' action='reset'/>"];
  return `<domain type='kvm' id='${order}'>
  <name>${xmlText(machine.name)}</name>
  <uuid>${machine.id}</uuid>
  <metadata>
    <ovirt-vm:vm xmlns:ovirt-vm="http://ovirt.org/vm/1.0">
      <ovirt-vm:clusterVersion>4.7</ovirt-vm:clusterVersion>
      <ovirt-vm:memGuaranteedSize type="int">${role.memoryMb / 2}</ovirt-vm:memGuaranteedSize>
    </ovirt-vm:vm>
  </metadata>
  <memory unit='KiB'>${kib}</memory>
  <currentMemory unit='KiB'>${kib}</currentMemory>
  <vcpu placement='static' current='${role.vcpus}'>16</vcpu>
  <os>
    <type arch='x86_64' machine='pc-q35-rhel9.4.0'>hvm</type>
    <boot dev='hd'/>
  </os>
  <features>
    <acpi/>
  </features>
  <cpu mode='custom' match='exact' check='full'>
    <model fallback='forbid'>Cascadelake-Server-noTSX</model>
    <topology sockets='16' dies='1' cores='1' threads='1'/>
  </cpu>
  <clock offset='variable' adjustment='0' basis='utc'/>
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>restart</on_reboot>
  <on_crash>destroy</on_crash>
  <devices>
    <emulator>/usr/libexec/qemu-kvm</emulator>
    <disk type='file' device='cdrom'>
      <driver name='qemu' error_policy='report'/>
      <source startupPolicy='optional'/>
      <target dev='sdc' bus='sata'/>
      <readonly/>
    </disk>
${[...disks, ...nics, ...extra].join('\n')}
    <channel type='unix'>
      <target type='virtio' name='org.qemu.guest_agent.0' state='${domain.guestUp ? 'connected' : 'disconnected'}'/>
      <alias name='channel0'/>
    </channel>
    <graphics type='vnc' port='${5900 + domain.display}' autoport='yes' listen='${host.address}'>
      <listen type='network' address='${host.address}' network='vdsm-ovirtmgmt'/>
    </graphics>
    <memballoon model='virtio'>
      <stats period='5'/>
      <alias name='balloon0'/>
    </memballoon>
  </devices>
</domain>
`;
}
