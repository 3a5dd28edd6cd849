//! The attacks by name.

use crate::wire::{Manner, OPEN, PLAIN};

/// One attack.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) act: Act,
    pub(crate) manner: Manner,
    /// Sockets for each connection asked for: attacks that are cheap for a connection come in crowds.
    pub(crate) crowd: u32,
    /// On a server whose limits are out of the way: what it holds is not judged.
    pub(crate) without_limits: bool,
}

/// What puts a server's limits out of the way.
pub(crate) const WITHOUT_LIMITS: &[&str] =
    &["--max-calls", "1000000", "--memory-budget", "65536", "--max-concurrent-streams", "200000"];

/// What a connection does.
#[derive(Clone, Copy)]
pub(crate) enum Act {
    /// Calls that send HEADERS and nothing more.
    OpenCalls { calls: Calls, polite: bool },
    /// Whole calls for notes of so many bytes, whose answers are not taken.
    Unread { calls: u32, note: u32 },
    /// Calls that are reset, by the client or by what it makes the server do, as fast as it goes.
    Reset(Trick),
    /// DATA frames of so many bytes, as far as the windows go, on up to 100 calls of one method.
    Drip { stalled: bool, chunk: usize },
    /// A header block that grows and never ends.
    HalfHeaders,
    /// As many fields as a frame holds.
    Fields(Place),
    /// Nothing after the preface.
    Idle,
    /// One frame over and over.
    Flood(Frame),
    /// Honest clients with much to do.
    Honest,
    /// Open calls, then SIGTERM.
    Drain(Calls),
}

#[derive(Clone, Copy)]
pub(crate) enum Calls {
    /// So many on each connection.
    Each(u32),
    /// So many on all connections together.
    InAll(u32),
    /// As many as SETTINGS_MAX_CONCURRENT_STREAMS says.
    Allowed,
}

/// How a stream comes to be reset.
#[derive(Clone, Copy)]
pub(crate) enum Trick {
    /// RST_STREAM: CVE-2023-44487. The others are CVE-2025-8671.
    Rapid,
    /// The same after the handler has run.
    LateCancel,
    ZeroWindowUpdate,
    WindowOverflow,
    DataAfterEnd,
    OwnPriority,
}

#[derive(Clone, Copy)]
pub(crate) enum Place {
    /// In a block that does not end.
    HalfBlock,
    /// In the heads of calls.
    Heads,
    /// In the trailers of calls that nobody reads.
    Trailers,
}

#[derive(Clone, Copy)]
pub(crate) enum Frame {
    Ping,
    Settings,
    WindowUpdate,
}

const READS: Manner = Manner { window: PLAIN, reads: true };
/// Windows of 0: the answers stay in the server's streams.
const NO_WINDOW: Manner = Manner { window: 0, reads: true };
/// The server may send everything, and nobody takes it off the socket.
const DEAF: Manner = Manner { window: OPEN, reads: false };

/// Plain windows and a plain socket, of which nothing is read.
const IGNORES: Manner = Manner { window: PLAIN, reads: false };

const fn case(name: &'static str, act: Act, manner: Manner, about: &'static str) -> Case {
    Case { name, about, act, manner, crowd: 1, without_limits: false }
}

const fn crowd(of: u32, case: Case) -> Case {
    Case { crowd: of, ..case }
}

