"""The cluster's DNS as one pod sees it: a headless Service's name has an address per pod.

usage: dns_stub.py ADDRESS NAME POD_ADDRESS...

Answers on port 53 of ADDRESS, over UDP and TCP, and prints "listening" once it does. A of NAME, and of "large-" and
NAME, are the pods' addresses with a TTL of 5 s; A of NAME without "-headless" is one address, the first pod's, as a
ClusterIP Service's is one; AAAA of them is empty; whatever else does not exist. Over UDP, answers for the large one are
truncated, as answers with many pods are. Prints each question as "udp A NAME".
"""

import socket
import socketserver
import struct
import sys
import threading

A, SOA, AAAA, IN = 1, 6, 28, 1
TYPES = {A: "A", AAAA: "AAAA"}
NXDOMAIN = 3
# Response, authoritative, recursion available; and truncated.
RESPONSE, TRUNCATED = 0x8480, 0x0200
TTL = 5
# A pointer to offset 12, where the question's name stands.
NAME_OF_QUESTION = b"\xc0\x0c"


def question(query):
    """The name with a final dot, the type, and the bytes of the question."""
    at, parts = 12, []
    while query[at]:
        parts.append(query[at + 1 : at + 1 + query[at]].decode("ascii").lower())
        at += 1 + query[at]
    (kind,) = struct.unpack_from("!H", query, at + 1)
    return "".join(f"{part}." for part in parts), kind, query[12 : at + 5]


def record(kind, data):
    return NAME_OF_QUESTION + struct.pack("!HHIH", kind, IN, TTL, len(data)) + data


def answer(query, over, name, pods):
    asked, kind, original = question(query)
    # One string, since `print` writes several one by one, and each question has a thread.
    sys.stdout.write(f"{over} {TYPES.get(kind, kind)} {asked}\n")
    sys.stdout.flush()
    flags, answers, authority = RESPONSE | struct.unpack_from("!H", query, 2)[0] & 0x0100, [], []
    single, large = name.replace("-headless", ""), f"large-{name}"
    if asked not in (name, single, large):
        flags |= NXDOMAIN
    elif asked == large and over == "udp":
        flags |= TRUNCATED
    elif kind == A:
        listed = pods[:1] if asked == single else pods
        answers = [record(A, socket.inet_aton(pod)) for pod in listed]
    if not answers:
        # Says for how long to remember that there is nothing.
        authority = [record(SOA, b"\0\0" + struct.pack("!5I", 1, 7200, 1800, 86400, TTL))]
    counts = struct.pack("!HHHH", 1, len(answers), len(authority), 0)
    return query[:2] + struct.pack("!H", flags) + counts + original + b"".join(answers + authority)


def main():
    address, name, *pods = sys.argv[1:]

    class Datagram(socketserver.BaseRequestHandler):
        def handle(self):
            query, reply = self.request
            reply.sendto(answer(query, "udp", name, pods), self.client_address)

    class Stream(socketserver.StreamRequestHandler):
        def handle(self):
            while len(length := self.rfile.read(2)) == 2:
                reply = answer(self.rfile.read(int.from_bytes(length, "big")), "tcp", name, pods)
                self.wfile.write(len(reply).to_bytes(2, "big") + reply)

    servers = [
        socketserver.ThreadingUDPServer((address, 53), Datagram),
        socketserver.ThreadingTCPServer((address, 53), Stream),
    ]
    for server in servers:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever).start()
    print("listening", flush=True)


if __name__ == "__main__":
    main()
