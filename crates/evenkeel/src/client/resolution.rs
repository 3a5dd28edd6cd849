//! Name resolution by itself: what a channel would be told, without a channel.

use std::fmt;

use super::builder::ChannelBuilder;
use super::error::BuildError;
use super::resolve::{BoxFuture, Line, Report, Update, Urgency, Verdict};

/// The answers that a channel's resolver gives, heard without connecting to anything.
///
/// Begin with [`ChannelBuilder::resolve`]. It works only inside [`Resolution::next`], on the caller's task: nobody asks
/// while nobody waits. For a fresh answer before its time, drop the future that waits, call [`Resolution::refresh`], and
/// wait anew. Dropping the resolution stops the resolver and closes its sockets.
pub struct Resolution {
    line: Line,
    /// `None` once it has returned.
    resolver: Option<BoxFuture<'static, ()>>,
}

impl ChannelBuilder {
    /// Resolves the target as the channel would, with these settings' resolvers and refresh mode, and connects to nothing.
    ///
    /// Observers hear of the questions that the resolver puts ([`Event::DnsQuery`](crate::Event::DnsQuery)), on the
    /// caller's task; what a channel would make of the answers happens in no channel, and is not told.
    ///
    /// # Errors
    /// When the target cannot be used; settings of connections and calls are not looked at.
    pub fn resolve(self) -> Result<Resolution, BuildError> {
        let (target, resolver, observers) = self.into_resolver()?;
        let (line, updates) = Line::open(target.endpoint(), observers);
        Ok(Resolution { line, resolver: Some(resolver.run(updates)) })
    }
}

impl Resolution {
    /// The next update. `None` when there will be no other. Cancel-safe.
    pub async fn next(&mut self) -> Option<Update> {
        let (update, reply) = self.next_report().await?;
        reply.say(Verdict::Accepted);
        Some(update)
    }

    async fn next_report(&mut self) -> Option<Report> {
        if let Some(resolver) = &mut self.resolver {
            tokio::select! {
                // What a resolver said before it returned is said first.
                biased;
                report = self.line.next() => return report,
                () = resolver => {}
            }
            self.resolver = None;
        }
        // Its end of the line went with the resolver, so this ends.
        self.line.next().await
    }

    /// Asks for a fresh answer, as a channel does that has lost its last connection.
    pub fn refresh(&self) {
        self.line.request(Urgency::Urgent);
    }
}

impl fmt::Debug for Resolution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolution").field("ended", &self.resolver.is_none()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use evenkeel_core::endpoint::Endpoint;

    use super::{BuildError, ChannelBuilder, Update};
    use crate::client::{Channel, Manual};

    /// An answer after which the resolver does not look again by itself.
    fn last(update: Update) -> Option<Update> {
        Some(update.with_next(None))
    }

    fn endpoints(ports: &[u16]) -> Update {
        let endpoint = |port: &u16| Endpoint::from(SocketAddr::from(([127, 0, 0, 1], *port)));
        Update::endpoints(ports.iter().map(endpoint))
    }

    fn manual(manual: &Manual) -> ChannelBuilder {
        Channel::builder("manual:///x").resolver(manual.clone())
    }

    #[tokio::test]
    async fn a_fixed_answer_is_the_last_one() {
        let mut resolution = Channel::builder("ipv4:127.0.0.1:1,127.0.0.1:2").resolve().unwrap();
        assert_eq!(resolution.next().await, last(endpoints(&[1, 2])));
        assert_eq!(resolution.next().await, None);
        assert_eq!(resolution.next().await, None);
    }

    #[tokio::test]
    async fn changes_come_as_they_happen_and_a_refresh_reaches_the_resolver() {
        let resolver = Manual::new();
        resolver.set([]);
        let mut resolution = manual(&resolver).resolve().unwrap();
        assert_eq!(resolution.next().await, last(endpoints(&[]).keep_ready()));
        resolution.refresh();
        resolver.set([SocketAddr::from(([127, 0, 0, 1], 7)).into()]);
        assert_eq!(resolution.next().await, last(endpoints(&[7])));
        assert_eq!(resolver.refresh_requests(), 1, "seen before there is anything else to say");
        resolver.set_absent("gone");
        assert_eq!(resolution.next().await, last(Update::absent("gone").keep_ready()));
        resolver.set_failed("broken");
        assert_eq!(resolution.next().await, last(Update::failed("broken")));
    }

    #[test]
    fn a_bad_target_fails_at_once_and_needs_no_runtime() {
        assert!(matches!(Channel::builder("unix:").resolve(), Err(BuildError::Target { .. })));
    }
}
