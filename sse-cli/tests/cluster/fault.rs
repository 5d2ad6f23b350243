//! Faults of a hub of two nodes.

use std::path::Path;
use std::thread::sleep;
use std::time::Duration;
use std::{fs, io};

use crate::publisher::Publisher;
use crate::{Cluster, Random};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// One node is killed and started again.
    KillNode,
    /// Redis is killed and started again.
    KillRedis,
    /// Redis does not answer for three seconds.
    StopRedis,
    /// The connections that receive new events are cut, a few times.
    CutSubscriptions,
    /// Redis is emptied.
    FlushAll,
    /// One node stands still while what it has not read is trimmed.
    TrimUnderStoppedNode,
    /// Redis comes back with an older file.
    RestoreOlderFile,
}

impl Fault {
    pub const ALL: [Self; 7] = [
        Self::KillNode,
        Self::KillRedis,
        Self::StopRedis,
        Self::CutSubscriptions,
        Self::FlushAll,
        Self::TrimUnderStoppedNode,
        Self::RestoreOlderFile,
    ];

    /// Whether Redis forgets events that it acknowledged. The other faults must not even cause a
    /// gap, except one of the right size where events were trimmed.
    pub fn may_lose(self) -> bool {
        matches!(self, Self::FlushAll | Self::RestoreOlderFile)
    }

    pub fn run(self, cluster: &mut Cluster, random: &mut Random, publisher: &Publisher) {
        let node = random.below(2) as usize;
        match self {
            Self::KillNode => {
                cluster.nodes[node].kill();
                publisher.wait_for(10);
                cluster.nodes[node].run();
            }
            Self::KillRedis => {
                cluster.redis.kill();
                sleep(Duration::from_millis(random.below(1500)));
                cluster.redis.run();
            }
            Self::StopRedis => {
                cluster.redis.signal("STOP");
                sleep(Duration::from_secs(3));
                cluster.redis.signal("CONT");
            }
            Self::CutSubscriptions => {
                for _ in 0..5 {
                    cluster.redis.command("CLIENT KILL TYPE pubsub");
                    publisher.wait_for(random.below(10));
                }
            }
            Self::FlushAll => {
                cluster.redis.command("FLUSHALL");
            }
            Self::TrimUnderStoppedNode => {
                cluster.nodes[node].signal("STOP");
                // Its queue in Redis is cut off, so that it has to read the stream.
                cluster.redis.command("CLIENT KILL TYPE pubsub");
                publisher.wait_for(3);
                cluster.redis.command("XTRIM sse:{t}:s MAXLEN 1");
                cluster.nodes[node].signal("CONT");
            }
            Self::RestoreOlderFile => {
                let directory = cluster.redis.directory().to_owned();
                let (files, copy) = (directory.join("appendonlydir"), directory.join("copy"));
                cluster.redis.kill();
                copy_files(&files, &copy).unwrap();
                cluster.redis.run();
                publisher.wait_for(20);
                cluster.redis.kill();
                fs::remove_dir_all(&files).unwrap();
                fs::rename(&copy, &files).unwrap();
                cluster.redis.run();
            }
        }
    }
}

fn copy_files(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for file in fs::read_dir(from)? {
        let file = file?;
        fs::copy(file.path(), to.join(file.file_name()))?;
    }
    Ok(())
}
