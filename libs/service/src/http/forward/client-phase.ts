// What a client's connection waits for: a request; its body; all else that it needs; no request any more.
export const HEAD = 0
export const BODY = 1
export const ANSWER = 2
export const OVER = 3
