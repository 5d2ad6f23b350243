//! Connection for commands, to one server or to a Redis Cluster.

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::cluster_routing::{RoutingInfo, SingleNodeRoutingInfo};
use redis::{AsyncConnectionConfig, Client, Cmd, Pipeline, RedisFuture, RedisResult, Value};

use super::server::{CONNECT, PATIENCE};

/// Sends commands, many at a time; cheap to clone.
#[derive(Clone)]
pub(super) enum Commands {
    Server(MultiplexedConnection),
    /// A cluster, in which the client finds the node of each topic.
    Cluster(ClusterConnection),
}

impl Commands {
    /// Connects, and detects whether the server is a cluster.
    pub(super) async fn connect(client: &Client) -> RedisResult<Self> {
        let settings =
            AsyncConnectionConfig::new().set_connection_timeout(Some(CONNECT)).set_response_timeout(None);
        let mut server = client.get_multiplexed_async_connection_with_config(&settings).await?;
        // A server that is not a part of a cluster refuses, and so may one that does not allow the
        // command.
        let cluster = redis::cmd("CLUSTER").arg("INFO").query_async::<String>(&mut server).await;
        match cluster {
            Err(error) if error.code() == Some("NOAUTH") => return Err(error),
            Err(_) => return Ok(Self::Server(server)),
            Ok(_) => {}
        }
        let info = client.get_connection_info().clone();
        let client = ClusterClient::builder([info]).connection_timeout(CONNECT).response_timeout(PATIENCE);
        Ok(Self::Cluster(client.build()?.get_async_connection().await?))
    }

    /// The server's policy to evict keys when it reaches its memory limit; `None` if it evicts
    /// none, or does not allow the question.
    pub(super) async fn eviction_policy(&mut self) -> Option<String> {
        let mut info = redis::cmd("INFO");
        info.arg("memory");
        let info: String = match self {
            Self::Server(server) => info.query_async(server).await.ok()?,
            Self::Cluster(cluster) => {
                let any = RoutingInfo::SingleNode(SingleNodeRoutingInfo::Random);
                redis::from_redis_value(cluster.route_command(info, any).await.ok()?).ok()?
            }
        };
        let value =
            |name: &str| info.lines().find_map(|line| line.trim_end().strip_prefix(name)?.strip_prefix(':'));
        let policy = value("maxmemory_policy")?;
        (value("maxmemory")? != "0" && policy != "noeviction").then(|| policy.to_owned())
    }

    /// Whether the client reconnects by itself, and then repeats commands that had no answer.
    pub(super) fn reconnects(&self) -> bool {
        matches!(self, Self::Cluster(_))
    }
}

impl ConnectionLike for Commands {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::Server(server) => server.req_packed_command(command),
            Self::Cluster(cluster) => cluster.req_packed_command(command),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        commands: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Self::Server(server) => server.req_packed_commands(commands, offset, count),
            Self::Cluster(cluster) => cluster.req_packed_commands(commands, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::Server(server) => server.get_db(),
            Self::Cluster(cluster) => cluster.get_db(),
        }
    }
}
