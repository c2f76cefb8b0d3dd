/** What holds for every job. Times in ms. */
export interface JobLimits {
  /** See `timing` of JobRequest; also as long as a client may have its job wait before that leaves its slot. */
  readonly requestMs: number
  /** From the last byte of a request to the head of its response. */
  readonly firstByteMs: number
  /** Of a response's body, as it comes. */
  readonly maxResponseBytes: number
  /** As many redirects may be asked for. */
  readonly maxRedirects: number
}
