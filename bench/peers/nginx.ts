import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { accepting, freePort, launch, untilReady } from '../process.ts'
import { type Peer, checkInstalled, debianVersion } from './peer.ts'

const STREAM_MODULE = '/usr/lib/nginx/modules/ngx_stream_module.so'

/** nginx with one worker, default buffers and no log. It knows no users, and only the one origin. */
function nginxWith(
  parts: Pick<Peer, 'name' | 'mode'> & { config: (port: number, origin: number) => string },
): Peer {
  return {
    name: parts.name,
    mode: parts.mode,
    check: () => checkInstalled('nginx', 'nginx libnginx-mod-stream'),
    version: () => debianVersion('nginx'),
    async start({ dir, originPort }) {
      const port = await freePort()
      const config = join(dir, `${parts.name}.conf`)
      writeFileSync(config, main(dir) + parts.config(port, originPort))
      const errorLog = join(dir, 'nginx-error.log')
      const program = launch('nginx', ['-p', dir, '-c', config, '-e', errorLog], join(dir, 'nginx.log'))
      return { program, port: await untilReady(program, () => accepting(port)) }
    },
  }
}

const main = (dir: string): string => `
${existsSync(STREAM_MODULE) ? `load_module ${STREAM_MODULE};` : ''}
daemon off;
worker_processes 1;
pid ${dir}/nginx.pid;
events { worker_connections 32768; }
`

/** A plain TCP relay: no SOCKS5. */
export const nginx: Peer = nginxWith({
  name: 'nginx-stream',
  mode: 'raw',
  config: (port, origin) => `
stream {
  server {
    listen 127.0.0.1:${port};
    proxy_pass 127.0.0.1:${origin};
  }
}
`,
})

/** A plain relay of datagrams, and of TCP on the same port, by which one sees that it is up. */
export const nginxUdp: Peer = nginxWith({
  name: 'nginx-stream',
  mode: 'raw',
  config: (port, origin) => `
stream {
  server {
    listen 127.0.0.1:${port} udp;
    listen 127.0.0.1:${port};
    proxy_pass 127.0.0.1:${origin};
  }
}
`,
})

/** A reverse proxy that takes requests in absolute form, with kept connections to the origin. */
export const nginxHttp: Peer = nginxWith({
  name: 'nginx-reverse',
  mode: 'http',
  config: (port, origin) => `
http {
  access_log off;
  keepalive_requests 1000000000;
  upstream origin {
    server 127.0.0.1:${origin};
    keepalive 64;
    keepalive_requests 1000000000;
  }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://origin;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
    }
  }
}
`,
})
