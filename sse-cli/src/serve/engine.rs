//! Storage of the hub of `sse serve`.

use std::error::Error;
#[cfg(feature = "redis")]
use std::fs;
#[cfg(any(feature = "disk", feature = "redis"))]
use std::sync::Arc;

use sse_hub::Hub;
#[cfg(feature = "disk")]
use sse_hub::disk::{DiskConfig, DiskLog};
#[cfg(feature = "redis")]
use sse_hub::redis::{RedisConfig, RedisLog};

use super::Arguments;
#[cfg(feature = "redis")]
use super::secret::Secret;

/// Creates the hub over the storage that the arguments name: a directory, a Redis server, or
/// memory.
pub(super) fn hub(arguments: &Arguments) -> Result<Hub, Box<dyn Error>> {
    #[cfg(feature = "disk")]
    if let Some(directory) = &arguments.data {
        let log = DiskLog::open(DiskConfig::new(directory).with_bytes(arguments.data_bytes));
        let log = log.map_err(|error| format!("--data: {error}"))?;
        return Ok(Hub::with_log(arguments.hub(), Arc::new(log)));
    }
    #[cfg(feature = "redis")]
    if let Some(url) = redis_url(arguments)? {
        // The Redis client uses the process's default provider, and two providers in one program
        // leave no default.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let config = arguments.hub();
        let redis = RedisConfig::new(url.expose())
            .map_err(|error| format!("--redis: {error}"))?
            .prefix(&arguments.redis_prefix)
            .keep(config.history);
        // The Redis server may start later: until then, publishers are refused and subscribers
        // wait.
        return Ok(Hub::with_log(config, Arc::new(RedisLog::new(redis)?)));
    }
    Ok(Hub::new(arguments.hub()))
}

#[cfg(feature = "redis")]
fn redis_url(arguments: &Arguments) -> Result<Option<Secret>, Box<dyn Error>> {
    let Some(file) = &arguments.redis_file else { return Ok(arguments.redis.clone()) };
    let text =
        fs::read_to_string(file).map_err(|error| format!("--redis-file {}: {error}", file.display()))?;
    Ok(Some(text.trim().to_owned().into()))
}

#[cfg(all(test, feature = "redis"))]
mod tests {
    use super::super::arguments::tests::parse;
    use super::*;

    #[test]
    fn a_password_is_neither_in_debug_output_nor_in_the_error_for_a_bad_url() {
        let arguments = parse(&["--redis", "http://user:hunter2@localhost"]);
        let error = hub(&arguments).expect_err("it is not a Redis URL");
        assert!(error.to_string().contains("redis://"), "{error}");
        for text in [format!("{arguments:?}"), format!("{error} {error:?}")] {
            assert!(!text.contains("hunter2"), "{text}");
        }
    }
}
