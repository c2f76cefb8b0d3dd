export { MAX_YAMUX_PAYLOAD, YamuxDecoder, type YamuxSink } from './decoder.ts'
export {
  encodeYamuxFrame,
  writeYamuxHeader,
  YAMUX_FLAG,
  YAMUX_GO_AWAY,
  YAMUX_HEADER_BYTES,
  YAMUX_TYPE,
  type YamuxFrame,
} from './frame.ts'
export { YAMUX_INITIAL_WINDOW, YAMUX_MAX_WINDOW, YamuxStream, type YamuxStreamOptions } from './stream.ts'
