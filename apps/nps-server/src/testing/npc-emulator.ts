import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { decodeNpcSignal, encodeNpcReport, type NpcSignal } from '@sluice/wire/npc'
import { emulateConf, type EmulatorFile } from './npc-emulator-conf.ts'
import { serveLink } from './npc-emulator-links.ts'
import { emulateLogin, type EmulatorOptions, md5 } from './npc-emulator-login.ts'
import { EmulatorMux } from './npc-emulator-mux.ts'

export { emulateStatus } from './npc-emulator-conf.ts'
export { type EmulatorOptions, EmulatorRefusal } from './npc-emulator-login.ts'

export interface EmulatorConnectOptions extends EmulatorOptions {
  /** What it brings of its own before it comes. */
  readonly file?: EmulatorFile
  /** Serves its files; it opens a mux for that where there is one. */
  readonly onRequest?: RequestListener
  /** Whether it opens a mux for streams. @default true */
  readonly hasChan?: boolean
}

/** A client program as npc 0.26.10 is one, from what stands on the wire: dials whatever the server asks for. */
export class NpcEmulator {
  /** What the server has signalled, in order. */
  readonly signals: NpcSignal[] = []
  onSignal: (signal: NpcSignal) => void = () => {}
  /** When the server, or `stop`, has ended any of its conns: it ends all. */
  readonly closed: Promise<void>
  readonly #conns: Duplex[] = []
  #main!: Duplex
  #chan: EmulatorMux | undefined = undefined
  #files: Server | undefined = undefined
  #tellClosed!: () => void

  /** @throws EmulatorRefusal; the system's error */
  static async connect(options: EmulatorConnectOptions): Promise<NpcEmulator> {
    const emulator = new NpcEmulator()
    try {
      await emulator.#start(options)
      return emulator
    } catch (error) {
      emulator.stop()
      throw error
    }
  }

  /** A visitor of the private tunnel with this password: the conn is theirs. */
  static visit(options: EmulatorOptions, password: string): Promise<Duplex> {
    return emulateLogin(options, { type: 'secret', passwordMd5: md5(password) })
  }

  /** Has the address that it comes from allowed for so many hours; done when the server has closed. */
  static async register(options: EmulatorOptions, hours: number): Promise<void> {
    const socket = await emulateLogin(options, { type: 'register', hours })
    await once(socket.resume(), 'close')
  }

  private constructor() {
    this.closed = new Promise((resolve) => (this.#tellClosed = resolve))
  }

  /** Open ones. */
  get streams(): number {
    return this.#chan?.streams ?? 0
  }

  /** Of its own checks. */
  report(target: string, isUp: boolean): void {
    this.#main.write(encodeNpcReport({ type: 'health', target, isUp }))
  }

  stop(): void {
    for (const conn of this.#conns) conn.destroy()
    this.#files?.close()
    this.#tellClosed()
  }

  /** As the program does it: files first, then what it brings, then itself. */
  async #start(options: EmulatorConnectOptions): Promise<void> {
    const { file, onRequest, hasChan = true } = options
    if (file !== undefined) await emulateConf(options, file)
    if (onRequest !== undefined) await this.#openFiles(options, onRequest)
    this.#main = this.#keep(await emulateLogin(options, { type: 'main' }))
    this.#hear(this.#main)
    if (!hasChan) return
    const chan = this.#keep(await emulateLogin(options, { type: 'chan' }))
    this.#chan = new EmulatorMux(chan, true, serveLink)
  }

  async #openFiles(options: EmulatorOptions, onRequest: RequestListener): Promise<void> {
    const files = (this.#files = createServer(onRequest))
    const socket = this.#keep(await emulateLogin(options, { type: 'file' }))
    void new EmulatorMux(socket, false, (stream) => void files.emit('connection', stream))
  }

  #hear(main: Duplex): void {
    let bytes: Buffer = Buffer.alloc(0)
    main.on('data', (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk])
      for (;;) {
        const decoded = decodeNpcSignal(bytes)
        if (decoded === undefined) return
        bytes = bytes.subarray(decoded.size)
        this.signals.push(decoded.value)
        this.onSignal(decoded.value)
      }
    })
  }

  #keep(conn: Duplex): Duplex {
    this.#conns.push(conn)
    return conn.on('close', () => this.stop()).on('end', () => this.stop())
  }
}
