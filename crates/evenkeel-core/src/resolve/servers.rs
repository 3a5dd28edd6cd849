//! What has been learnt about the DNS servers.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use super::families::Family;
use crate::time::Time;

/// How long a server is not asked with EDNS after it showed that it does not take it.
pub const WITHOUT_EDNS: Duration = Duration::from_secs(600);
/// How long a server that kept silent is asked after those that answer.
pub const BEHIND: Duration = Duration::from_secs(60);
/// How long a server that is behind, and was silent again, does not hold up the others' negative answers.
const GIVEN_UP: Duration = Duration::from_secs(15);

/// What one resolver has learnt about its DNS servers: who takes EDNS, who keeps silent.
#[derive(Debug, Default)]
pub struct Servers {
    plain_until: HashMap<SocketAddr, Time>,
    /// By family, too: some drop the questions for one type.
    voices: HashMap<(SocketAddr, Family), Voice>,
}

/// What is to be expected of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It answers, for all that is known.
    Ahead,
    /// It kept silent: it is asked after the others.
    Behind,
    /// So it did, and when it was asked after them, too.
    GivenUp,
}

/// When a server was heard.
#[derive(Clone, Copy, Debug, Default)]
struct Voice {
    answered_at: Option<Time>,
    /// The first question since the last answer.
    asked_at: Option<Time>,
    behind_until: Option<Time>,
    given_up_until: Option<Time>,
}

impl Servers {
    /// What is to be expected of the server for questions of this family.
    pub fn standing(&self, now: Time, server: SocketAddr, family: Family) -> Standing {
        let Some(voice) = self.voices.get(&(server, family)) else { return Standing::Ahead };
        match (is_ahead(voice.behind_until.as_ref(), now), is_ahead(voice.given_up_until.as_ref(), now)) {
            (false, _) => Standing::Ahead,
            (true, false) => Standing::Behind,
            (true, true) => Standing::GivenUp,
        }
    }

    /// Whether the server is asked with EDNS.
    pub fn takes_edns(&self, now: Time, server: SocketAddr) -> bool {
        !is_ahead(self.plain_until.get(&server), now)
    }

    /// The server answered what it was asked without EDNS, and had not with it.
    pub fn on_edns_refused(&mut self, now: Time, server: SocketAddr) {
        self.plain_until.insert(server, now + WITHOUT_EDNS);
    }

    /// The server's answer without EDNS cannot be used: with it, it may fit.
    pub fn on_plain_unusable(&mut self, server: SocketAddr) {
        self.plain_until.remove(&server);
    }

    /// The server is asked a question of this family.
    pub fn on_asked(&mut self, now: Time, server: SocketAddr, family: Family) {
        self.voice(server, family).asked_at.get_or_insert(now);
    }

    /// The server has not answered a question of this family, asked at `asked_at`, in all its time.
    ///
    /// One that has answered another meanwhile is there, and only has no answer to this one.
    pub fn on_silence(&mut self, now: Time, server: SocketAddr, family: Family, asked_at: Time) {
        let voice = self.voice(server, family);
        if !voice.has_answered_since(asked_at) {
            voice.behind_until = Some(now + BEHIND);
        }
    }

    /// The server has been silent to a question of this family that need not be answered any more. `patience` is all the
    /// time it would have had.
    ///
    /// That is no whole silence. But where another server always answers first, none ever is, so it counts as one when no
    /// question has been answered for so long.
    pub fn on_passed_over(&mut self, now: Time, server: SocketAddr, family: Family, patience: Duration) {
        let voice = self.voice(server, family);
        if voice.asked_at.is_some_and(|asked_at| asked_at + patience <= now) {
            voice.behind_until = Some(now + BEHIND);
        }
    }

    /// The server is behind, was asked at `asked_at` beside a negative answer of another, and was silent again.
    pub fn on_given_up(&mut self, now: Time, server: SocketAddr, family: Family, asked_at: Time) {
        let voice = self.voice(server, family);
        if !voice.has_answered_since(asked_at) {
            voice.given_up_until = Some(now + GIVEN_UP);
        }
    }

    /// The server answered a question of this family.
    pub fn on_answer(&mut self, now: Time, server: SocketAddr, family: Family) {
        *self.voice(server, family) = Voice { answered_at: Some(now), ..Voice::default() };
    }

