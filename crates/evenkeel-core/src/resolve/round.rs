//! One question to several DNS servers, each asked once.

#[cfg(test)]
mod tests;

use std::net::SocketAddr;

use super::families::Family;
use super::servers::{Servers, Standing};
use super::walk::{SILENCE, latest};
use crate::time::Time;

/// Decides which server is asked when, and whose answer holds. `T` is what a negative answer says.
///
/// The next server's turn is when one has failed, or has been silent for [`SILENCE`]; the answer of the silent one is
/// still taken. Not all servers know the same names, so that one has nothing is only believed once those before it in
/// the given order have answered, too: those behind for their silence are asked then, and waited for for [`SILENCE`] at
/// most. Records, from whomever, are taken at once.
#[derive(Debug)]
pub struct Round<T> {
    /// In the given order.
    places: Vec<Place<T>>,
    /// Indices of places, in the order of their turns.
    turns: Vec<usize>,
    last: Option<usize>,
}

/// How a round ended without records.
#[derive(Debug, PartialEq, Eq)]
pub enum RoundEnd<T> {
    /// A server says that there is nothing, and what it says of that.
    Negative(T),
    /// None has answered.
    Failed,
}

#[derive(Debug)]
struct Place<T> {
    server: SocketAddr,
    standing: Standing,
    state: State<T>,
}

#[derive(Debug)]
enum State<T> {
    Waiting,
    Asked(Time),
    Failed,
    Negative(T),
}

impl<T> Round<T> {
    /// A round of `servers`, of which `known` is known.
    pub fn new(now: Time, servers: &[SocketAddr], known: &Servers, family: Family) -> Self {
        let place = |server: &SocketAddr| Place {
            server: *server,
            standing: known.standing(now, *server, family),
            state: State::Waiting,
        };
        let places: Vec<_> = servers.iter().map(place).collect();
        let mut turns: Vec<usize> = (0..places.len()).collect();
        // Stable: among their like, the given order holds.
        turns.sort_by_key(|at| places[*at].standing != Standing::Ahead);
        Self { places, turns, last: None }
    }

    /// The server to ask now, if there is one: each is given once. To be called until there is none.
    pub fn next(&mut self, now: Time) -> Option<SocketAddr> {
        let at = match self.first_negative() {
            Some(negative) => self.places[..negative].iter().position(Place::must_be_asked)?,
            None if self.is_next_due(now) => self.next_turn()?,
            None => return None,
        };
        self.last = Some(at);
        self.places[at].state = State::Asked(now);
        Some(self.places[at].server)
    }

    /// The server has no answer that can be used.
    pub fn on_failed(&mut self, server: SocketAddr) {
        self.set(server, State::Failed);
    }

    /// The server says that there is nothing.
    pub fn on_negative(&mut self, server: SocketAddr, answer: T) {
        self.set(server, State::Negative(answer));
    }

    /// When to look at [`Self::next`] and [`Self::end`] again though nothing has been heard.
    pub fn next_wakeup(&self) -> Option<Time> {
        match self.first_negative() {
            // With one among them that is waited for however long it takes, time alone changes nothing.
            Some(negative) => {
                let open = self.places[..negative].iter().filter(|place| place.is_awaited());
                latest(open.map(Place::end_of_patience))
            }
            None => self.next_turn().and(self.end_of_turn()),
        }
    }

    /// How the round has ended, once it has. Takes the answer out.
    pub fn end(&mut self, now: Time) -> Option<RoundEnd<T>> {
        let Some(negative) = self.first_negative() else {
            let is_over = self.places.iter().all(|place| matches!(place.state, State::Failed));
            return is_over.then_some(RoundEnd::Failed);
        };
        if self.places[..negative].iter().any(|place| place.holds_up(now)) {
            return None;
        }
        match std::mem::replace(&mut self.places[negative].state, State::Failed) {
            State::Negative(answer) => Some(RoundEnd::Negative(answer)),
            _ => None,
        }
    }

    /// The servers that have been silent for [`SILENCE`] or longer, and since when.
    pub fn silent(&self, now: Time) -> impl Iterator<Item = (SocketAddr, Time)> + '_ {
        self.places.iter().filter_map(move |place| match place.state {
            State::Asked(asked_at) if asked_at + SILENCE <= now => Some((place.server, asked_at)),
            _ => None,
        })
    }

    fn set(&mut self, server: SocketAddr, state: State<T>) {
        if let Some(place) = self.places.iter_mut().find(|place| place.server == server) {
            place.state = state;
        }
    }

    fn first_negative(&self) -> Option<usize> {
        self.places.iter().position(|place| matches!(place.state, State::Negative(_)))
    }

    fn next_turn(&self) -> Option<usize> {
        self.turns.iter().copied().find(|at| matches!(self.places[*at].state, State::Waiting))
    }

    fn is_next_due(&self, now: Time) -> bool {
        self.end_of_turn().is_none_or(|end| end <= now)
    }

    /// When the one asked last has been silent for long; `None` when it is not awaited.
    fn end_of_turn(&self) -> Option<Time> {
        match self.places[self.last?].state {
            State::Asked(asked_at) => Some(asked_at + SILENCE),
            _ => None,
        }
    }
}

impl<T> Place<T> {
    /// Whether its word is wanted beside the negative one of a server after it.
    fn must_be_asked(&self) -> bool {
        matches!(self.state, State::Waiting) && self.standing != Standing::GivenUp
    }

    /// Likewise, and it has been asked.
    fn is_awaited(&self) -> bool {
        matches!(self.state, State::Asked(_)) && self.standing != Standing::GivenUp
    }

    fn holds_up(&self, now: Time) -> bool {
        self.must_be_asked() || self.is_awaited() && self.end_of_patience().is_none_or(|end| now < end)
    }

    /// Of one that is behind: until when it is waited for, beside a negative answer.
    fn end_of_patience(&self) -> Option<Time> {
        match self.state {
            State::Asked(asked_at) if self.standing == Standing::Behind => Some(asked_at + SILENCE),
            _ => None,
        }
    }
}
