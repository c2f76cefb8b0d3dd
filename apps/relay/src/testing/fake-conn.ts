import type { Conn, ConnSink } from '@sluice/net'
import type { Address } from '@sluice/wire'

/** A conn without a network: the test plays the peer. */
export class FakeConn implements Conn {
  readonly remote: Address = { host: '192.0.2.1', port: 1 }
  readonly local: Address = { host: '192.0.2.2', port: 2 }
  closed = false
  readLimit = 1
  sink: ConnSink | undefined = undefined
  paused = false
  /** Whether writes go out at once. */
  isOpen = true
  /** What was written, as it is there now: not copied. */
  readonly written: Uint8Array[] = []
  readonly calls: string[] = []

  attach(sink: ConnSink | undefined): void {
    this.sink = sink
  }

  pause(): void {
    this.paused = true
  }

  resume(): void {
    this.paused = false
  }

  unread(): void {
    this.calls.push('unread')
  }

  write(chunk: Uint8Array): boolean {
    this.written.push(chunk)
    return this.isOpen
  }

  end(): void {
    this.calls.push('end')
  }

  destroy(): void {
    this.calls.push('destroy')
  }

  reset(): void {
    this.calls.push('reset')
  }
}

/** A sink that writes down what it is told. */
export class FakeSink implements ConnSink {
  readonly told: string[] = []
  /** Called with each chunk, which is only lent. */
  onChunk: (chunk: Uint8Array) => void = () => {}

  onData(chunk: Uint8Array): void {
    this.told.push(`data ${Buffer.from(chunk).toString()}`)
    this.onChunk(chunk)
  }

  onEnd(): void {
    this.told.push('end')
  }

  onDrain(): void {
    this.told.push('drain')
  }

  onClose(error: Error | undefined): void {
    this.told.push(`close ${error === undefined ? 'well' : error.message}`)
  }
}
