/** Outcomes that only reverse tunnels have. A part of the one table of outcomes. */
export const TUNNEL_OUTCOMES = {
  VISITOR_DENIED: {
    level: 'info',
    socks5: 2,
    http: 403,
    text: 'The visitor’s address may not use this tunnel.',
  },
  HOST_UNKNOWN: { level: 'info', socks5: 4, http: 404, text: 'There is no such host here.' },
  AGENT_OFFLINE: {
    level: 'info',
    socks5: 4,
    http: 502,
    text: 'No program of the tunnel’s client is connected.',
  },
  AGENT_LOST: {
    level: 'info',
    socks5: 1,
    http: 502,
    text: 'The client’s program was silent for too long, or its connection broke.',
  },
  AGENT_LIMIT: {
    level: 'warn',
    socks5: 1,
    http: 503,
    text: 'The client has as many programs connected as it may.',
  },
  STREAM_LIMIT: {
    level: 'warn',
    socks5: 1,
    http: 503,
    text: 'The client’s program has as many streams open as it may.',
  },
  TUNNEL_REMOVED: {
    level: 'info',
    socks5: 1,
    http: 404,
    text: 'The tunnel, host or client was removed.',
  },
  TUNNEL_LIMIT: {
    level: 'info',
    socks5: 2,
    http: 429,
    limit: 'tunnels',
    text: 'The client has as many tunnels and hosts as it may.',
  },
} as const
