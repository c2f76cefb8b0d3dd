"""What ours is measured against: requests that wait in an asyncio.Queue for a ThreadPoolExecutor of workers, each of which
makes its request with `requests.get`, certificates unchecked, in a session of its own. Frames are those of
docs/protocols/https-proxy-compat.md. A connection is closed after its answer, unless the last argument is `keep`.

    seed-queue.py PORT ADDRESS CONNECTIONS QUEUE WORKERS QUEUE_TIMEOUT REQUEST_TIMEOUT [keep]
"""

import asyncio
import json
import os
import struct
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import requests
import urllib3

MAX_FRAME = 10 * 1024 * 1024
IDLE_SECONDS = 60
STATISTICS_SECONDS = 60

urllib3.disable_warnings()


def hidden(key, text):
    repeated = key * (len(text) // len(key) + 1)
    whole = int.from_bytes(text, "big") ^ int.from_bytes(repeated[: len(text)], "big")
    return whole.to_bytes(len(text), "big")


def encode_answer(answer):
    text = json.dumps(answer, ensure_ascii=False).encode()
    key = os.urandom(64)
    payload = bytes([len(key)]) + key + hidden(key, text)
    return struct.pack(">I", len(payload)) + payload


def decode_request(payload):
    size = payload[0]
    if not 33 <= size <= 200:
        raise ValueError("key length")
    return json.loads(hidden(payload[1 : 1 + size], payload[1 + size :]))


def is_magic(magic):
    return all(magic[4 + i] == ((magic[i] ^ 0x5A) + i * 0x17) % 256 for i in range(4))


def error(status):
    return {"status_code": status, "headers": {}, "body": ""}


class Statistics:
    def __init__(self):
        self.started = time.time()
        self.totals = dict.fromkeys(("requests", "success", "errors", "timeouts", "rejected", "connections"), 0)
        self.active = 0
        self.times = []

    def count(self, name):
        self.totals[name] += 1

    def took(self, seconds):
        self.times.append(seconds)
        del self.times[:-1000]

    def report(self, queue):
        up = time.time() - self.started
        average = sum(self.times) / len(self.times) * 1000 if self.times else 0
        rate = self.totals["requests"] / up
        state = f"active={self.active} queue={queue.qsize()} qps={rate:.1f} avg={average:.1f}ms"
        print(f"up={up:.0f}s {self.totals} {state}", flush=True)


class Server:
    def __init__(self, connections, queue, workers, queue_timeout, request_timeout, keep):
        self.connections = asyncio.Semaphore(connections)
        self.queue = asyncio.Queue(maxsize=queue)
        self.pool = ThreadPoolExecutor(max_workers=workers)
        self.workers = workers
        self.queue_timeout = queue_timeout
        self.request_timeout = request_timeout
        self.keep = keep
        self.statistics = Statistics()

    async def run(self, address, port):
        server = await asyncio.start_server(self.on_client, address, port, backlog=4096)
        tasks = [asyncio.create_task(self.work()) for _ in range(self.workers)]
        tasks.append(asyncio.create_task(self.tell()))
        async with server:
            await server.serve_forever()

    async def tell(self):
        while True:
            await asyncio.sleep(STATISTICS_SECONDS)
            self.statistics.report(self.queue)

    async def on_client(self, reader, writer):
        try:
            await asyncio.wait_for(self.connections.acquire(), 0.1)
        except asyncio.TimeoutError:
            self.statistics.count("rejected")
            writer.close()
            return
        self.statistics.count("connections")
        self.statistics.active += 1
        try:
            while await self.serve(reader, writer) and self.keep:
                pass
        except (asyncio.IncompleteReadError, asyncio.TimeoutError, ConnectionError):
            pass
        finally:
            self.statistics.active -= 1
            self.connections.release()
            writer.close()

    async def serve(self, reader, writer):
        magic = await asyncio.wait_for(reader.readexactly(8), IDLE_SECONDS)
        (length,) = struct.unpack(">I", await asyncio.wait_for(reader.readexactly(4), 10))
        if not is_magic(magic) or length > MAX_FRAME:
            self.statistics.count("rejected")
            return False
        payload = await asyncio.wait_for(reader.readexactly(length), 30)
        self.statistics.count("requests")
        writer.write(encode_answer(await self.answer(payload)))
        await writer.drain()
        return True

    async def answer(self, payload):
        try:
            job = decode_request(payload)
        except (ValueError, IndexError):
            return error(400)
        done = asyncio.get_running_loop().create_future()
        try:
            await asyncio.wait_for(self.queue.put((job, done)), self.queue_timeout)
            return await asyncio.wait_for(done, self.queue_timeout + self.request_timeout)
        except asyncio.TimeoutError:
            self.statistics.count("timeouts")
            return error(504)

    async def work(self):
        loop = asyncio.get_running_loop()
        while True:
            job, done = await self.queue.get()
            begun = time.time()
            try:
                answer = await loop.run_in_executor(self.pool, self.fetch, job)
                self.statistics.count("success")
            except requests.Timeout:
                answer = error(504)
                self.statistics.count("timeouts")
            except Exception:  # whatever it is, a worker goes on
                answer = error(500)
                self.statistics.count("errors")
            self.statistics.took(time.time() - begun)
            if not done.done():
                done.set_result(answer)

    def fetch(self, job):
        options = {"headers": job.get("headers") or {}, "timeout": self.request_timeout, "verify": False}
        if job.get("post_data"):
            response = requests.post(job["url"], data=job["post_data"], **options)
        else:
            response = requests.get(job["url"], **options)
        return {"status_code": response.status_code, "headers": dict(response.headers), "body": response.text}


async def main(port, address, connections, queue, workers, queue_timeout, request_timeout, keep=""):
    limits = (int(connections), int(queue), int(workers), float(queue_timeout), float(request_timeout))
    await Server(*limits, keep == "keep").run(address, int(port))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
