//! `evenkeel serve`: one pod.

use std::future::pending;
use std::pin::pin;

use evenkeel::{BoundServer, DrainReport, ServeError, Server, ServerBuilder, signal};
use evenkeel_load::school::{SchoolServer, Schools, Served, ServedBy, reflection};

use super::control::obey_stdin;
use crate::args::ServeArgs;
use crate::exit::{RunError, Verdict};
use crate::render::{self, Screen};

pub(super) async fn run(args: ServeArgs, screen: &Screen) -> Result<Verdict, RunError> {
    let served = Served::default();
    let server = settings(&args)
        .layer(ServedBy::new(args.name, served.clone()))
        .add_service(SchoolServer::new(Schools::new(args.delay)))
        .add_service(reflection::v1()?)
        .add_service(reflection::v1alpha()?)
        .bind(args.listen)
        .await?;
    let health = match (args.health_listen, server.health_service()) {
        (Some(address), Some(health)) => Some(Server::builder().add_service(health).bind(address).await?),
        _ => None,
    };
    // From before anybody can know that it listens.
    let terminate = signal::terminate();
    if let Some(address) = server.local_addr() {
        render::to_stdout(&format!("listening {address}\n"))?;
    }
    if let Some(address) = health.as_ref().and_then(BoundServer::local_addr) {
        render::to_stdout(&format!("health {address}\n"))?;
    }
    if args.control {
        obey_stdin(served);
    }
    let handle = server.handle();
    let mut serving = pin!(server.serve_until(terminate));
    // Probes are answered until the last call has ended.
    let report = tokio::select! {
        report = &mut serving => report?,
        error = failure(health) => {
            handle.drain(args.drain_timeout);
            serving.await?;
            return Err(error.into());
        }
    };
    screen.line(&last_line(&report));
    Ok(if report.is_clean() { Verdict::Passed } else { Verdict::Failed })
}

fn settings(args: &ServeArgs) -> ServerBuilder {
    let limits = &args.limits;
    let mut server = Server::builder()
        .drain_timeout(args.drain_timeout)
        .lame_duck(args.lame_duck)
        .max_concurrent_streams(limits.max_concurrent_streams)
        .max_calls(limits.max_calls)
        .max_connections(limits.max_connections)
        .memory_budget((limits.memory_budget as usize) << 20)
        .max_header_list_size(limits.max_header_list_size);
    if let Some(age) = args.max_connection_age {
        server = server.max_connection_age(age);
    }
    if let Some(grace) = args.max_connection_age_grace {
        server = server.max_connection_age_grace(grace);
    }
    if let Some(idle) = args.max_connection_idle {
        server = server.max_connection_idle(idle);
    }
    if let Some(tls) = args.tls.settings() {
        server = server.tls(tls);
    }
    server
}

/// Serves health for as long as that works.
async fn failure(health: Option<BoundServer>) -> ServeError {
    match health {
        Some(health) => match health.serve().await {
            Err(error) => error,
            // Nobody has its handle, so nobody ends it.
            Ok(_) => pending().await,
        },
        None => pending().await,
    }
}

fn last_line(report: &DrainReport) -> String {
    let calls = |count| if count == 1 { "1 call".to_owned() } else { format!("{count} calls") };
    let served = format!("served {}", calls(report.calls_served));
    match report.calls_cut {
        0 => served,
        cut => format!("{served}, cut {}", calls(cut)),
    }
}
