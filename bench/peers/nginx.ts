import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { accepting, freePort, launch, untilReady } from '../process.ts'
import { type Peer, checkInstalled, debianVersion } from './peer.ts'

const STREAM_MODULE = '/usr/lib/nginx/modules/ngx_stream_module.so'

/** nginx as a plain TCP relay to the origin: no SOCKS5, no users; one worker, default buffers, no log. */
export const nginx: Peer = {
  name: 'nginx-stream',
  mode: 'raw',
  check: () => checkInstalled('nginx', 'nginx libnginx-mod-stream'),
  version: () => debianVersion('nginx'),
  async start({ dir, originPort }) {
    const port = await freePort()
    const config = join(dir, 'nginx.conf')
    writeFileSync(config, configure(dir, port, originPort))
    const errorLog = join(dir, 'nginx-error.log')
    const program = launch('nginx', ['-p', dir, '-c', config, '-e', errorLog], join(dir, 'nginx.log'))
    return { program, port: await untilReady(program, () => accepting(port)) }
  },
}

const configure = (dir: string, port: number, originPort: number): string => `
${existsSync(STREAM_MODULE) ? `load_module ${STREAM_MODULE};` : ''}
daemon off;
worker_processes 1;
pid ${dir}/nginx.pid;
events { worker_connections 16384; }
stream {
  server {
    listen 127.0.0.1:${port};
    proxy_pass 127.0.0.1:${originPort};
  }
}
`
