//! The server's side of HTTP/2: connections that say what happened, calls that are answered.

mod answer;
mod body;
mod budget;
mod connection;
mod counted;
mod fit;
mod floods;
mod guard;
mod held;
mod message;
mod pump;
mod settings;
mod traffic;
mod window;

pub(crate) use answer::{Outcome, Responder, TimeLimits, answer};
pub(crate) use budget::{Memory, Need, Taken};
pub(crate) use connection::{ConnectionEvent, IncomingCall, ServerConnection};
pub(crate) use settings::Http2Settings;