    fn voice(&mut self, server: SocketAddr, family: Family) -> &mut Voice {
        self.voices.entry((server, family)).or_default()
    }
}

impl Voice {
    fn has_answered_since(&self, asked_at: Time) -> bool {
        self.answered_at.is_some_and(|answered_at| asked_at <= answered_at)
    }
}

fn is_ahead(until: Option<&Time>, now: Time) -> bool {
    until.is_some_and(|until| now < *until)
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::time::Duration;

    use super::{BEHIND, Family, GIVEN_UP, Servers, Standing, WITHOUT_EDNS};
    use crate::time::Time;

    const NOW: Time = Time::after_origin(Duration::from_secs(5));
    const PATIENCE: Duration = Duration::from_secs(5);

    fn three() -> [SocketAddr; 3] {
        [1, 2, 3].map(|last| SocketAddr::from(([10, 0, 0, last], 53)))
    }

    #[test]
    fn a_silent_server_stands_behind_the_others_for_a_while() {
        let mut servers = Servers::default();
        let [one, ..] = three();
        assert_eq!(servers.standing(NOW, one, Family::V4), Standing::Ahead);
        servers.on_silence(NOW, one, Family::V4, Time::ORIGIN);
        assert_eq!(servers.standing(NOW, one, Family::V4), Standing::Behind);
        assert_eq!(servers.standing(NOW, one, Family::V6), Standing::Ahead, "of that family alone");
        assert_eq!(servers.standing(NOW + BEHIND, one, Family::V4), Standing::Ahead);
        servers.on_given_up(NOW, one, Family::V4, Time::ORIGIN);
        assert_eq!(servers.standing(NOW, one, Family::V4), Standing::GivenUp);
        assert_eq!(servers.standing(NOW + GIVEN_UP, one, Family::V4), Standing::Behind);
        servers.on_answer(NOW, one, Family::V4);
        assert_eq!(servers.standing(NOW, one, Family::V4), Standing::Ahead, "an answer removes both marks");
    }

    #[test]
    fn a_server_that_answered_another_question_meanwhile_is_not_silent() {
        let mut servers = Servers::default();
        let [one, ..] = three();
        servers.on_answer(Time::ORIGIN + Duration::from_secs(1), one, Family::V4);
        servers.on_silence(NOW, one, Family::V4, Time::ORIGIN);
        servers.on_given_up(NOW, one, Family::V4, Time::ORIGIN);
        assert_eq!(servers.standing(NOW, one, Family::V4), Standing::Ahead);
        servers.on_silence(NOW, one, Family::V4, Time::ORIGIN + Duration::from_secs(2));
        assert_eq!(servers.standing(NOW, one, Family::V4), Standing::Behind);
    }

    #[test]
    fn a_server_that_others_always_forestall_is_behind_when_it_was_silent_for_long() {
        let mut servers = Servers::default();
        let [one, ..] = three();
        let second = Duration::from_secs(1);
        servers.on_asked(NOW, one, Family::V4);
        servers.on_passed_over(NOW + second, one, Family::V4, PATIENCE);
        servers.on_asked(NOW + second * 2, one, Family::V4);
        servers.on_passed_over(NOW + second * 3, one, Family::V4, PATIENCE);
        assert_eq!(servers.standing(NOW + second * 3, one, Family::V4), Standing::Ahead);
        servers.on_asked(NOW + second * 4, one, Family::V4);
        servers.on_passed_over(NOW + PATIENCE, one, Family::V4, PATIENCE);
        assert_eq!(servers.standing(NOW + PATIENCE, one, Family::V4), Standing::Behind);
        servers.on_answer(NOW + PATIENCE, one, Family::V4);
        servers.on_passed_over(NOW + PATIENCE * 3, one, Family::V4, PATIENCE);
        assert_eq!(servers.standing(NOW + PATIENCE * 3, one, Family::V4), Standing::Ahead);
    }

    #[test]
    fn edns_is_left_off_for_a_while_for_the_server_that_does_not_take_it() {
        let mut servers = Servers::default();
        let [one, two, _] = three();
        servers.on_edns_refused(NOW, one);
        assert!(!servers.takes_edns(NOW, one) && servers.takes_edns(NOW, two));
        assert!(servers.takes_edns(NOW + WITHOUT_EDNS, one));
        servers.on_plain_unusable(one);
        assert!(servers.takes_edns(NOW, one));
    }
}
