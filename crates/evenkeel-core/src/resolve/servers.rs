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

/// What one resolver has learnt about its DNS servers: who takes EDNS, who keeps silent.
#[derive(Debug, Default)]
pub struct Servers {
    plain_until: HashMap<SocketAddr, Time>,
    /// By family, too: some drop the questions for one type.
    behind_until: HashMap<(SocketAddr, Family), Time>,
}

impl Servers {
    /// The order to ask `servers` in: the given one, but those that keep silent last.
    pub fn in_order(&self, now: Time, servers: &[SocketAddr], family: Family) -> Vec<SocketAddr> {
        let mut order = servers.to_vec();
        // Stable: among their like, the given order holds.
        order.sort_by_key(|server| is_ahead(self.behind_until.get(&(*server, family)), now));
        order
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

    /// The server has not answered a question of this family for a while.
    pub fn on_silence(&mut self, now: Time, server: SocketAddr, family: Family) {
        self.behind_until.insert((server, family), now + BEHIND);
    }

    /// The server answered a question of this family.
    pub fn on_answer(&mut self, server: SocketAddr, family: Family) {
        self.behind_until.remove(&(server, family));
    }
}

fn is_ahead(until: Option<&Time>, now: Time) -> bool {
    until.is_some_and(|until| now < *until)
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::time::Duration;

    use super::{BEHIND, Family, Servers, WITHOUT_EDNS};
    use crate::time::Time;

    const NOW: Time = Time::after_origin(Duration::from_secs(5));

    fn three() -> [SocketAddr; 3] {
        [1, 2, 3].map(|last| SocketAddr::from(([10, 0, 0, last], 53)))
    }

    fn order(servers: &Servers, now: Time, family: Family) -> Vec<usize> {
        let place = |server| three().iter().position(|other| *other == server).map_or(0, |at| at + 1);
        servers.in_order(now, &three(), family).into_iter().map(place).collect()
    }

    #[test]
    fn a_silent_server_stands_behind_the_others_for_a_while() {
        let mut servers = Servers::default();
        let [one, two, three] = three();
        assert_eq!(order(&servers, NOW, Family::V4), [1, 2, 3]);
        servers.on_silence(NOW, one, Family::V4);
        assert_eq!(order(&servers, NOW, Family::V4), [2, 3, 1]);
        assert_eq!(order(&servers, NOW, Family::V6), [1, 2, 3], "of that family alone");
        servers.on_silence(NOW, two, Family::V4);
        servers.on_silence(NOW, three, Family::V4);
        assert_eq!(order(&servers, NOW, Family::V4), [1, 2, 3]);
        servers.on_answer(three, Family::V4);
        assert_eq!(order(&servers, NOW, Family::V4), [3, 1, 2]);
        assert_eq!(order(&servers, NOW + BEHIND, Family::V4), [1, 2, 3]);
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
