//! The server's side of HTTP/2: connections that say what happened, calls that are answered.

mod answer;
mod body;
mod connection;
mod guard;
mod settings;

pub(crate) use answer::{Outcome, answer};
pub(crate) use connection::{ConnectionEvent, IncomingCall, ServerConnection};
pub(crate) use settings::{FRAME_SIZES, Http2Settings, LARGEST_WINDOW};
