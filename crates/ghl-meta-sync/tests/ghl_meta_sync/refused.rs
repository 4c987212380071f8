//! Rows that Meta refuses.
