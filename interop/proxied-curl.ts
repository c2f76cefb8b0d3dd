import { run } from './process.ts'

/** How long a download is watched. */
const SECONDS = 4

/** curl through a listener, as one user. */
export class ProxiedCurl {
  readonly #way: string[]

  constructor(login: string, ...way: string[]) {
    this.#way = [...way, '--proxy-user', login, '--noproxy', '', '-sS']
  }

  /** What `-w` says, split at blanks. */
  async #write(format: string, target: string, flags: string[]): Promise<string[]> {
    const args = [...this.#way, '-o', '/dev/null', '-w', format, ...flags, target]
    return (await run('curl', args)).stdout.toString().split(' ')
  }

  /** Status and code of the answer. */
  status(target: string, ...flags: string[]): Promise<string[]> {
    return this.#write('%{http_code} %header{sluice-code}', target, flags)
  }

  /** The address that a mirror was asked from; empty where it was not. */
  async source(target: string): Promise<string> {
    return (await run('curl', [...this.#way, target])).stdout.toString()
  }

  /** Bytes per second of a download that goes on for a while. */
  async down(target: string): Promise<number> {
    const flags = ['--max-time', String(SECONDS)]
    return Number((await this.#write('%{size_download}', target, flags))[0]) / SECONDS
  }

  /** Bytes per second of the whole upload. */
  async up(file: string, target: string): Promise<number> {
    const flags = ['-T', file, '-H', 'Expect:']
    const [bytes, seconds] = await this.#write('%{size_upload} %{time_total}', target, flags)
    return Number(bytes) / Number(seconds)
  }
}
