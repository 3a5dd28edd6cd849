//! Which services a server's routes lead to. Tonic's `Routes` cannot list them, so they are asked.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll};

use futures_util::FutureExt as _;
use http::{Request, Response};
use tonic::body::Body;
use tonic::service::Routes;
use tower_layer::Layer;
use tower_service::Service;

/// A name that nobody gives to a service.
const NOBODY: &str = "evenkeel.nobody.has.this.Name";

/// Answers whether calls of a service lead to something, without running what is there.
#[derive(Clone, Debug)]
pub(super) struct Routed {
    /// The routes, with a [`Probe`] in the place of everything they lead to; `None` when there are none.
    probe: Option<Routes>,
}

/// Stands in front of what a route leads to, and says that a request came so far.
#[derive(Clone, Copy, Debug)]
struct Probe;

/// What a [`Probe`] marks its answers with.
#[derive(Clone, Copy, Debug)]
struct Found;

impl Routed {
    pub(super) fn new(routes: &Routes) -> Self {
        let router = routes.clone().into_axum_router();
        // A fallback takes what has no route: it is not asked. A layer around no routes at all is a panic of axum's.
        let probe = router.has_routes().then(|| router.reset_fallback().route_layer(Probe).into());
        Self { probe }
    }

    /// Whether there is no route at all.
    pub(super) fn is_empty(&self) -> bool {
        self.probe.is_none()
    }

    /// Whether calls of the service `name` have a route.
    pub(super) fn has(&self, name: &str) -> bool {
        self.leads(name, "-")
    }

    /// Whether a path leads to a gRPC service: one with a package that takes all that is below its name, as tonic mounts
    /// them. A route for HTTP would have to look just like that to be taken for one.
    pub(super) fn is_service(&self, path: &str) -> bool {
        let name = path.strip_prefix('/').and_then(|path| path.split('/').next()).unwrap_or_default();
        name.contains('.') && self.leads(name, "-/-") && !self.has(NOBODY)
    }

    fn leads(&self, name: &str, below: &str) -> bool {
        let Some(routes) = &self.probe else { return false };
        if name.is_empty() || name.contains(['/', '?', '#', '%']) {
            return false;
        }
        let Ok(request) = Request::post(format!("/{name}/{below}")).body(Body::empty()) else {
            return false;
        };
        // The probe answers at once, and so does a router that finds no route.
        let answer = routes.clone().call(request).now_or_never();
        answer.and_then(Result::ok).is_some_and(|answer| answer.extensions().get::<Found>().is_some())
    }

    /// Whether the service `name` has a route for itself, not just one that takes any name.
    pub(super) fn has_own(&self, name: &str) -> bool {
        self.has(name) && !self.has(NOBODY)
    }
}

impl<S> Layer<S> for Probe {
    type Service = Self;

    fn layer(&self, _: S) -> Self {
        *self
    }
}

impl<R> Service<R> for Probe {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: R) -> Self::Future {
        let mut response = Response::new(Body::empty());
        response.extensions_mut().insert(Found);
        ready(Ok(response))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tonic::server::NamedService;

    /// A service that must not be run.
    #[derive(Clone)]
    struct Untouched;

    impl NamedService for Untouched {
        const NAME: &'static str = "a.b.Untouched";
    }

    impl<R> Service<R> for Untouched {
        type Response = Response<Body>;
        type Error = Infallible;
        type Future = Ready<Result<Response<Body>, Infallible>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, _: R) -> Self::Future {
            panic!("a service was run to learn whether it is there")
        }
    }

    #[test]
    fn services_are_found_by_their_names_alone_and_are_not_run() {
        let routed = Routed::new(&Routes::new(Untouched));
        assert!(!routed.is_empty());
        assert!(routed.has("a.b.Untouched") && routed.has_own("a.b.Untouched"));
        for name in [
            "",
            "a",
            "a.b",
            "a.b.untouched",
            "a.b.Untouched/x",
            "/a.b.Untouched",
            "x?",
            "x#",
            "%61",
            " ",
            "\u{e9}\0",
        ] {
            assert!(!routed.has(name), "{name:?}");
        }
    }

    #[test]
    fn a_service_takes_all_that_is_below_its_name() {
        let router = Routes::new(Untouched).into_axum_router();
        let router =
            router.route_service("/v1.0/things", Untouched).route_service("/files/{*path}", Untouched);
        let routed = Routed::new(&router.into());
        assert!(routed.is_service("/a.b.Untouched/Method") && routed.is_service("/a.b.Untouched/"));
        for path in
            ["/v1.0/things", "/files/a.b", "/files/a", "/a.b.Unknown/Method", "/a.b%2eUntouched/M", "/", ""]
        {
            assert!(!routed.is_service(path), "{path}");
        }
    }

    #[test]
    fn no_routes_lead_nowhere() {
        let routed = Routed::new(&Routes::default());
        assert!(routed.is_empty() && !routed.has("a.b.Untouched"));
    }

    #[test]
    fn a_route_for_everything_is_nobodys_own() {
        let mut routes = Routes::default();
        let router = std::mem::take(routes.axum_router_mut());
        let routed = Routed::new(&router.route_service("/{*everything}", Untouched).into());
        assert!(routed.has("any.Name") && !routed.has_own("any.Name"));
    }
}
