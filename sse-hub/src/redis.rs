//! Log in Redis or Valkey, by which any number of nodes form one hub.

mod channels;
mod commands;
mod config;
mod known;
mod log;
mod losses;
mod message;
mod names;
mod resume;
mod scripts;
mod server;
#[cfg(test)]
mod tests;
mod topics;

pub use config::{InvalidRedisUrl, RedisConfig};
pub use log::{RedisLog, RedisUnusable};
