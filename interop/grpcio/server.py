"""The school service on grpcio's server, for `evenkeel load` to call.

usage: server.py NAME [MAX_CONNECTION_AGE_MS]

Prints "listening ADDRESS" and serves until it is terminated.
"""

import signal
import sys
from concurrent import futures

import grpc

from school.v1 import school_pb2 as pb
from school.v1 import school_pb2_grpc


class School(school_pb2_grpc.SchoolServicer):
    def __init__(self, name):
        self.name = name

    def GetSchool(self, request, context):
        context.send_initial_metadata((("x-served-by", self.name),))
        return pb.GetSchoolResponse(school=pb.SchoolRecord(id=request.id, name=f"School {request.id}"))


def main():
    name = sys.argv[1]
    options = [("grpc.so_reuseport", 0)]
    if len(sys.argv) > 2:
        options += [("grpc.max_connection_age_ms", int(sys.argv[2])), ("grpc.max_connection_age_grace_ms", 5000)]
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=8), options=options)
    school_pb2_grpc.add_SchoolServicer_to_server(School(name), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(f"listening 127.0.0.1:{port}", flush=True)
    signal.signal(signal.SIGTERM, lambda *_: server.stop(grace=1))
    server.wait_for_termination()


if __name__ == "__main__":
    main()
