import type { ErrorCode, VurtiError } from '../../kernel/index.js';
import type { HostEndpoint } from '../../model/index.js';

/** What is likely wrong, and what to try, most useful first. */
export interface Diagnosis {
  readonly likely: string;
  readonly tries: readonly string[];
}

const onHost = (command: string): string => `on the host: ${command}`;
const AGENT_STATE = onHost('systemctl status vdsmd');

const byCode: Partial<Record<ErrorCode, (host: HostEndpoint) => Diagnosis>> = {
  AGENT_CERT_REFUSED: () => ({
    likely: 'the agent does not trust our certificate: another CA signed it, it has ended, or none is configured.',
    tries: ['let the CA of the agents sign our certificate (agents.tls.certFile)', onHost('ls /etc/pki/vdsm/certs')],
  }),
  AGENT_UNKNOWN_HOST: ({ address }) => ({
    likely: 'the name is misspelt, or the name service of this machine does not know it.',
    tries: [`getent hosts ${address}`, 'write its IP address into the settings'],
  }),
  AGENT_RECOVERING: () => ({
    likely: 'the agent was started a moment ago and re-adopts its VMs; that takes 10 to 60 s, longer with many VMs.',
    tries: ['again in a minute', onHost('journalctl -u vdsmd -n 100')],
  }),
  AGENT_BUSY: () => ({
    likely: 'all workers of the agent are taken: its other clients ask too much, or its storage hangs.',
    tries: ['again in a minute', onHost('journalctl -u vdsmd -n 100')],
  }),
  AGENT_ANSWER_TOO_LARGE: () => ({
    likely: 'the answer is larger than agents.maxAnswerMiB, or it is not an agent that answers.',
    tries: ['raise agents.maxAnswerMiB if the host has very many VMs'],
  }),
  AGENT_TIMEOUT: () => ({
    likely: 'the agent is there and does not get to its answer: it is overloaded, or its storage hangs.',
    tries: [onHost('journalctl -u vdsmd -n 100'), onHost('top; multipath -ll')],
  }),
  AGENT_ERROR: () => ({
    likely: 'the agent refuses this method; it may be older or newer than what vurti knows.',
    tries: [onHost('rpm -q vdsm'), onHost('journalctl -u vdsmd -n 100')],
  }),
};

function ofConnect({ address, port }: HostEndpoint, error: VurtiError): Diagnosis {
  const { code } = (error.cause ?? {}) as { code?: unknown };
  if (code === 'ECONNREFUSED') {
    return {
      likely: 'the host is there, but nothing listens on this port: the agent does not run, or it is another port.',
      tries: [AGENT_STATE, onHost(`ss -ltn | grep ${port}`)],
    };
  }
  return {
    likely: 'the host is off, or a firewall stands between.',
    tries: [`ping ${address}`, 'console or BMC', AGENT_STATE],
  };
}

function ofTls(error: VurtiError): Diagnosis {
  const { message } = error;
  if (/expired/.test(message)) {
    return {
      likely: 'the agent’s certificate has ended.',
      tries: ['renew it (in an engine: Installation → Enroll Certificate)', 'is the clock of this machine right?'],
    };
  }
  if (/altnames|does not match/i.test(message)) {
    return {
      likely: 'the agent’s certificate bears another name than the address we use.',
      tries: ['use the name in the certificate as address', 'agents.tls.checkHostName: false, as an engine does'],
    };
  }
  if (/wrong version number|packet length/i.test(message)) {
    return {
      likely: 'what listens there does not speak TLS.',
      tries: ['plain: true for this host, if its agent is set to ssl = false', 'is the port right?'],
    };
  }
  return {
    likely: 'the agent’s certificate was not signed by the CA in agents.tls.caFile.',
    tries: ['take the CA that signed it (of an engine: /etc/pki/ovirt-engine/ca.pem)', 'is it the right host?'],
  };
}

export function diagnose(step: string, error: VurtiError, host: HostEndpoint): Diagnosis {
  const known = byCode[error.code];
  if (known !== undefined) return known(host);
  if (step === 'connect') return ofConnect(host, error);
  if (error.code === 'AGENT_TLS') return ofTls(error);
  if (step === 'tls' || step === 'stomp') {
    return {
      likely:
        host.tls === null
          ? 'the agent wants TLS, or something else listens on this port.'
          : 'the agent does not accept our certificate, does not speak TLS, or something else listens on this port.',
      tries: [onHost('journalctl -u vdsmd -n 100'), 'check agents.tls, plain and the port of the host'],
    };
  }
  if (step === 'heart-beat') {
    return {
      likely: 'the agent hangs between requests, or a firewall drops quiet connections.',
      tries: [onHost('journalctl -u vdsmd -n 100')],
    };
  }
  return { likely: 'the agent does not answer as its protocol promises.', tries: [onHost('rpm -q vdsm'), AGENT_STATE] };
}
