//! Serves event streams.