pub(crate) const CASES: &[Case] = &[
    case("honest", Act::Honest, READS, "control: 16 callers a connection, notes of 10 kB, nobody attacks"),
    case(
        "open-calls",
        Act::OpenCalls { calls: Calls::Each(10_000), polite: false },
        READS,
        "10,000 calls without a body on each connection, whatever the server's SETTINGS say",
    ),
    case(
        "open-calls-100k",
        Act::OpenCalls { calls: Calls::InAll(100_000), polite: false },
        READS,
        "100,000 calls without a body in all, whatever the server's SETTINGS say",
    ),
    case(
        "open-calls-polite",
        Act::OpenCalls { calls: Calls::Each(100_000), polite: true },
        READS,
        "as many calls without a body as the server's SETTINGS allow",
    ),
    case(
        "unread-one",
        Act::Unread { calls: 1, note: 1 << 20 },
        NO_WINDOW,
        "a 1 MiB answer, the longest there is, window 0",
    ),
    case("unread-100", Act::Unread { calls: 100, note: 1 << 20 }, NO_WINDOW, "100 of them, window 0"),
    case(
        "unread-thousands",
        Act::Unread { calls: 5_000, note: 64 << 10 },
        READS,
        "5,000 answers of 64 KiB as the server's SETTINGS allow, no WINDOW_UPDATE",
    ),
    case(
        "unread-small",
        Act::Unread { calls: 50_000, note: 100 },
        DEAF,
        "50,000 answers of 100 bytes, windows open, the socket never read",
    ),
    case(
        "unread-socket",
        Act::Unread { calls: 100, note: 1 << 20 },
        DEAF,
        "100 answers of 1 MiB, windows open, the socket never read",
    ),
    case(
        "rapid-reset",
        Act::Reset(Trick::Rapid),
        IGNORES,
        "calls for 100 kB, each with RST_STREAM behind it",
    ),
    case("late-reset", Act::Reset(Trick::LateCancel), IGNORES, "the same, RST_STREAM once handlers have run"),
    case("reset-window-0", Act::Reset(Trick::ZeroWindowUpdate), IGNORES, "the same, WINDOW_UPDATE of 0"),
    case("reset-overflow", Act::Reset(Trick::WindowOverflow), IGNORES, "the same, a window over 2^31-1"),
    case("reset-data", Act::Reset(Trick::DataAfterEnd), IGNORES, "the same, DATA on the half-closed stream"),
    case("reset-priority", Act::Reset(Trick::OwnPriority), IGNORES, "the same, a stream depends on itself"),
    case(
        "tiny-data",
        Act::Drip { stalled: true, chunk: 1 },
        NO_WINDOW,
        "DATA of 1 byte, the handler stalled",
    ),
    case("empty-data", Act::Drip { stalled: true, chunk: 0 }, NO_WINDOW, "DATA of 0 bytes, without end"),
    case(
        "half-messages",
        Act::Drip { stalled: false, chunk: 16_384 },
        READS,
        "100 messages of 4 MB a connection of which the last byte never comes",
    ),
    crowd(
        50,
        case("half-headers", Act::HalfHeaders, READS, "blocks of 64 KiB without an end, 50 sockets each"),
    ),
    crowd(
        50,
        case(
            "fields-half",
            Act::Fields(Place::HalfBlock),
            READS,
            "16,000 fields without an end, 50 sockets each",
        ),
    ),
    case("fields-heads", Act::Fields(Place::Heads), READS, "calls with 16,000 fields each"),
    case(
        "fields-trailers",
        Act::Fields(Place::Trailers),
        NO_WINDOW,
        "1,000 calls with 16,000 fields in the trailers of each",
    ),
    crowd(100, case("idle", Act::Idle, READS, "nothing but the preface, 100 sockets each")),
    case("ping-flood", Act::Flood(Frame::Ping), DEAF, "PINGs, never reading"),
    case("settings-flood", Act::Flood(Frame::Settings), DEAF, "SETTINGS, never reading"),
    case("window-flood", Act::Flood(Frame::WindowUpdate), DEAF, "WINDOW_UPDATEs, never reading"),
    case(
        "drain",
        Act::Drain(Calls::Allowed),
        READS,
        "SIGTERM under all calls that SETTINGS allow, 3 s given",
    ),
    case(
        "drain-100k",
        Act::Drain(Calls::InAll(100_000)),
        READS,
        "SIGTERM under 100,000 open calls, 3 s given",
    ),
    Case {
        without_limits: true,
        ..case(
            "drain-unlimited",
            Act::Drain(Calls::InAll(100_000)),
            READS,
            "the same with the server's limits out of the way, so that all are open",
        )
    },
];

pub(crate) fn list() {
    for case in CASES {
        println!("{:<18} {}", case.name, case.about);
    }
}
