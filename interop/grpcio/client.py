"""grpcio, the C-core client, calls `evenkeel serve`.

usage: client.py ADDRESS NAME SLOW_ADDRESS

ADDRESS is a pod called NAME, SLOW_ADDRESS one that waits several seconds before each answer. Prints one line per check and
"N passed, M failed" last; exits 1 when one failed.
"""

import sys
import threading
import time
import traceback

import grpc

from school.v1 import school_pb2 as pb
from school.v1 import school_pb2_grpc

# How long a check waits for what must happen: long, since it only ever passes in full when the check fails.
LIMIT = 60
MEBIBYTE = 1 << 20
UNLIMITED = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


def record(number, note=""):
    return pb.SchoolRecord(id=number, name=f"School {number}", note=note)


def served_by(call):
    return dict(call.initial_metadata()).get("x-served-by")


class Checks:
    def __init__(self, address, name, slow_address):
        self.name = name
        self.stub = school_pb2_grpc.SchoolStub(grpc.insecure_channel(address, options=UNLIMITED))
        self.slow = school_pb2_grpc.SchoolStub(grpc.insecure_channel(slow_address))

    def unary(self):
        for number in range(20):
            answer, call = self.stub.GetSchool.with_call(pb.GetSchoolRequest(id=number), timeout=LIMIT)
            assert answer.school.id == number
            assert call.code() == grpc.StatusCode.OK
            assert served_by(call) == self.name, call.initial_metadata()

    def server_streaming(self):
        call = self.stub.ListSchools(pb.ListSchoolsRequest(count=1000), timeout=LIMIT)
        assert [answer.school.id for answer in call] == list(range(1, 1001))
        assert served_by(call) == self.name
        assert call.code() == grpc.StatusCode.OK

    def empty_server_streaming(self):
        call = self.stub.ListSchools(pb.ListSchoolsRequest(count=0), timeout=LIMIT)
        assert list(call) == []

    def client_streaming(self):
        requests = (pb.RecordSchoolsRequest(school=record(i, "four")) for i in range(1000))
        answer, call = self.stub.RecordSchools.with_call(requests, timeout=LIMIT)
        assert (answer.count, answer.note_bytes) == (1000, 4000)
        assert served_by(call) == self.name

    def empty_client_streaming(self):
        answer = self.stub.RecordSchools(iter(()), timeout=LIMIT)
        assert (answer.count, answer.note_bytes) == (0, 0)

    def bidirectional_ping_pong(self):
        """Each message is sent only after the answer to the one before."""
        answered = threading.Semaphore(1)

        def requests():
            for i in range(100):
                assert answered.acquire(timeout=LIMIT)
                yield pb.SyncSchoolsRequest(school=record(i))

        seen = []
        for answer in self.stub.SyncSchools(requests(), timeout=LIMIT):
            seen.append(answer.school.id)
            answered.release()
        assert seen == list(range(100))

    def bidirectional_ten_thousand_before_the_first_is_read(self):
        sent = threading.Event()

        def requests():
            for i in range(10_000):
                yield pb.SyncSchoolsRequest(school=pb.SchoolRecord(id=i))
            sent.set()

        call = self.stub.SyncSchools(requests(), timeout=LIMIT)
        assert sent.wait(LIMIT)
        assert [answer.school.id for answer in call] == list(range(10_000))

    def messages_of_one_mebibyte(self):
        answer = self.stub.GetSchool(pb.GetSchoolRequest(id=1, note_bytes=MEBIBYTE), timeout=LIMIT)
        assert len(answer.school.note) == MEBIBYTE
        large = "x" * MEBIBYTE
        requests = (pb.RecordSchoolsRequest(school=record(i, large)) for i in range(4))
        answer = self.stub.RecordSchools(requests, timeout=LIMIT)
        assert (answer.count, answer.note_bytes) == (4, 4 * MEBIBYTE)
        requests = (pb.SyncSchoolsRequest(school=record(i, large)) for i in range(4))
        answers = list(self.stub.SyncSchools(requests, timeout=LIMIT))
        assert [len(answer.school.note) for answer in answers] == [MEBIBYTE] * 4
        answers = list(self.stub.ListSchools(pb.ListSchoolsRequest(count=4, note_bytes=MEBIBYTE), timeout=LIMIT))
        assert [len(answer.school.note) for answer in answers] == [MEBIBYTE] * 4

    def failures_bring_their_trailers(self):
        try:
            self.stub.GetSchool(pb.GetSchoolRequest(id=-7), timeout=LIMIT)
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.NOT_FOUND, error
            assert "-7" in error.details()
            assert dict(error.trailing_metadata()).get("x-school-id") == "-7", error.trailing_metadata()
        else:
            raise AssertionError("a school with a negative id was found")

    def unknown_methods_are_unimplemented(self):
        channel = grpc.insecure_channel(sys.argv[1])
        for path in ("/school.v1.School/Missing", "/missing.v1.Missing/Missing"):
            call = channel.unary_unary(path, lambda message: message, lambda message: message)
            try:
                call(b"", timeout=LIMIT)
            except grpc.RpcError as error:
                assert error.code() == grpc.StatusCode.UNIMPLEMENTED, error
            else:
                raise AssertionError(f"{path} was answered")
        channel.close()

    def a_deadline_ends_the_call(self):
        begun = time.monotonic()
        try:
            self.slow.GetSchool(pb.GetSchoolRequest(id=1), timeout=0.3)
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.DEADLINE_EXCEEDED, error
            assert time.monotonic() - begun >= 0.3
        else:
            raise AssertionError("the slow pod answered in time")

    def a_cancelled_call_ends_and_the_connection_goes_on(self):
        endless = self.stub.ListSchools(pb.ListSchoolsRequest(count=4_000_000_000, note_bytes=1000))
        for _ in range(10):
            next(endless)
        endless.cancel()
        assert endless.code() == grpc.StatusCode.CANCELLED
        waiting = self.slow.GetSchool.future(pb.GetSchoolRequest(id=1))
        waiting.cancel()
        assert waiting.cancelled()
        self.unary()

    def many_calls_at_once(self):
        calls = [self.stub.GetSchool.future(pb.GetSchoolRequest(id=i), timeout=LIMIT) for i in range(1000)]
        assert [call.result().school.id for call in calls] == list(range(1000))


def main():
    checks = Checks(*sys.argv[1:4])
    names = [name for name in vars(Checks) if not name.startswith("_")]
    failed = 0
    for name in names:
        try:
            getattr(checks, name)()
            print(f"ok      {name}", flush=True)
        except Exception:
            failed += 1
            print(f"FAILED  {name}", flush=True)
            traceback.print_exc()
    print(f"{len(names) - failed} passed, {failed} failed", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
