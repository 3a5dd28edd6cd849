//! The client's side of one HTTP/2 connection: opening it, its streams, what their failures mean.

mod buffer;
mod causes;
mod connection;
mod failure;
mod link;
mod place;
mod pump;
mod quota;
mod response;
mod settings;
mod status;
mod stream;
mod upload;
mod watch;

pub(crate) use buffer::RequestBuffer;
pub(crate) use causes::{is_complaint, kind_of_io};
pub(crate) use connection::{Connection, EndOfConnection, Established, Trust, establish};
pub(crate) use failure::StreamFailure;
pub(crate) use place::Place;
pub(crate) use quota::Closed;
pub(crate) use response::{Answer, ResponseHead, ResponseStream};
pub(crate) use settings::Http2Settings;
pub(crate) use status::{code_in, code_of, status};
pub(crate) use stream::ClientStream;
pub(crate) use upload::Uploads;
