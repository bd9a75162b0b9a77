//! `keyward-server serve`.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use serde_json::{Map, Value};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::app::App;
use crate::caller::Entrance;
use crate::configuration::Configuration;
use crate::exchange;
use crate::feed;
use crate::http::listener::{Peer, bind_admin, bind_api};
use crate::openapi::of_routes;
use crate::pages;
use crate::publish::Manner;
use crate::routes::endpoint_rows;
use crate::service::failure::Stored;
use crate::service::standing;
use crate::store::{Options, Store, StoreError};
use crate::time;
use crate::uid::Uid;

/// What the server takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// All of the API.
    Everything,
    /// Ends of keys: what gateways hold is ended, and nothing else of it changes.
    Ends,
}

/// Serves until it receives a signal to stop.
pub fn run(configuration: &Path, takes: Takes) -> Result<()> {
    let configuration = Configuration::read(configuration)?;
    tracing_subscriber::fmt()
        .json()
        .with_writer(std::io::stderr)
        // It would report a failed write on standard error, which fails as well, and panics: a log on a full disk must not stop an end.
        .log_internal_errors(false)
        .init();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(serve(&configuration, takes))
}

async fn serve(configuration: &Configuration, takes: Takes) -> Result<()> {
    // The steady clock begins here.
    time::steady();
    // First of all, while nothing else runs that makes files: the umask is the process's.
    let api = bind_api(&configuration.listen.api)?;
    let admin = bind_admin(&configuration.listen.admin)?;
    let socket = configuration
        .feed
        .as_ref()
        .and_then(|feed| feed.socket.as_ref());
    let of_feed = socket.map(|socket| bind_api(&socket.path)).transpose()?;
    if configuration.trusted_uids()?.contains(&Uid::own()) {
        tracing::warn!(
            "Envoy may run as the server's own user: whatever that user runs can speak for the gateway"
        );
    }
    let targets = configuration.publish.iter();
    let options = Options::at(time::now()).beside(targets.map(|target| target.file.as_path()));
    let (options, manner) = match takes {
        Takes::Everything => (options, Manner::Snapshot),
        Takes::Ends => {
            tracing::warn!("only ends are taken");
            (options.ends_only(), Manner::Ends)
        }
    };
    let store = Store::open(&configuration.data, &options)?;
    bring_endpoints(&store).await?;
    bring_profile(&store, configuration.profile.clone()).await?;
    let app = Arc::new(App::start(configuration, store, of_routes(), manner).await?);
    let (stop, _) = watch::channel(false);
    let of_gateway = axum::serve(
        api,
        exchange::router(&app, Entrance::Gateway)
            .merge(pages::router(&app))
            .merge(feed::router(&app, feed::Way::Gateway))
            .into_make_service_with_connect_info::<Peer>(),
    )
    .with_graceful_shutdown(stopped(stop.subscribe()));
    let local = exchange::router(&app, Entrance::Local).merge(health(&app));
    let of_users = axum::serve(admin, local.into_make_service_with_connect_info::<Peer>())
        .with_graceful_shutdown(stopped(stop.subscribe()));
    let own = feed::router(&app, feed::Way::Socket);
    let feed_stop = stop.subscribe();
    let of_followers = async move {
        let Some(socket) = of_feed else { return Ok(()) };
        axum::serve(socket, own.into_make_service_with_connect_info::<Peer>())
            .with_graceful_shutdown(stopped(feed_stop))
            .await
    };
    tracing::info!("serving");
    let signals = async {
        wait_for_signal().await?;
        tracing::info!("stopping: no new requests are taken, those in flight are answered");
        app.fleet.stop();
        stop.send_replace(true);
        Ok::<(), anyhow::Error>(())
    };
    let (signals, of_gateway, of_users, of_followers) = tokio::join!(
        signals,
        of_gateway.into_future(),
        of_users.into_future(),
        of_followers
    );
    signals?;
    of_followers.context("the feed's socket")?;
    of_gateway.context("the API's socket")?;
    of_users.context("the admin socket")
}

/// Brings the API's own rows up to date, where they are not. A full disk does not keep the server from starting: ends are to be taken.
async fn bring_endpoints(store: &Store) -> Result<()> {
    let rows = endpoint_rows();
    let wanted = rows.clone();
    let found: Result<bool, Stored> = store
        .read(move |reader| Ok(standing::has_endpoints(reader, &wanted)?))
        .await;
    if found.map_err(|error| anyhow::anyhow!("the API's own endpoints: {error:?}"))? {
        return Ok(());
    }
    let brought: Result<bool, Stored> = store
        .write(move |tx| standing::bring_endpoints(tx, &rows))
        .await;
    match brought {
        Ok(_) => Ok(()),
        Err(Stored::Store(
            error @ (StoreError::Full | StoreError::WriteFailed(_) | StoreError::EndsOnly),
        )) => {
            tracing::error!(%error, "gateways keep the rows of another version of this API");
            Ok(())
        }
        Err(error) => Err(anyhow::anyhow!("the API's own endpoints: {error:?}")),
    }
}

/// Keys that were made by another profile are denied by gateways that have this one, so a full disk keeps the server from starting here.
async fn bring_profile(store: &Store, profile: Option<Map<String, Value>>) -> Result<()> {
    let read: Result<_, StoreError> = store.read(|reader| reader.profile()).await;
    let stored = read?;
    let is_there =
        |members: &Map<String, Value>| stored.as_ref().and_then(Value::as_object) == Some(members);
    if profile.as_ref().is_none_or(is_there) {
        return Ok(());
    }
    let brought: Result<bool, Stored> = store
        .write(move |tx| standing::bring_profile(tx, profile.as_ref()))
        .await;
    match brought {
        Ok(_) => Ok(()),
        Err(error) => Err(anyhow::anyhow!("the profile: {error:?}")),
    }
}

async fn stopped(mut stop: watch::Receiver<bool>) {
    // Where the sender is gone the process is about to end.
    let _ = stop.wait_for(|stop| *stop).await;
}

async fn wait_for_signal() -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

/// What a supervisor and Prometheus ask, on the admin socket only.
fn health(app: &Arc<App>) -> Router {
    let (ready, metrics) = (Arc::clone(app), Arc::clone(app));
    Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route(
            "/readyz",
            get(move || async move {
                let head: Result<_, StoreError> = ready.store.read(|reader| reader.head()).await;
                match head {
                    Ok(_) => (StatusCode::OK, "ok\n".to_owned()),
                    Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")),
                }
            }),
        )
        .route(
            "/metrics",
            get(move || async move {
                let is_full = metrics.store.is_full();
                let text = metrics
                    .metrics
                    .text(&metrics.publisher, &metrics.fleet, is_full);
                let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
                ([("content-type", kind)], text)
            }),
        )
}
