import { spawnSync } from 'node:child_process'
import { SEARCH_PATH } from './programs.ts'

const ip = (...args: string[]): void => {
  const { status, stderr, error } = spawnSync('ip', args, { encoding: 'utf8', env: { PATH: SEARCH_PATH } })
  if (error !== undefined) throw error
  if (status !== 0) throw new Error(`ip ${args.join(' ')}: ${stderr}`)
}

/** A network of its own on this machine: loopback, and cables to others. Wants root. */
export class NetSpace implements Disposable {
  readonly name: string
  /** In front of a command that is to run there. */
  readonly within: readonly string[]

  constructor(name: string) {
    this.name = `${name}-${process.pid}`
    this.within = ['ip', 'netns', 'exec', this.name]
    ip('netns', 'add', this.name)
    ip('-n', this.name, 'link', 'set', 'lo', 'up')
  }

  /** A cable; each end has one address, and neither has a way to anywhere else. @returns the other's address */
  connect(other: NetSpace, net: number): string {
    const [near, far] = [`near${net}`, `far${net}`]
    ip('link', 'add', near, 'netns', this.name, 'type', 'veth', 'peer', 'name', far, 'netns', other.name)
    ip('-n', this.name, 'addr', 'add', `198.18.${net}.1/30`, 'dev', near)
    ip('-n', other.name, 'addr', 'add', `198.18.${net}.2/30`, 'dev', far)
    ip('-n', this.name, 'link', 'set', near, 'up')
    ip('-n', other.name, 'link', 'set', far, 'up')
    // Whatever goes elsewhere goes to the other end, which passes nothing on.
    ip('-n', this.name, 'route', 'add', 'default', 'via', `198.18.${net}.2`)
    return `198.18.${net}.2`
  }

  [Symbol.dispose](): void {
    ip('netns', 'del', this.name)
  }
}
