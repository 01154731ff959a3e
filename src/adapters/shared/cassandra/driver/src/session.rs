//! A session: its runtime, what is in flight, and how a request runs.
use crate::Settings;
use crate::failure::{self, Failure};
use crate::retry::Remembering;
use crate::text;
use crate::values::{Rows, Values};
use scylla::client::PoolSize;
use scylla::client::execution_profile::ExecutionProfile;
use scylla::client::session::Session as Driver;
use scylla::client::session_builder::SessionBuilder;
use scylla::policies::load_balancing::DefaultPolicy;
use scylla::policies::reconnect::ExponentialReconnectPolicy;
use scylla::response::PagingState;
use scylla::response::query_result::QueryResult;
use scylla::statement::batch::Batch;
use scylla::statement::prepared::PreparedStatement;
use scylla::statement::unprepared::Statement;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

pub struct Session {
    pub runtime: Runtime,
    pub driver: Arc<Driver>,
    pub in_flight: Arc<AtomicUsize>,
    pub max_in_flight: usize,
    pub request_timeout: Duration,
}

/// What runs: with its own values, options set.
pub enum Request {
    Text(Statement),
    All(PreparedStatement, Values),
    Page(PreparedStatement, Values, PagingState),
    Batch(Batch, Vec<Values>),
}

impl Request {
    pub async fn run(self, driver: &Driver, memory: &Remembering) -> Result<Rows, Failure> {
        let whole = |result: Result<QueryResult, _>| result.map(|r| (r, None));
        let result = match self {
            Request::Text(statement) => whole(driver.query_unpaged(statement, ()).await),
            Request::All(statement, values) => whole(driver.execute_unpaged(&statement, &values).await),
            Request::Batch(batch, values) => whole(driver.batch(&batch, values).await),
            Request::Page(statement, values, from) => {
                driver.execute_single_page(&statement, &values, from).await.map(|(rows, state)| {
                    let next = match state.into_paging_control_flow() {
                        ControlFlow::Continue(next) => next.as_bytes_slice().map(|bytes| bytes.to_vec()),
                        ControlFlow::Break(()) => None,
                    };
                    (rows, next)
                })
            }
        };
        let (result, next) = result.map_err(|e| memory.judge(failure::of_execution(e)))?;
        Rows::of(result, next)
    }
}

pub fn millis(ms: u32) -> Duration {
    Duration::from_millis(ms.into())
}

impl Session {
    pub fn open(settings: &Settings) -> Result<Session, Failure> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(settings.threads.max(1) as usize)
            .thread_name("cassandra")
            .enable_all()
            .build()
            .map_err(|e| Failure::new(failure::OTHER, format!("the driver's threads cannot be started: {e}")))?;
        match runtime.block_on(connect(settings)) {
            Ok(driver) => Ok(Session {
                runtime,
                driver: Arc::new(driver),
                in_flight: Arc::default(),
                max_in_flight: settings.max_in_flight as usize,
                request_timeout: millis(settings.request_timeout_ms),
            }),
            Err(error) => {
                runtime.shutdown_background(); // a name that is being looked up cannot be stopped
                Err(error)
            }
        }
    }

    pub fn prepare(&self, cql: &str, timeout: Duration) -> Result<PreparedStatement, Failure> {
        self.runtime.block_on(async {
            match tokio::time::timeout(timeout, self.driver.prepare(cql)).await {
                Ok(prepared) => prepared.map_err(failure::of_prepare),
                Err(_) => Err(Failure::new(failure::TIMED_OUT, format!("no answer within {} ms", timeout.as_millis()))),
            }
        })
    }
}

async fn connect(settings: &Settings) -> Result<Driver, Failure> {
    let limit = millis(settings.open_timeout_ms);
    let contact_points = text(settings.contact_points)?.unwrap_or_default();
    let local_dc = text(settings.local_dc)?;
    let mut balancing = DefaultPolicy::builder().token_aware(true).permit_dc_failover(false);
    if let Some(dc) = local_dc {
        balancing = balancing.prefer_datacenter(dc.to_string());
    }
    let profile = ExecutionProfile::builder()
        .request_timeout(Some(millis(settings.request_timeout_ms)))
        .load_balancing_policy(balancing.build())
        .build();
    let mut builder = SessionBuilder::new()
        .known_nodes(contact_points.split(',').map(str::trim).filter(|point| !point.is_empty()))
        .default_execution_profile_handle(profile.into_handle())
        .connection_timeout(limit / 2)
        .hostname_resolution_timeout(Some(limit / 2))
        .pool_size(PoolSize::PerHost(
            NonZeroUsize::new(settings.connections_per_node as usize).unwrap_or(NonZeroUsize::MIN),
        ))
        .schema_agreement_timeout(millis(settings.schema_timeout_ms))
        .schema_agreement_interval(Duration::from_millis(50))
        // A node that is stopped, or cut off without a word, is noticed within 10 s.
        .keepalive_interval(Duration::from_secs(5))
        .keepalive_timeout(Duration::from_secs(5));
    if let Some(user) = text(settings.user)? {
        builder = builder.user(user, text(settings.password)?.unwrap_or_default());
    }
    // Replication decides which nodes a statement is sent to: of this keyspace, and no other.
    builder = match text(settings.keyspace)? {
        Some(keyspace) => builder.use_keyspace(keyspace, true).keyspaces_to_fetch([keyspace]),
        None => builder.fetch_schema_metadata(false),
    };
    builder.config.reconnect_policy = Arc::new(
        ExponentialReconnectPolicy::new().with_backoff_limits(Duration::from_millis(100), Duration::from_secs(2)),
    );
    let driver = match tokio::time::timeout(limit, builder.build()).await {
        Ok(built) => built.map_err(failure::of_open)?,
        Err(_) => return Err(Failure::new(failure::UNAVAILABLE, format!("no answer within {} ms", limit.as_millis()))),
    };
    if let Some(dc) = local_dc {
        let state = driver.get_cluster_state();
        let mut there: Vec<_> = state.get_nodes_info().iter().filter_map(|node| node.datacenter.as_deref()).collect();
        if !there.contains(&dc) {
            there.sort();
            there.dedup();
            let message = format!("no node is in data centre '{dc}': there is {}", there.join(", "));
            return Err(Failure::new(failure::INVALID, message));
        }
    }
    Ok(driver)
}
