//! The words of flags that are neither numbers nor durations.

use std::time::Duration;

use evenkeel::Refresh;
use http::HeaderValue;
use http::uri::PathAndQuery;

use super::duration;

/// grpc-go's least time between two lookups, and so what `disconnect` alone means.
const DISCONNECT_FLOOR: Duration = Duration::from_secs(30);

pub(crate) fn refresh(text: &str) -> Result<Refresh, String> {
    match text.split_once(':') {
        None if text == "ttl" => Ok(Refresh::Ttl),
        None if text == "disconnect" => Ok(Refresh::Disconnect { floor: DISCONNECT_FLOOR }),
        Some(("disconnect", floor)) => {
            duration::parse(floor).map(|floor| Refresh::Disconnect { floor }).map_err(|e| e.to_string())
        }
        _ => duration::parse_positive(text)
            .map(Refresh::Every)
            .map_err(|_| "use ttl, disconnect, disconnect:1s or an interval such as 5s".to_owned()),
    }
}

/// `package.Service/Method`, with or without the leading slash.
pub(crate) fn method(text: &str) -> Result<PathAndQuery, String> {
    let path = text.strip_prefix('/').unwrap_or(text);
    match path.split_once('/') {
        Some((service, method))
            if !service.is_empty() && !method.is_empty() && !method.contains(['/', '?']) =>
        {
            PathAndQuery::try_from(format!("/{path}")).map_err(|e| e.to_string())
        }
        _ => Err("use SERVICE/METHOD, for example grpc.health.v1.Health/Check".to_owned()),
    }
}

/// `ip:port` or `name:port`; whether it can be listened on is seen when it is tried.
pub(crate) fn listen(text: &str) -> Result<String, String> {
    match text.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok() => Ok(text.to_owned()),
        _ => Err("use ip:port, for example [::]:50051 or 127.0.0.1:0".to_owned()),
    }
}

pub(crate) fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if rate.is_finite() && (0.0..=1e6).contains(&rate) => Ok(rate),
        _ => Err("use a number of calls a second from 0 to 1000000".to_owned()),
    }
}

/// A name that can stand in a header.
pub(crate) fn header_value(text: &str) -> Result<HeaderValue, String> {
    match HeaderValue::from_str(text) {
        Ok(value) if !text.is_empty() && value.to_str().is_ok() => Ok(value),
        _ => Err("use visible ASCII characters: the name is sent as a header".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, Refresh, header_value, listen, method, rate, refresh};

    #[test]
    fn refreshes() {
        let floor = Duration::from_secs(1);
        assert_eq!(refresh("ttl"), Ok(Refresh::Ttl));
        assert_eq!(refresh("disconnect"), Ok(Refresh::Disconnect { floor: Duration::from_secs(30) }));
        assert_eq!(refresh("disconnect:1s"), Ok(Refresh::Disconnect { floor }));
        assert_eq!(refresh("5s"), Ok(Refresh::Every(Duration::from_secs(5))));
        assert!(refresh("never").is_err());
        assert!(refresh("0s").is_err());
        assert!(refresh("disconnect:x").is_err());
    }

    #[test]
    fn methods() {
        assert_eq!(method("a.B/C").as_ref().map(|p| p.as_str()), Ok("/a.B/C"));
        assert_eq!(method("/a.B/C").as_ref().map(|p| p.as_str()), Ok("/a.B/C"));
        for bad in ["", "a.B", "a.B/", "/C", "//C", "a/b/c", "a b/c", "a/b?c"] {
            assert!(method(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn rates_addresses_and_names() {
        assert!(
            listen("[::]:50051").is_ok() && listen("127.0.0.1:0").is_ok() && listen("localhost:1").is_ok()
        );
        assert!(listen("50051").is_err() && listen(":1").is_err() && listen("a:99999").is_err());
        assert_eq!(rate("500"), Ok(500.0));
        assert!(rate("-1").is_err());
        assert!(rate("inf").is_err());
        assert!(header_value("school-1").is_ok());
        assert!(header_value("").is_err());
        assert!(header_value("line\nbreak").is_err());
    }
}
