//! Event streams as response bodies.
