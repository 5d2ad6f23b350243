//! What a client sends, and how it reads a response.
