//! What every request can reach.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anyhow::Result;
use keyward::profile::Profile;
use keyward_files::key_file::RawKeys;
use serde_json::Value;

use crate::configuration::Configuration;
use crate::console::Console;
use crate::fleet::Fleet;
use crate::http::conditions::InFlight;
use crate::http::rate::Buckets;
use crate::http::waits::Waits;
use crate::last_lists::LastLists;
use crate::logs::Requests;
use crate::metrics::Metrics;
use crate::plans::Plans;
use crate::portal::{Brand, Portal};
use crate::publish::{Manner, Publisher, Targets};
use crate::quota::Quota;
use crate::session::LastSeen;
use crate::store::{Store, StoreError};
use crate::uid::Uid;
use crate::upkeep;
use crate::uses::Uses;

/// The server.
pub(crate) struct App {
    pub(crate) store: Store,
    pub(crate) publisher: Publisher,
    /// The gateways that follow the feed.
    pub(crate) fleet: Arc<Fleet>,
    pub(crate) metrics: Metrics,
    pub(crate) in_flight: InFlight,
    pub(crate) buckets: Buckets,
    /// The answers that are held open.
    pub(crate) waits: Waits,
    pub(crate) plans: Plans,
    pub(crate) quota: Arc<Quota>,
    pub(crate) creations_per_second: f64,
    pub(crate) profile: Profile,
    /// The same, as in a plugin configuration.
    pub(crate) profile_members: Option<Value>,
    /// How secret keys begin.
    pub(crate) raw_keys: RawKeys,
    pub(crate) described: Described,
    pub(crate) operator_account: String,
    pub(crate) trusted_uids: BTreeSet<Uid>,
    pub(crate) gateway_digest: [u8; 32],
    /// The users that may ask on the feed's own socket, and the gateways that they run.
    pub(crate) feed_users: BTreeMap<Uid, String>,
    /// Where people reach the pages.
    pub(crate) public_url: Option<String>,
    /// Where programs reach the API that the keys are for.
    pub(crate) api_url: Option<String>,
    pub(crate) console: Console,
    pub(crate) portal: Portal,
    pub(crate) brand: Arc<Brand>,
    pub(crate) last_seen: LastSeen,
    /// What is shown where the store does not answer.
    pub(crate) last_lists: LastLists,
    /// Where the gateways' access logs are.
    pub(crate) requests: Requests,
    /// What they say of the use of keys.
    pub(crate) uses: Arc<Uses>,
}

/// What the table of endpoints says, for gateways and for people.
pub(crate) struct Described {
    /// The rows that describe this API to gateways.
    pub(crate) endpoint_rows: Value,
    /// The OpenAPI description.
    pub(crate) openapi: Value,
}

impl App {
    /// Puts it together, and publishes what the store holds.
    pub(crate) async fn start(
        configuration: &Configuration,
        store: Store,
        described: Described,
        manner: Manner,
    ) -> Result<Self> {
        let read: std::result::Result<_, StoreError> = store
            .read(|reader| Ok((reader.api()?, reader.profile()?)))
            .await;
        let (api, profile_members) = read?;
        let profile = api.profile.clone();
        let publisher = Publisher::start(&store, Targets::of(configuration), manner).await?;
        let fleet = Arc::new(Fleet::start(configuration, &store, &publisher, manner).await?);
        if manner == Manner::Snapshot {
            upkeep::start(&store);
        }
        Ok(Self {
            publisher,
            fleet,
            store,
            metrics: Metrics::default(),
            in_flight: InFlight::default(),
            buckets: Buckets::default(),
            waits: Waits::default(),
            plans: Plans::default(),
            quota: Arc::new(Quota::of(configuration.limits.keys)),
            creations_per_second: f64::from(configuration.limits.creations_per_second),
            raw_keys: RawKeys::of(&profile),
            profile,
            profile_members,
            described,
            operator_account: configuration.operator_account.clone(),
            trusted_uids: configuration.trusted_uids()?,
            gateway_digest: configuration.gateway_digest()?,
            feed_users: configuration.feed_users()?,
            public_url: configuration.public_url.clone(),
            api_url: configuration
                .api_url
                .clone()
                .or_else(|| configuration.public_url.clone()),
            console: configuration.console.clone(),
            portal: configuration.portal.clone(),
            brand: Arc::new(configuration.portal.brand()?),
            last_seen: LastSeen::default(),
            uses: Uses::follow(&configuration.requests)?,
            last_lists: LastLists::default(),
            requests: configuration.requests.clone(),
        })
    }
}
