//! match-keys
