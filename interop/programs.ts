import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { SING_BOX } from './sing-box.ts'

/** PATH with the folders where Debian keeps daemons, which users often lack. */
export const SEARCH_PATH: string = [process.env['PATH'] ?? '', '/usr/local/sbin', '/usr/sbin', '/sbin'].join(
  delimiter,
)

/** Debian's own, whose modules are those of its packages. */
export const PYTHON = '/usr/bin/python3'

/** Each foreign program, and the Debian package that has it. */
const PROGRAMS: Readonly<Record<string, string>> = {
  chromium: 'chromium',
  curl: 'curl',
  danted: 'dante-server',
  fish: 'fish',
  haproxy: 'haproxy',
  ip: 'iproute2',
  microsocks: 'microsocks',
  nc: 'netcat-openbsd',
  openssl: 'openssl',
  pebble: 'pebble',
  proxychains4: 'proxychains4',
  socat: 'socat',
  squid: 'squid',
  'ss-local': 'shadowsocks-libev',
  'ss-manager': 'shadowsocks-libev',
  'ss-server': 'shadowsocks-libev',
  'ss-tunnel': 'shadowsocks-libev',
  tinyproxy: 'tinyproxy',
  v2ray: 'v2ray',
  wrk: 'wrk',
  zsh: 'zsh',
}

const isInstalled = (program: string): boolean =>
  SEARCH_PATH.split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })

const hasModule = (name: string): boolean => spawnSync(PYTHON, ['-c', `import ${name}`]).status === 0

const hasPip = (): boolean => spawnSync(PYTHON, ['-m', 'pip', '--version']).status === 0

const isOpenBsdNc = (): boolean =>
  spawnSync('nc', ['-h'], { encoding: 'utf8' }).stderr.includes('-X proxy_protocol')

/** What is missing, one line each. */
export const missingPrograms = (): string[] => {
  const missing = Object.entries(PROGRAMS).filter(([program]) => !isInstalled(program))
  const lines = missing.map(([program, pack]) => `${program} (Debian: ${pack})`)
  if (!hasModule('socks')) lines.push(`PySocks for ${PYTHON} (Debian: python3-socks)`)
  if (!hasModule('cryptography')) lines.push(`cryptography for ${PYTHON} (Debian: python3-cryptography)`)
  if (isInstalled('nc') && !isOpenBsdNc()) lines.push('nc is not that of OpenBSD (Debian: netcat-openbsd)')
  if (!existsSync(SING_BOX) && !hasPip()) lines.push(`pip for ${PYTHON} (Debian: python3-pip)`)
  return lines
}
