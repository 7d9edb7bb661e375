//! This machine, asked by system calls.
