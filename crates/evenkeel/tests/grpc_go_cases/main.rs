//! What gRPC-Go's own tests assert of pick_first, round_robin, GOAWAY and connections, over real sockets.
//!
//! Tests bear the names of gRPC-Go's; where evenkeel promises something else on purpose, the test says so. Each case
//! is at home in one place:
//!
//! | Case | gRPC-Go's test | Here, or `folder::file` of this package's tests |
//! |---|---|---|
//! | 32 | `TestPickFirst_StickyTransientFailure` | `pick_first` |
//! | 33 | `TestPickFirstLeaf_ResolverUpdates_*` | `pick_first` |
//! | 35 | `TestPickFirstLeaf_StopConnectedServer_*` | `pick_first` |
//! | 37 | `TestPickFirstLeaf_HappyEyeballs_TriggerConnectionDelay` | `pick_first` |
//! | 44 | `TestPickFirst_ResolverError_WithPreviousUpdate_*` | `pick_first` |
//! | 48, 49 | `TestRoundRobin_Basic`, `TestRoundRobin_OneServerDown` | `wire_client::balance` |
//! | 67 | `TestBalancerSwitch_Graceful`, `TestCurrentNotReadyPendingUpdate` | `switch` (feature `unstable`) |
//! | 71 | `TestStateTransitions_ReadyToConnecting` | `channel` |
//! | 76 | `TestChannelIdleness_Enabled_NoActivity`, `_OngoingCall` | `wire_client::quiet` |
//! | 76 | `TestChannelIdleness_Enabled_ActiveSinceLastCheck`, `_IdleTimeoutRacesWithRPCs` | `channel` |
//! | 81 | `TestTransparentRetry` | `wire_client::reset` |
//! | 86 | `TestGracefulClientOnGoAway` | `goaway`, and for calls that fail fast `server_suite::goaway` |
//! | 87, 90 | `TestServerGoAwayPendingRPC`, `TestGoAwayThenClose` | `goaway` |
//! | 92 | `TestGracefulStopClosesConnAfterLastStream` | `stop` |
//! | 97 | `TestGracefulStopBlocksUntilGRPCConnectionsTerminate`, `TestStopAbortsBlockingGRPCCall` | `stop` |
//! | 101, 102 | `TestMaxConnectionIdle`, `TestMaxConnectionAge` | `server_suite::goaway` |
//!
//! The policies' decisions alone, in virtual time, bear the same names without `test_` in `evenkeel-core`'s tests.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what must hold in the shortest way"
)]

mod channel;
mod goaway;
mod pick_first;
mod stop;
mod support;
#[cfg(feature = "unstable")]
mod switch;
