import { execFileSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { LOAD_CORE, type Program, accepting, launch, untilReady } from '../process.ts'

/** Who answers the proxies' requests; a program of its own on the load's core. */
export interface Origin {
  /** Of nginx: without it, https. */
  scheme?: 'http'
  /** Milliseconds until it answers, evenly spread around the middle; without it, at once. */
  service?: Service
}

export interface Service {
  middle: number
  /** How much sooner or later than the middle at most. */
  spread: number
}

/** What origins prove themselves by. */
export interface Certificate {
  /** The authority's certificate. */
  ca: string
  cert: string
  key: string
}

const BODY = 'x'.repeat(1024)
const NAMES = 'subjectAltName=IP:127.0.0.1,DNS:localhost'

/** A certificate of an authority of its own, made once in a folder; the files' names. */
export function certificate(dir: string): Certificate {
  const [ca, caKey, cert, key] = ['ca.pem', 'ca.key', 'origin.pem', 'origin.key'].map((name) =>
    join(dir, name),
  )
  const made = { ca: ca ?? '', cert: cert ?? '', key: key ?? '' }
  if (existsSync(made.cert)) return made
  const fresh = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '30']
  openssl('req', '-x509', ...fresh, '-subj', '/CN=bench CA', '-keyout', caKey ?? '', '-out', made.ca)
  const signed = [
    '-CA',
    made.ca,
    '-CAkey',
    caKey ?? '',
    '-addext',
    NAMES,
    '-addext',
    'basicConstraints=CA:false',
  ]
  openssl(
    'req',
    '-x509',
    ...fresh,
    '-subj',
    '/CN=localhost',
    ...signed,
    '-keyout',
    made.key,
    '-out',
    made.cert,
  )
  return made
}

const openssl = (...args: string[]): void => void execFileSync('openssl', args, { stdio: 'pipe' })

/** Starts an origin, with kept connections and an answer of some 1 KiB, or of how long it took where it takes time. */
export async function startOrigin(dir: string, port: number, origin: Origin): Promise<Program> {
  const program = origin.service ? delayed(dir, port, origin.service) : nginx(dir, port, origin)
  await untilReady(program, () => accepting(port))
  return program
}

function delayed(dir: string, port: number, service: Service): Program {
  const script = join(import.meta.dirname, '../load/delay-origin.ts')
  const order = JSON.stringify({ port, ...service, ...certificate(dir) })
  const args = ['--disable-warning=ExperimentalWarning', script, order]
  return launch(process.execPath, args, join(dir, `origin-${port}.log`), LOAD_CORE)
}

function nginx(dir: string, port: number, { scheme }: Origin): Program {
  const config = join(dir, `origin-${port}.conf`)
  writeFileSync(config, configure(dir, port, scheme !== 'http'))
  const args = ['-p', dir, '-c', config, '-e', join(dir, `origin-${port}-error.log`)]
  return launch('nginx', args, join(dir, `origin-${port}.log`), LOAD_CORE)
}

function configure(dir: string, port: number, isTls: boolean): string {
  const { cert, key } = certificate(dir)
  const tls = `ssl_certificate ${cert}; ssl_certificate_key ${key}; ssl_protocols TLSv1.2 TLSv1.3;`
  return `
daemon off;
worker_processes 1;
pid ${dir}/origin-${port}.pid;
events { worker_connections 16384; }
http {
  access_log off;
  keepalive_requests 1000000000;
  keepalive_timeout 1h;
  server {
    listen 127.0.0.1:${port} ${isTls ? 'ssl' : ''} backlog=4096;
    ${isTls ? tls : ''}
    default_type text/plain;
    location / { return 200 "${BODY}"; }
  }
}
`
}
