use std::time::Duration;

use evenkeel_core::resolve::{Had, RefreshMode};

use super::super::failure::LookupError;
use super::{Outcome, State};

#[tokio::test(start_paused = true)]
async fn answers_that_contradict_each_other_for_long_are_told_to_what_is_known() {
    let mut state = State::new(RefreshMode::Ttl);
    state.known.on_found("a.", Some(vec![std::net::Ipv4Addr::LOCALHOST.into()]), Some(vec![]));
    for (seconds, v4) in [(0, true), (29, true), (1, false)] {
        tokio::time::advance(Duration::from_secs(seconds)).await;
        let error = LookupError {
            errors: vec![],
            contradicted: vec!["a.".to_owned()],
            unanswered: vec![],
            note: None,
        };
        state.on_outcome(Outcome::Failed(error), "a", 1);
        assert_eq!(state.known.had("a."), Had { v4, v6: false });
    }
}
