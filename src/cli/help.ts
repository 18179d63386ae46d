/** Each --help begins with three examples: most people need no more of it. */
export const examples: Readonly<Record<string, readonly [string, string, string]>> = {
  vurti: [
    'vurti serve --demo            # a simulated fleet, nothing to configure',
    'vurti status                  # what is wrong, since when, why',
    'vurti tail -f -p warning      # follow the events',
  ],
  serve: [
    'vurti serve --demo                             # 20 simulated hosts, 400 VMs',
    'vurti serve --config /etc/vurti/vurti.yaml     # real hosts',
    'vurti serve --demo --hosts 50 --vms 2000       # a larger demo',
  ],
  sinks: ['vurti sinks', 'vurti sinks -o json', 'vurti sinks -o name'],
  reload: [
    'vurti reload                      # names what has changed, and what needs a restart',
    'vurti config check && vurti reload',
    'vurti reload --accept-removals    # most hosts of a source are gone, and that is right',
  ],
  simulate: [
    'vurti simulate --hosts 5 --vms 50              # agents to poll, and settings for them',
    'vurti simulate --tls --write lab.yaml          # certificates in lab-pki/; then: vurti serve --config lab.yaml',
    'vurti simulate --faults storm --port 54321     # on 127.0.1.1, 127.0.1.2 … as on real hosts',
  ],
  intents: [
    'vurti intents                 # advice that nobody has followed yet',
    'vurti intents --type destroy,autoRun -o wide',
    'vurti intents ack autoRun:0f3c',
  ],
  'intents list': ['vurti intents list', 'vurti intents list --host kvm-07', 'vurti intents list -o name'],
  'intents ack': [
    'vurti intents ack autoRun:0f3c',
    'vurti intents ack $(vurti intents -o name --type initVdsOnUp | cut -d/ -f2)',
    'vurti intents ack destroy:0f3c -q',
  ],
  status: [
    'vurti status',
    'vurti status -w               # again every 2 s',
    'vurti status --check -q       # exit 1 when something is wrong',
  ],
  hosts: [
    'vurti hosts --status NonResponsive,Connecting',
    'vurti hosts add kvm-09 10.0.4.19 --cluster prod',
    'vurti hosts maintenance kvm-09 --reason "new disks"',
  ],
  'hosts list': ['vurti hosts list', 'vurti hosts list --cluster prod -o wide', 'vurti hosts list --status Up -o name'],
  'hosts add': [
    'vurti hosts add kvm-09 10.0.4.19',
    'vurti hosts add kvm-09 kvm-09.example.com --cluster prod',
    'vurti hosts add lab-01 10.0.9.1 --port 8000',
  ],
  'hosts remove': [
    'vurti hosts remove kvm-09',
    'vurti hosts remove kvm-09 --yes',
    'vurti hosts remove kvm-09 --yes -q',
  ],
  'hosts activate': [
    'vurti hosts activate kvm-09',
    'vurti hosts activate kvm-09 -q',
    'vurti hosts activate kvm-09 -o json',
  ],
  'hosts confirm-rebooted': [
    'vurti hosts confirm-rebooted kvm-07            # after a look at its console',
    'vurti hosts confirm-rebooted kvm-07 --yes',
    'vurti hosts confirm-rebooted kvm-07 --yes && vurti vms --status Down',
  ],
  'hosts maintenance': [
    'vurti hosts maintenance kvm-09',
    'vurti hosts maintenance kvm-09 --reason "new disks"',
    'vurti hosts activate kvm-09                    # ends it',
  ],
  vms: [
    'vurti vms --status Paused,Unknown',
    'vurti vms --host kvm-07 -o wide',
    'vurti vms --cluster prod -o json | jq .items[].name',
  ],
  tail: [
    'vurti tail -f -p warning                       # follow: warnings and worse',
    'vurti tail --since "2h ago" --host kvm-07 -x   # with the cause of each',
    'vurti tail -o ndjson --cursor-file seen        # only what is new since last time',
  ],
  explain: ['vurti explain vm web-03', 'vurti explain host kvm-07', 'vurti explain vm 4a5b --json'],
  doctor: ['vurti doctor kvm-07', 'vurti doctor --all', 'vurti doctor --all --json'],
  certs: ['vurti certs init', 'vurti certs init lab-pki', 'vurti certs init --agent kvm-01=10.0.4.11'],
  'certs init': [
    'vurti certs init                                  # pki/ca.pem, pki/vurti.cer, pki/vurti.key',
    'vurti certs init lab-pki',
    'vurti certs init --agent kvm-01=10.0.4.11 kvm-02  # and files for these agents',
  ],
  tokens: ['vurti tokens list', 'vurti tokens add grafana --scope read', 'vurti tokens remove grafana'],
  'tokens add': [
    'vurti tokens add grafana --scope read',
    'vurti tokens add prometheus > /etc/prometheus/vurti.token',
    'vurti tokens add automation --scope admin --json | jq -r .item.token',
  ],
  'tokens list': ['vurti tokens list', 'vurti tokens list -o name', 'vurti tokens list --json'],
  'tokens remove': [
    'vurti tokens remove grafana      # refused from the next request on',
    'vurti tokens remove grafana -q',
    'vurti tokens remove grafana && vurti tokens add grafana',
  ],
  raw: [
    'vurti raw kvm-07 Host.getAllVmStats --vm web-03',
    'vurti raw kvm-07 Host.getCapabilities --json | jq .item.result.software_version',
    'vurti raw kvm-07 Host.dumpxmls --vm web-03',
  ],
  bundle: [
    'vurti bundle                              # status, settings, the last 1,000 events',
    'vurti bundle --host kvm-07 --vm web-03    # and why these are in their status',
    'vurti bundle --file /tmp/case-4711.tar.gz',
  ],
  completion: [
    'source <(vurti completion bash)',
    'vurti completion zsh > ~/.zfunc/_vurti        # a folder of your $fpath',
    'vurti completion fish > ~/.config/fish/completions/vurti.fish',
  ],
  poke: ['vurti poke kvm-07', 'vurti poke kvm-07 kvm-08', 'vurti poke kvm-07 && vurti explain host kvm-07'],
  config: ['vurti config check', 'vurti config show --origin', 'vurti config show -o json'],
  'config check': [
    'vurti config check',
    'vurti config check --config new.yaml',
    'vurti config check -q && systemctl restart vurti',
  ],
  'config show': ['vurti config show', 'vurti config show --origin', 'vurti config show --config new.yaml -o json'],
  wait: ['vurti wait serving', 'vurti wait synced --timeout 120', 'vurti wait serving && vurti vms'],
  migrate: [
    'vurti migrate --plan             # steps, rows, locks; changes nothing',
    'vurti migrate --plan --json | jq .upToDate',
    'vurti migrate                    # serve does the same at its start',
  ],
  version: ['vurti version', 'vurti version --json', 'vurti --version'],
};
